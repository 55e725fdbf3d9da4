#include "core/host/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"

static const char suffix[] = ".partial";

struct outfile {
    char *path, *side; /* NULL: standard output */
    int   fd;
    bool  replace;
};

int
outfile_check(const char *path, bool replace, struct err *e)
{
    struct stat sb;

    if (strcmp(path, "-") == 0) {
        return isatty(STDOUT_FILENO)
            ? err_set(e, ERR_USAGE, "standard output is a terminal: send it to a program or a file")
            : 0;
    }
    if (lstat(path, &sb) != 0) {
        return errno == ENOENT ? 0 : err_errno(e, "could not look at \"%s\"", path);
    }
    if (!S_ISREG(sb.st_mode)) {
        return err_set(e, ERR_EXISTS, "\"%s\" is there, and is no file", path);
    }
    return replace ? 0 : err_set(e, ERR_EXISTS, "\"%s\" is there already", path);
}

struct outfile *
outfile_open(const char *path, bool replace, struct err *e)
{
    struct outfile *f;

    if (outfile_check(path, replace, e) != 0) {
        return NULL;
    }
    f = xcalloc(1, sizeof *f);
    f->replace = replace;
    f->fd = STDOUT_FILENO;
    if (strcmp(path, "-") == 0) {
        return f;
    }
    f->side = xasprintf("%s.XXXXXX%s", path, suffix);
    f->fd = mkostemps(f->side, (int)strlen(suffix), O_CLOEXEC);
    if (f->fd < 0) {
        err_errno(e, "could not make a file beside \"%s\"", path);
        free(f->side);
        free(f);
        return NULL;
    }
    f->path = xstrdup(path);
    return f;
}

int
outfile_mode(struct outfile *f, unsigned mode, struct err *e)
{
    return f->side == NULL || fchmod(f->fd, (mode_t)mode) == 0
        ? 0
        : err_errno(e, "could not set the mode of \"%s\"", f->side);
}

int
outfile_write(struct outfile *f, const void *data, size_t n, struct err *e)
{
    const char *p = data;

    while (n > 0) {
        ssize_t done = write(f->fd, p, n);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return err_errno(e, "could not write %s",
                             f->side == NULL ? "standard output" : f->side);
        }
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* The directory's entry must outlive a power cut, too. */
static int
sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char       *dir = slash == NULL ? xstrdup(".")
              : slash == path       ? xstrdup("/")
                                    : xstrndup(path, (size_t)(slash - path));
    int         fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int         rc = fd < 0 ? -1 : fsync(fd);

    if (fd >= 0) {
        (void)close(fd);
    }
    free(dir);
    return rc;
}

/* A file system that cannot rename without replacing (EINVAL) gets a second look instead. */
static int
give_name(const struct outfile *f, struct err *e)
{
    if (!f->replace && renameat2(AT_FDCWD, f->side, AT_FDCWD, f->path, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (!f->replace && (errno != EINVAL || outfile_check(f->path, false, e) != 0)) {
        return e->kind != ERR_NONE ? -1 : err_errno(e, "could not name it \"%s\"", f->path);
    }
    return rename(f->side, f->path) == 0 ? 0 : err_errno(e, "could not name it \"%s\"", f->path);
}

int
outfile_publish(struct outfile *f, struct err *e)
{
    if (f->side == NULL) {
        return 0;
    }
    if (fsync(f->fd) != 0) {
        return err_errno(e, "could not sync \"%s\"", f->side);
    }
    if (give_name(f, e) != 0) {
        return -1;
    }
    free(f->side);
    f->side = NULL;
    return sync_directory(f->path) == 0
        ? 0
        : err_errno(e, "could not sync the directory of \"%s\"", f->path);
}

void
outfile_close(struct outfile *f)
{
    if (f == NULL) {
        return;
    }
    if (f->path != NULL) {
        (void)close(f->fd);
    }
    if (f->side != NULL) {
        (void)unlink(f->side);
    }
    free(f->side);
    free(f->path);
    free(f);
}
