#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "storage/drivers/file/file.h"

/* The names in one directory that can be part of a key, sorted as keys sort: a directory
 * compares with its '/' after it ("a-b" < "a/" < "a0").  Anything else (lost+found, dot files) is
 * ignored. */
static int
read_names(int fd, const char *prefix, struct strlist *names, struct err *e)
{
    int            copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR           *d = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;
    struct stat    sb;
    int            rc = 0;

    if (d == NULL) {
        rc = err_errno(e, "could not read directory \"%s\"", prefix);
        if (copy >= 0) {
            (void)close(copy);
        }
        return rc;
    }
    while (rc == 0 && (errno = 0, entry = readdir(d)) != NULL) {
        bool is_dir = entry->d_type == DT_DIR;

        if (!storage_segment_valid(entry->d_name)) {
            continue;
        }
        if (entry->d_type == DT_UNKNOWN) {
            if (fstatat(fd, entry->d_name, &sb, AT_SYMLINK_NOFOLLOW) != 0) {
                rc = errno == ENOENT
                    ? 0
                    : err_errno(e, "could not look at \"%s%s\"", prefix, entry->d_name);
                continue;
            }
            is_dir = S_ISDIR(sb.st_mode);
        }
        strlist_take(names, is_dir ? xasprintf("%s/", entry->d_name) : xstrdup(entry->d_name));
    }
    if (rc == 0 && errno != 0) {
        rc = err_errno(e, "could not read directory \"%s\"", prefix);
    }
    (void)closedir(d);
    strlist_sort(names);
    return rc;
}

/* Anything but files and directories is foreign: a "latest" link left by a script, or a planted
 * link.  It is ignored, with one warning each. */
static void
pass_over(struct file_storage *fs, const char *key)
{
    bool said;

    (void)pthread_mutex_lock(&fs->lock);
    said = strlist_has(&fs->passed_over, key);
    if (!said) {
        strlist_add(&fs->passed_over, key);
    }
    (void)pthread_mutex_unlock(&fs->lock);
    if (!said) {
        log_warn(
            "\"%s\" in \"%s\" is neither a file nor a directory, and is passed over: symbolic "
            "links inside a repository are not followed (move the files back, or mount there)",
            key, fs->base.location);
    }
}

static int
list_object(struct file_storage *fs, int dir, const char *name, const char *key,
            storage_list_fn *fn, void *ctx, struct err *e)
{
    struct object_info info = {.key = key};
    struct stat        sb;

    if (fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) != 0) {
        /* Removed since the directory was read: as if it had been a moment earlier. */
        return errno == ENOENT ? 0 : err_errno(e, "could not look at \"%s\"", key);
    }
    if (!S_ISREG(sb.st_mode)) {
        pass_over(fs, key);
        return 0;
    }
    info.size = (uint64_t)sb.st_size;
    info.modified = sb.st_mtime;
    return fn(ctx, &info, e);
}

/* dir is freed by the caller. */
static int
list_dir(struct file_storage *fs, int dir, const char *prefix, storage_list_fn *fn, void *ctx,
         struct err *e)
{
    struct strlist names = {0};
    int            rc = read_names(dir, prefix, &names, e);

    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        char  *name = names.v[i];
        char  *key = xasprintf("%s%s", prefix, name);
        size_t n = strlen(name);

        if (name[n - 1] != '/') {
            rc = list_object(fs, dir, name, key, fn, ctx, e);
        } else if (strlen(key) < STORAGE_KEY_MAX) {
            int sub;

            name[n - 1] = '\0';
            sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (sub >= 0) {
                rc = list_dir(fs, sub, key, fn, ctx, e);
                (void)close(sub);
            } else if (errno != ENOENT) {
                rc = err_errno(e, "could not open directory \"%s\"", key);
            }
        }
        free(key);
    }
    strlist_free(&names);
    return rc;
}

/* A prefix whose directory does not exist has no objects. */
static int
open_prefix(struct storage *st, const char *prefix, bool *missing, struct err *e)
{
    int dir = file_open_dir((struct file_storage *)st, prefix, e);

    *missing = dir < 0 && e->kind == ERR_NOT_FOUND;
    if (*missing) {
        err_clear(e);
    }
    return dir;
}

int
file_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    bool missing;
    int  dir = open_prefix(st, prefix, &missing, e);
    int  rc;

    if (dir < 0) {
        return missing ? 0 : -1;
    }
    rc = list_dir((struct file_storage *)st, dir, prefix, fn, ctx, e);
    (void)close(dir);
    return rc;
}

int
file_dirs(struct storage *st, const char *prefix, storage_dirs_fn *fn, void *ctx, struct err *e)
{
    struct strlist names = {0};
    bool           missing;
    int            dir = open_prefix(st, prefix, &missing, e);
    int            rc;

    if (dir < 0) {
        return missing ? 0 : -1;
    }
    rc = read_names(dir, prefix, &names, e);
    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        size_t n = strlen(names.v[i]);

        if (names.v[i][n - 1] == '/') {
            names.v[i][n - 1] = '\0';
            rc = fn(ctx, names.v[i], e);
        }
    }
    strlist_free(&names);
    (void)close(dir);
    return rc;
}
