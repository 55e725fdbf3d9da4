#include "restore/file/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "pg/archive/dumpdir.h"
#include "restore/file/tempfile.h"

/* What is left of the entry. */
static int
copy_entry(struct unpack *u, int fd, const char *where, struct err *e)
{
    const void *data;
    size_t      n;
    int         rc;

    while ((rc = unpack_read(u, &data, &n, e)) == 1) {
        if (tempfile_write(fd, data, n, where, e) != 0) {
            return -1;
        }
    }
    return rc;
}

/* ---- one file ---- */

static int
unpack_file_into(struct spool *s, const struct found *f, struct err *e)
{
    struct found_reader r;
    int                 rc = -1;

    s->own_fd = tempfile_make(e);
    if (s->own_fd >= 0 && found_begin(f, &r, e) == 0) {
        rc = copy_entry(r.data, s->own_fd, tempfile_dir(), e);
        found_end(&r);
    }
    s->fd = s->own_fd;
    return rc;
}

/* ---- a directory ---- */

/* The file's own name, when it lies beside the toc.dat that was found; else NULL. */
static const char *
beside(const char *name, const char *toc)
{
    const char *slash = strrchr(toc, '/');
    size_t      n = slash == NULL ? 0 : (size_t)(slash - toc) + 1;

    return strncmp(name, toc, n) == 0 && dumpdir_is_name(name + n) ? name + n : NULL;
}

static int
unpack_one(struct spool *s, struct unpack *u, const char *base, struct err *e)
{
    char *path = xasprintf("%s/%s", s->dir, base);
    int   fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int   rc = fd < 0 ? tempfile_failed(path, e) : copy_entry(u, fd, path, e);

    if (fd >= 0 && close(fd) != 0 && rc == 0) {
        rc = tempfile_failed(path, e);
    }
    free(path);
    return rc;
}

static int
unpack_directory_into(struct spool *s, const struct found *f, struct err *e)
{
    struct unpack *u = NULL;
    const char    *name, *base;
    int            rc;

    s->dir = xasprintf("%s/pgassay-XXXXXX", tempfile_dir());
    if (mkdtemp(s->dir) == NULL) {
        rc = tempfile_failed(s->dir, e);
        free(s->dir);
        s->dir = NULL;
        return rc;
    }
    rc = unpack_open(&u, &f->file, true, e);
    while (rc == 0 && (rc = unpack_next(u, &name, e)) == 1) {
        base = beside(name, f->member);
        rc = base == NULL ? 0 : unpack_one(s, u, base, e);
    }
    unpack_close(u);
    return rc;
}

/* pg_restore 18 ends with 0 when a compressed file lacks its end. */
static int
check_compressed(int dir, const char *name, const struct found *f, uint64_t *unpacked,
                 struct err *e)
{
    struct unpack_file file = f->file;
    struct unpack     *u = NULL;
    struct stat        st;
    const char        *none;
    const void        *data;
    size_t             n;
    int                rc = -1;

    file.name = name;
    file.fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file.fd < 0 || fstat(file.fd, &st) != 0) {
        err_errno(e, "\"%s\"", name);
    } else {
        file.size_bytes = (uint64_t)st.st_size;
        rc = unpack_open(&u, &file, false, e);
    }
    while (rc == 0 && (rc = unpack_next(u, &none, e)) == 1) {
        while ((rc = unpack_read(u, &data, &n, e)) == 1 &&
               (rc = unpack_check_limits(f->file.limits, f->file.size_bytes, *unpacked += n, e)) ==
                   0) {
        }
    }
    unpack_close(u);
    if (file.fd >= 0) {
        (void)close(file.fd);
    }
    return rc;
}

static bool
is_compressed(const char *name)
{
    static const char *const ends[] = {".gz", ".lz4", ".zst"};
    const char              *dot = strrchr(name, '.');
    bool                     yes = false;

    for (size_t i = 0; dot != NULL && i < sizeof ends / sizeof ends[0]; i++) {
        yes = yes || strcmp(dot, ends[i]) == 0;
    }
    return yes;
}

static int
check_directory(const char *path, const struct found *f, struct err *e)
{
    DIR           *d;
    struct dirent *entry;
    uint64_t       unpacked = 0; /* of all files together */
    int            rc = dumpdir_check(path, e);

    if (rc != 0) {
        return -1;
    }
    if ((d = opendir(path)) == NULL) {
        return err_errno(e, "reading \"%s\"", path);
    }
    while (rc == 0 && (entry = readdir(d)) != NULL) {
        rc = is_compressed(entry->d_name)
            ? check_compressed(dirfd(d), entry->d_name, f, &unpacked, e)
            : 0;
    }
    (void)closedir(d);
    return rc;
}

/* ---- a tar ---- */

/*
 * Of a truncated one pg_restore may read for ever.  So: each file is there to its end, and after
 * the last one the two blocks of zeros that pg_dump ends with.
 */
static int
check_tar(const struct spool *s, const struct found *f, struct err *e)
{
    enum { BLOCK = 512, END = 2 * BLOCK };
    struct unpack_file file = f->file;
    struct unpack     *u = NULL;
    struct stat        st;
    const void        *data;
    const char        *name;
    uint64_t           whole = END;
    size_t             n;
    int                rc = fstat(s->fd, &st) != 0 ? err_errno(e, "\"%s\"", file.name) : 0;

    file.fd = s->fd;
    file.size_bytes = rc == 0 ? (uint64_t)st.st_size : 0;
    rc = rc == 0 ? unpack_open(&u, &file, true, e) : -1;
    while (rc == 0 && (rc = unpack_next(u, &name, e)) == 1) {
        uint64_t size = 0;

        while ((rc = unpack_read(u, &data, &n, e)) == 1) {
            size += n;
        }
        whole += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
    }
    unpack_close(u);
    return rc == 0 && file.size_bytes < whole
        ? err_set(e, ERR_CORRUPT, "the tar ends too early: it is not whole")
        : rc;
}

int
spool_open(struct spool *s, const struct found *f, struct err *e)
{
    int rc = 0;

    if (f->kind->kind == DUMP_DIRECTORY) {
        rc = f->is_directory ? 0 : unpack_directory_into(s, f, e);
        s->path = f->is_directory ? xasprintf("%s%s", f->file.name[0] == '-' ? "./" : "",
                                              f->file.name) /* no option of pg_restore's */
                                  : xstrdup(s->dir != NULL ? s->dir : "");
        return rc == 0 ? check_directory(s->path, f, e) : -1;
    }
    if (f->member == NULL && f->compression == NULL) {
        s->fd = f->file.fd;
    } else if (unpack_file_into(s, f, e) != 0) {
        return -1;
    }
    s->path = xasprintf("/proc/self/fd/%d", s->fd);
    return f->kind->kind == DUMP_TAR ? check_tar(s, f, e) : 0;
}

/* Only what was made here: files, in one directory. */
static void
remove_directory(const char *path)
{
    DIR           *d = opendir(path);
    struct dirent *entry;

    while (d != NULL && (entry = readdir(d)) != NULL) {
        if (entry->d_type == DT_REG || dumpdir_is_name(entry->d_name)) {
            (void)unlinkat(dirfd(d), entry->d_name, 0);
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    (void)rmdir(path);
}

void
spool_free(struct spool *s)
{
    if (s->dir != NULL) {
        remove_directory(s->dir);
    }
    if (s->own_fd >= 0) {
        (void)close(s->own_fd);
    }
    free(s->path);
    free(s->dir);
    *s = (struct spool)SPOOL_INIT;
}
