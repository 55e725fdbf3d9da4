#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/host/ownership.h"
#include "storage/drivers/file/file.h"

enum {
    STALE_SECONDS = 24 * 3600,
    TMP_NAME = 33,
    TRIES = 10,
    /* Bytes of an object that is not left in the system's memory: a chunk. */
    LARGE = 1 << 20,
};

/* Removes temporary files of killed processes.  Best effort: they only take up space. */
static void
sweep(int tmp)
{
    time_t         old = time(NULL) - STALE_SECONDS;
    int            fd = openat(tmp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR           *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    struct stat    sb;

    if (d == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return;
    }
    while ((entry = readdir(d)) != NULL) {
        if (fstatat(tmp, entry->d_name, &sb, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(sb.st_mode) &&
            sb.st_mtime < old) {
            (void)unlinkat(tmp, entry->d_name, 0);
        }
    }
    (void)closedir(d);
}

/* The descriptor of .tmp, opened once. */
static int
tmp_dir(struct file_storage *fs, struct err *e)
{
    int fd;

    (void)pthread_mutex_lock(&fs->lock);
    if (fs->tmp < 0) {
        if (mkdirat(fs->root, ".tmp", 0750) != 0 && errno != EEXIST) {
            err_errno(e, "could not create directory \".tmp\" in the repository");
        } else if ((fs->tmp = openat(fs->root, ".tmp",
                                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0) {
            err_errno(e, "could not open directory \".tmp\" in the repository");
        } else if (ownership_hand_over(fs->tmp, fs->root, e) != 0) {
            (void)close(fs->tmp);
            fs->tmp = -1;
        } else {
            sweep(fs->tmp);
        }
    }
    fd = fs->tmp;
    (void)pthread_mutex_unlock(&fs->lock);
    return fd;
}

static int
write_all(int fd, const void *data, size_t n)
{
    const char *p = data;

    while (n > 0) {
        ssize_t done = write(fd, p, n);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return -1;
        }
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* The bytes, synced, under a temporary name. */
static int
write_tmp(int root, int tmp, const char *name, const struct blob *blob, struct err *e)
{
    int fd = openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    int rc = 0;

    if (fd < 0) {
        return err_errno(e, "could not create a temporary file in the repository");
    }
    if (ownership_hand_over(fd, root, e) != 0) {
        rc = -1;
    } else if (write_all(fd, blob->data, blob->size) != 0) {
        rc = err_errno(e, "could not write %zu bytes", blob->size);
        err_hint(e, "what this run has stored so far is used again by the next one");
    } else if (fsync(fd) != 0) {
        rc = err_errno(e, "could not sync");
    } else if (blob->size >= LARGE) {
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    }
    if (close(fd) != 0 && rc == 0) {
        rc = err_errno(e, "could not close");
    }
    if (rc != 0) {
        (void)unlinkat(tmp, name, 0);
    }
    return rc;
}

/* The name exists: good when the bytes are identical. */
static int
accept_same(int dir, const char *base, const struct blob *blob, struct err *e)
{
    struct buf      old = BUF_INIT(blob->size);
    struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    int             fd = openat(dir, base, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int             rc = -1;
    struct stat     sb;

    if (fd < 0) {
        return err_errno(e, "could not open the object of that name");
    }
    if (fstat(fd, &sb) != 0) {
        err_errno(e, "could not look at the object of that name");
    } else if (!S_ISREG(sb.st_mode) || (uintmax_t)sb.st_size != blob->size) {
        err_set(e, ERR_EXISTS, "exists already, with other contents");
    } else if (file_read_all(fd, &old, e) != 0) {
        goto out;
    } else if (blob->size > 0 && memcmp(old.data, blob->data, blob->size) != 0) {
        err_set(e, ERR_EXISTS, "exists already, with other contents");
    } else if (futimens(fd, now) != 0 || fsync(fd) != 0 || fsync(dir) != 0) {
        err_errno(e, "could not renew");
    } else {
        rc = 0;
    }
out:
    (void)close(fd);
    buf_free(&old);
    return rc;
}

/* Gives the temporary file its name, durably. */
static int
publish(int tmp, const char *name, int dir, const char *base, const struct blob *blob,
        struct err *e)
{
    if (linkat(tmp, name, dir, base, 0) != 0) {
        if (errno == EEXIST) {
            return accept_same(dir, base, blob, e);
        }
        err_errno(e, "could not link to its name");
        return err_hint(e, "the repository needs a file system with hard links");
    }
    if (fsync(dir) != 0) {
        err_errno(e, "could not sync its directory");
        (void)unlinkat(dir, base, 0);
        return -1;
    }
    return 0;
}

int
file_put(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    struct file_storage *fs = (struct file_storage *)st;
    char                 name[TMP_NAME];
    const char          *base;
    int                  tmp = tmp_dir(fs, e);
    int                  dir = -1;
    int                  rc = -1;

    if (tmp < 0) {
        goto out;
    }
    random_hex(sizeof name / 2, name);
    if (write_tmp(fs->root, tmp, name, blob, e) != 0) {
        goto out;
    }
    for (int attempt = 1;; attempt++) {
        dir = file_make_parent(fs, key, &base, e);
        if (dir >= 0) {
            rc = publish(tmp, name, dir, base, blob, e);
            (void)close(dir);
        }
        /* Another process may have removed the directory, which was empty. */
        if (rc == 0 || e->kind != ERR_NOT_FOUND || attempt == TRIES) {
            break;
        }
        err_clear(e);
    }
    (void)unlinkat(tmp, name, 0);
out:
    if (rc != 0) {
        err_wrap(e, "could not store \"%s\"", key);
    }
    return rc;
}
