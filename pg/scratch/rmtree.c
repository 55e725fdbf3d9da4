/*
 * rmtree.c - removing a directory with any contents.
 *
 * The contents were written by others: directories may be nested deeper than the limits of paths
 * and descriptors, and may deny their owner all access.  So there is no descent: the directories of
 * a directory are moved up, beside it, until none has any.  That takes as many rename()s as there
 * are directories, one open descriptor besides the top's, and no path longer than a name.
 */
#include "pg/scratch/rmtree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
    int      top;
    dev_t    device;
    unsigned moved; /* names given so far */
    bool     left;  /* something could not be removed */
};

static bool
is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A directory, on the same file system: its owner gets all rights to it.  Moving it needs write
 * permission on it, too, as its ".." changes. */
static bool
is_ours(const struct tree *t, int at, const char *name)
{
    struct stat sb;

    return fstatat(at, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(sb.st_mode) &&
        sb.st_dev == t->device &&
        ((sb.st_mode & S_IRWXU) == S_IRWXU || fchmodat(at, name, S_IRWXU, 0) == 0);
}

/* Moves a directory into the top, under the next free name. */
static void
move_up(struct tree *t, int from, const char *name)
{
    char to[64];
    int  rc;

    do {
        (void)snprintf(to, sizeof to, RMTREE_MOVED "%u", t->moved++);
        rc = renameat(from, name, t->top, to);
    } while (rc != 0 && (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR));
}

/* Empties the directory: files are removed, directories move up.  at: the open directory; it is
 * closed. */
static void
empty_one(struct tree *t, int at)
{
    DIR           *d = at < 0 ? NULL : fdopendir(at);
    struct dirent *entry;

    if (d == NULL) {
        return;
    }
    while ((entry = readdir(d)) != NULL) {
        if (!is_dots(entry->d_name) && unlinkat(at, entry->d_name, 0) != 0 &&
            is_ours(t, at, entry->d_name)) {
            move_up(t, at, entry->d_name);
        }
    }
    (void)closedir(d);
}

/* One pass over the top.  True when something was removed, so that another pass may find more. */
static bool
pass(struct tree *t)
{
    const int      flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int            fd = openat(t->top, ".", flags);
    DIR           *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    bool           progress = false;

    t->left = d == NULL;
    while (d != NULL && (entry = readdir(d)) != NULL) {
        const char *name = entry->d_name;
        bool        gone;

        if (is_dots(name)) {
            continue;
        }
        gone = unlinkat(t->top, name, 0) == 0;
        if (!gone && is_ours(t, t->top, name)) {
            empty_one(t, openat(t->top, name, flags));
            gone = unlinkat(t->top, name, AT_REMOVEDIR) == 0;
        }
        progress = progress || gone;
        t->left = t->left || !gone;
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return progress;
}

int
rmtree_contents(const char *path)
{
    struct tree t = {.top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    struct stat sb;

    if (t.top < 0 || fstat(t.top, &sb) != 0) {
        return -1;
    }
    t.device = sb.st_dev;
    while (pass(&t)) {
    }
    (void)close(t.top);
    if (t.left) {
        errno = ENOTEMPTY;
    }
    return t.left ? -1 : 0;
}
