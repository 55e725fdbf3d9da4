#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/ownership.h"
#include "storage/drivers/file/file.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static int
open_segment(int dir, const char *name, const char *key, struct err *e)
{
    int fd = openat(dir, name, DIR_FLAGS);

    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR)) {
        return err_set(e, ERR_CORRUPT,
                       "\"%s\": \"%s\" is not a directory (symbolic links are not followed)", key,
                       name);
    }
    return fd >= 0 ? fd : err_errno(e, "could not open directory \"%s\" of \"%s\"", name, key);
}

/* Makes sure that name exists in dir and survives a power cut.  Another thread may have just made
 * it and not yet synced it, so the first thread here in this process syncs. */
static int
make_segment(struct file_storage *fs, int dir, const char *path, const char *name, struct err *e)
{
    bool known;

    (void)pthread_mutex_lock(&fs->lock);
    known = strlist_has(&fs->durable, path);
    (void)pthread_mutex_unlock(&fs->lock);
    if (known) {
        return 0;
    }
    if (mkdirat(dir, name, 0750) == 0) {
        int fd = openat(dir, name, DIR_FLAGS), rc = 0;

        if (fd >= 0) { /* else another process has removed it already */
            rc = ownership_hand_over(fd, fs->root, e);
            (void)close(fd);
        }
        if (rc != 0) {
            return err_wrap(e, "directory \"%s\"", path);
        }
    } else if (errno != EEXIST) {
        return err_errno(e, "could not create directory \"%s\"", path);
    }
    if (fsync(dir) != 0) {
        return err_errno(e, "could not sync the directory that holds \"%s\"", path);
    }
    (void)pthread_mutex_lock(&fs->lock);
    strlist_add(&fs->durable, path);
    (void)pthread_mutex_unlock(&fs->lock);
    return 0;
}

static void
forget(struct file_storage *fs, const char *path)
{
    (void)pthread_mutex_lock(&fs->lock);
    for (size_t i = 0; i < fs->durable.n; i++) {
        if (strcmp(fs->durable.v[i], path) == 0) {
            free(fs->durable.v[i]);
            fs->durable.v[i] = fs->durable.v[--fs->durable.n];
            break;
        }
    }
    (void)pthread_mutex_unlock(&fs->lock);
}

/* Opens the directory that path's segments up to its last '/' name. */
static int
walk(struct file_storage *fs, const char *path, bool make, struct err *e)
{
    char *copy = xstrdup(path);
    char *at = copy;
    char *slash;
    int   fd = fcntl(fs->root, F_DUPFD_CLOEXEC, 0);

    if (fd < 0) {
        err_errno(e, "could not open repository \"%s\"", fs->base.location);
    }
    while (fd >= 0 && (slash = strchr(at, '/')) != NULL) {
        int next;

        *slash = '\0';
        if (make && make_segment(fs, fd, copy, at, e) != 0) {
            next = -1;
        } else {
            next = open_segment(fd, at, path, e);
        }
        if (next < 0 && make && e->kind == ERR_NOT_FOUND) {
            err_clear(e); /* it was empty, and another process has removed it */
            forget(fs, copy);
            next = make_segment(fs, fd, copy, at, e) != 0 ? -1 : open_segment(fd, at, path, e);
        }
        *slash = '/';
        (void)close(fd);
        fd = next;
        at = slash + 1;
    }
    free(copy);
    return fd;
}

static int
parent(struct file_storage *fs, const char *key, const char **base, bool make, struct err *e)
{
    const char *slash = strrchr(key, '/');

    *base = slash == NULL ? key : slash + 1;
    return walk(fs, key, make, e);
}

int
file_open_parent(struct file_storage *fs, const char *key, const char **base, struct err *e)
{
    return parent(fs, key, base, false, e);
}

int
file_make_parent(struct file_storage *fs, const char *key, const char **base, struct err *e)
{
    return parent(fs, key, base, true, e);
}

int
file_open_dir(struct file_storage *fs, const char *prefix, struct err *e)
{
    return walk(fs, prefix, false, e);
}

void
file_remove_backup_dir(struct file_storage *fs, const char *path)
{
    enum { LEVEL = 3 };
    struct err none = ERR_INIT;
    char      *dir = xstrdup(path);
    char      *base;
    int        slashes = 0;
    int        fd;

    for (const char *p = dir; *p != '\0'; p++) {
        slashes += *p == '/';
    }
    if (slashes == LEVEL) {
        dir[strlen(dir) - 1] = '\0';
        base = strrchr(dir, '/') + 1;
        fd = walk(fs, dir, false, &none);
        if (fd >= 0) {
            (void)unlinkat(fd, base, AT_REMOVEDIR); /* unless it is not empty */
            (void)close(fd);
        }
        forget(fs, dir);
    }
    free(dir);
}

int
file_read_all(int fd, struct buf *out, struct err *e)
{
    struct stat sb;
    ssize_t     n;

    buf_clear(out);
    if (fstat(fd, &sb) != 0) {
        return err_errno(e, "could not read its size");
    }
    if (!S_ISREG(sb.st_mode)) {
        return err_set(e, ERR_CORRUPT, "not a regular file");
    }
    if ((uintmax_t)sb.st_size > out->max) {
        return err_set(e, ERR_CORRUPT, "has %jd bytes, at most %zu are allowed",
                       (intmax_t)sb.st_size, out->max);
    }
    if (buf_reserve(out, (size_t)sb.st_size, e) != 0) {
        return -1;
    }
    while (out->len < (size_t)sb.st_size) {
        n = read(fd, out->data + out->len, (size_t)sb.st_size - out->len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EIO) {
            return err_set(e, ERR_CORRUPT, "the medium gives no data (input/output error)");
        }
        if (n < 0) {
            return err_errno(e, "could not read");
        }
        if (n == 0) {
            return err_set(e, ERR_CORRUPT, "ends after %zu of %jd bytes", out->len,
                           (intmax_t)sb.st_size);
        }
        out->len += (size_t)n;
    }
    return 0;
}
