#include "core/host/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/ownership.h"
#include "core/mem.h"

static const char *
set_env(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

/* Whoever was given the machine's directory, as the service is, uses it by hand, too. */
static bool
belongs_to_this_user(const char *dir)
{
    struct stat st;

    return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static char *
root_dir(struct err *e)
{
    static const char of_machine[] = "/var/lib/pgassay";
    const char       *dir = set_env("PGASSAY_STATE_DIR");

    if (dir != NULL) {
        return xstrdup(dir);
    }
    if (geteuid() == 0 || belongs_to_this_user(of_machine)) {
        return xstrdup(of_machine);
    }
    if ((dir = set_env("XDG_STATE_HOME")) != NULL) {
        return xasprintf("%s/pgassay", dir);
    }
    if ((dir = set_env("HOME")) != NULL) {
        return xasprintf("%s/.local/state/pgassay", dir);
    }
    err_set(e, ERR_USAGE,
            "no place for this host's state: neither PGASSAY_STATE_DIR nor HOME is set");
    return NULL;
}

/* The file at path, open as fd, is given to its directory's owner.  Best effort: a process that
 * cannot write it later goes on without. */
static void
hand_over(int fd, const char *path)
{
    struct err  ignored = ERR_INIT;
    const char *slash = strrchr(path, '/');
    char       *parent = slash == NULL || slash == path ? xstrdup("/")
                                                        : xstrndup(path, (size_t)(slash - path));
    int         dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && dir >= 0) {
        (void)ownership_hand_over(fd, dir, &ignored);
    }
    if (dir >= 0) {
        (void)close(dir);
    }
    free(parent);
}

static int
make_dir(const char *path)
{
    int fd;

    if (mkdir(path, 0700) != 0) {
        return errno == EEXIST ? 0 : -1;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    hand_over(fd, path);
    if (fd >= 0) {
        (void)close(fd);
    }
    return 0;
}

static int
make_dirs(char *path, struct err *e)
{
    for (char *s = path + 1;; s++) {
        char kept = *s;

        if (kept != '/' && kept != '\0') {
            continue;
        }
        *s = '\0';
        if (make_dir(path) != 0) {
            err_errno(e, "could not make state directory \"%s\"", path);
            *s = kept;
            return err_hint(e, "set PGASSAY_STATE_DIR to a directory that can be written");
        }
        *s = kept;
        if (kept == '\0') {
            return 0;
        }
    }
}

char *
state_file(const char *sub, const char *file, struct err *e)
{
    char *root = root_dir(e), *dir = NULL, *path = NULL;

    if (root != NULL) {
        dir = xasprintf("%s/%s", root, sub);
        if (make_dirs(dir, e) == 0) {
            path = xasprintf("%s/%s", dir, file);
        }
    }
    free(root);
    free(dir);
    return path;
}

int
state_open(const char *path, int flags)
{
    int fd = open(path, flags | O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd >= 0) {
        hand_over(fd, path);
    }
    return fd;
}

int
state_read(const char *path, struct buf *out, struct err *e)
{
    int     fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = 1;
    int     rc = 0;

    if (fd < 0) {
        return errno == ENOENT ? 0 : err_errno(e, "could not open it");
    }
    while (rc == 0 && n > 0) {
        uint8_t bytes[4096];

        n = read(fd, bytes, sizeof bytes);
        rc = n < 0 ? err_errno(e, "could not read it") : buf_append(out, bytes, (size_t)n, e);
    }
    (void)close(fd);
    return rc;
}

int
state_lock(const char *path)
{
    int fd = path == NULL ? -1 : state_open(path, 0);

    if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

int
state_write(const char *path, const struct buf *text, struct err *e)
{
    char *side = xasprintf("%s.XXXXXX", path);
    int   fd = mkostemp(side, O_CLOEXEC);
    int   rc = -1;

    if (fd >= 0) {
        hand_over(fd, side);
    }
    if (fd < 0) {
        err_errno(e, "could not make \"%s\"", side);
    } else if (write(fd, text->data, text->len) != (ssize_t)text->len || fdatasync(fd) != 0 ||
               rename(side, path) != 0) {
        err_errno(e, "could not write \"%s\"", path);
        (void)unlink(side);
    } else {
        rc = 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(side);
    return rc;
}
