#include "storage/drivers/file/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "storage/contract/location.h"

enum { NETWORK_STALE_SECONDS = 65 };

/* anew: from the medium, as the file's page cache may hold errors of memory or bus. */
static int
get(struct storage *st, const char *key, bool anew, struct buf *out, struct err *e)
{
    struct file_storage *fs = (struct file_storage *)st;
    const char          *base;
    int                  dir = file_open_parent(fs, key, &base, e);
    int                  fd;
    int                  rc;

    if (dir < 0) {
        return -1;
    }
    fd = openat(dir, base, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        rc = errno == ELOOP
            ? err_set(e, ERR_CORRUPT, "\"%s\" is a symbolic link: not followed", key)
            : err_errno(e, "could not open \"%s\"", key);
    } else {
        if (anew) {
            (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        }
        rc = file_read_all(fd, out, e);
        if (rc != 0) {
            err_wrap(e, "\"%s\"", key);
        }
        (void)close(fd);
    }
    (void)close(dir);
    return rc;
}

static int
file_get(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    return get(st, key, false, out, e);
}

static int
file_get_anew(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    return get(st, key, true, out, e);
}

static int
file_head(struct storage *st, const char *key, struct object_info *info, struct err *e)
{
    struct file_storage *fs = (struct file_storage *)st;
    const char          *base;
    struct stat          sb;
    int                  dir = file_open_parent(fs, key, &base, e);
    int                  rc = 0;

    if (dir < 0) {
        return -1;
    }
    if (fstatat(dir, base, &sb, AT_SYMLINK_NOFOLLOW) != 0) {
        rc = err_errno(e, "could not look at \"%s\"", key);
    } else if (!S_ISREG(sb.st_mode)) {
        rc = err_set(e, ERR_CORRUPT, "\"%s\" is not a regular file", key);
    } else {
        info->size = (uint64_t)sb.st_size;
        info->modified = sb.st_mtime;
    }
    (void)close(dir);
    return rc;
}

/* The current directory of a removal, so that one sync serves all of its keys. */
struct emptying {
    int    dir;  /* -1: none */
    char  *path; /* up to its last '/' */
    size_t n;
};

static int
end_emptying(struct file_storage *fs, struct emptying *at, struct err *e)
{
    int rc = at->dir >= 0 && fsync(at->dir) != 0
        ? err_errno(e, "could not sync directory \"%s\"", at->path)
        : 0;

    if (at->dir >= 0) {
        (void)close(at->dir);
        file_remove_backup_dir(fs, at->path);
    }
    free(at->path);
    *at = (struct emptying){.dir = -1};
    return rc;
}

static int
begin_emptying(struct file_storage *fs, struct emptying *at, const char *key, const char **base,
               struct err *e)
{
    at->dir = file_open_parent(fs, key, base, e);
    at->n = (size_t)(*base - key);
    at->path = xstrndup(key, at->n);
    if (at->dir < 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        return 0;
    }
    return at->dir < 0 ? -1 : 0;
}

static int
file_remove(struct storage *st, const char *const *keys, size_t n, struct err *e)
{
    struct file_storage *fs = (struct file_storage *)st;
    struct emptying      at = {.dir = -1};
    int                  rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        const char *slash = strrchr(keys[i], '/');
        const char *base = slash == NULL ? keys[i] : slash + 1;

        if (at.path == NULL || at.n != (size_t)(base - keys[i]) ||
            strncmp(at.path, keys[i], at.n) != 0) {
            rc = end_emptying(fs, &at, e) != 0 || begin_emptying(fs, &at, keys[i], &base, e) != 0
                ? -1
                : 0;
        }
        if (rc == 0 && at.dir >= 0 && unlinkat(at.dir, base, 0) != 0 && errno != ENOENT) {
            rc = err_errno(e, "could not remove \"%s\"", keys[i]);
        }
    }
    if (rc == 0) {
        return end_emptying(fs, &at, e);
    }
    (void)end_emptying(fs, &at, &(struct err)ERR_INIT);
    return -1;
}

static void
file_close(struct storage *st)
{
    struct file_storage *fs = (struct file_storage *)st;

    (void)close(fs->root);
    if (fs->tmp >= 0) {
        (void)close(fs->tmp);
    }
    strlist_free(&fs->passed_over);
    strlist_free(&fs->durable);
    (void)pthread_mutex_destroy(&fs->lock);
    free(fs);
}

static const struct storage_ops file_ops = {
    .scheme = "file",
    .put = file_put,
    .get = file_get,
    .head = file_head,
    .list = file_list,
    .dirs = file_dirs,
    .remove = file_remove,
    .get_anew = file_get_anew,
    .close = file_close,
};

/* A fresh file system holds lost+found, and an init that was killed may have left .tmp: both
 * count as empty. */
static bool
counts(const char *name)
{
    static const char *const ignored[] = {".", "..", "lost+found", ".tmp"};

    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        if (strcmp(name, ignored[i]) == 0) {
            return false;
        }
    }
    return true;
}

static int
check_empty(int root, const char *path, struct err *e)
{
    int            fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR           *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int            rc = 0;

    if (d == NULL) {
        rc = err_errno(e, "could not read directory \"%s\"", path);
        if (fd >= 0) {
            (void)close(fd);
        }
        return rc;
    }
    while (rc == 0 && (errno = 0, entry = readdir(d)) != NULL) {
        if (counts(entry->d_name)) {
            rc = err_set(e, ERR_EXISTS, "directory \"%s\" is not empty: it holds \"%s\"", path,
                         entry->d_name);
            err_hint(e, "a new repository takes an empty or a missing directory");
        }
    }
    if (rc == 0 && errno != 0) {
        rc = err_errno(e, "could not read directory \"%s\"", path);
    }
    (void)closedir(d);
    return rc;
}

/* The new directory's own entry must be durable too. */
static int
sync_parent(const char *path, struct err *e)
{
    char *copy = xstrdup(path);
    char *slash;
    int   fd;
    int   rc = 0;

    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--) {
        copy[n - 1] = '\0';
    }
    slash = strrchr(copy, '/');
    if (slash != NULL) {
        slash[slash == copy ? 1 : 0] = '\0';
    }
    fd = open(slash == NULL ? "." : copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        rc = err_errno(e, "could not sync the directory that holds \"%s\"", path);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(copy);
    return rc;
}

/* On a network file system another host's changes show when the kernel queries again: after 60 s by
 * default ("acdirmax" of nfs(5), and others are no slower). */
static unsigned
staleness(int root)
{
    enum {
        NFS = 0x6969,
        SMB2 = (int)0xfe534d42,
        CIFS = (int)0xff534d42,
        CEPH = 0x00c36400,
        AFS = 0x5346414f,
        FUSE = 0x65735546,
        GFS2 = 0x01161970,
        OCFS2 = 0x7461636f,
        LUSTRE = 0x0bd00bd0
    };
    static const int network[] = {NFS, SMB2, CIFS, CEPH, AFS, FUSE, GFS2, OCFS2, LUSTRE};
    struct statfs    fs;

    if (fstatfs(root, &fs) != 0) {
        return NETWORK_STALE_SECONDS;
    }
    for (size_t i = 0; i < sizeof network / sizeof network[0]; i++) {
        if ((int)fs.f_type == network[i]) {
            return NETWORK_STALE_SECONDS;
        }
    }
    return 0;
}

/* Made by one user, used by another: by root in the shell, by cron as postgres. */
static void
hint_owner(const char *path, struct err *e)
{
    struct stat    sb;
    struct passwd  entry;
    struct passwd *owner = NULL;
    char           text[4096];

    if (stat(path, &sb) == 0 && getpwuid_r(sb.st_uid, &entry, text, sizeof text, &owner) == 0 &&
        owner != NULL) {
        err_hint(e,
                 "it belongs to user \"%s\": run this as that user, or give the directory and all "
                 "in it to yours",
                 owner->pw_name);
    }
}

struct storage *
storage_file_open(const char *path, const struct storage_location *place, bool create,
                  struct err *e)
{
    struct file_storage *fs;
    int                  root;

    (void)place;
    if (create && mkdir(path, 0750) != 0 && errno != EEXIST) {
        err_errno(e, "could not create directory \"%s\"", path);
        return NULL;
    }
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        err_errno(e, "could not open repository directory \"%s\"", path);
        if (e->kind == ERR_AUTH) {
            hint_owner(path, e);
        }
        return NULL;
    }
    if (create && (sync_parent(path, e) != 0 || check_empty(root, path, e) != 0)) {
        (void)close(root);
        return NULL;
    }
    fs = xcalloc(1, sizeof *fs);
    fs->base.ops = &file_ops;
    fs->base.stale_seconds = staleness(root);
    fs->base.distant = fs->base.stale_seconds > 0; /* a network file system */
    fs->root = root;
    fs->tmp = -1;
    (void)pthread_mutex_init(&fs->lock, NULL);
    return &fs->base;
}
