#include "restore/file/find.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"
#include "restore/file/tempfile.h"
#include "storage/exchange/bundle_names.h"

/* A dump in a bundle. */
struct candidate {
    const struct dump_kind_row *kind;
    char                       *name;
    size_t                      at; /* which of the files */
};

struct candidates {
    struct candidate *v;
    size_t            n, cap;
    size_t            files; /* looked at */
    char             *ours;  /* where a manifest.json lies: perhaps a backup of ours; NULL */
};

static void
candidates_free(struct candidates *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->v[i].name);
    }
    free(c->v);
    free(c->ours);
}

/* The first bytes of an entry. */
static int
read_head(struct unpack *u, struct buf *head, struct err *e)
{
    const void *data;
    size_t      n;
    int         rc = 1;

    buf_clear(head);
    while (head->len < DUMP_HEAD_BYTES && (rc = unpack_read(u, &data, &n, e)) == 1) {
        if (buf_append(head, data, n, e) != 0) {
            return -1;
        }
    }
    return rc < 0 ? -1 : 0;
}

static int
refused(const struct found *f, const char *member, const struct dump_kind_row *kind, struct err *e)
{
    err_set(e, ERR_CORRUPT, "\"%s\"%s%s is no dump: %s", f->file.name, member == NULL ? "" : ": ",
            member == NULL ? "" : member, kind->name);
    return err_hint(e, "%s", kind->why);
}

/* The file itself, if it is a dump.  f->kind stays NULL if it is none. */
static int
look_at_file(struct found *f, struct buf *head, struct err *e)
{
    struct unpack *u = NULL;
    const char    *name, *filter;
    int            rc = unpack_open(&u, &f->file, false, e);

    rc = rc != 0 ? -1 : unpack_next(u, &name, e);
    if (rc == 0 || f->file.size_bytes == 0) {
        rc = err_set(e, ERR_CORRUPT, "\"%s\" is empty", f->file.name);
    } else if (rc == 1 && (rc = read_head(u, head, e)) == 0) {
        f->kind = dump_kind_of(head->data, head->len);
        filter = unpack_filter(u);
        f->compression = filter == NULL ? NULL : xstrdup(filter);
        if (head->len == 0) {
            rc = err_set(e, ERR_CORRUPT, "\"%s\" is empty once it is unpacked", f->file.name);
        } else if (f->kind != NULL && f->kind->kind == DUMP_REFUSED) {
            rc = refused(f, NULL, f->kind, e);
        } else if (f->kind != NULL && f->kind->kind == DUMP_DIRECTORY) {
            err_set(e, ERR_USAGE, "\"%s\" is the table of contents of a directory archive alone",
                    f->file.name);
            rc = err_hint(e, "name the directory that pg_dump -Fd made, or a bundle of all of it");
        }
    }
    unpack_close(u);
    return rc;
}

static int
look_at_entry(struct unpack *bundle, const char *name, struct buf *head, struct candidates *all,
              struct err *e)
{
    struct unpack              *u = NULL;
    const struct dump_kind_row *kind = NULL;
    const char                 *none;
    char                       *copy = xstrdup(name);
    int                         rc = unpack_inside(&u, bundle, e);

    rc = rc != 0 ? -1 : unpack_next(u, &none, e);
    if (rc == 1 && (rc = read_head(u, head, e)) == 0 && head->len > 0) {
        kind = dump_kind_of(head->data, head->len);
    }
    if (kind != NULL && kind->kind != DUMP_REFUSED) {
        VEC_GROW(all->v, all->n, all->cap);
        all->v[all->n++] = (struct candidate){.kind = kind, .name = copy, .at = all->files};
        copy = NULL;
    }
    free(copy);
    unpack_close(u);
    return rc;
}

static int
several(const struct found *f, const struct candidates *all, struct err *e)
{
    struct buf list = BUF_INIT(KIB);

    for (size_t i = 0; i < all->n; i++) {
        struct err full = ERR_INIT;

        (void)buf_printf(&list, &full, "%s\"%s\" (%s)", i == 0 ? "" : ", ", all->v[i].name,
                         all->v[i].kind->name);
    }
    err_set(e, ERR_USAGE, "\"%s\" holds %zu dumps: %s", f->file.name, all->n, buf_str(&list));
    buf_free(&list);
    return err_hint(e, "--member NAME says which");
}

/* The only one, or the one that the user names. */
static int
choose(struct found *f, const struct candidates *all, const char *member, struct err *e)
{
    const struct candidate *chosen = all->n == 1 && member == NULL ? &all->v[0] : NULL;

    for (size_t i = 0; member != NULL && i < all->n; i++) {
        chosen = strcmp(all->v[i].name, member) == 0 ? &all->v[i] : chosen;
    }
    if (chosen == NULL && all->n > 1 && member == NULL) {
        return several(f, all, e);
    }
    if (chosen == NULL) {
        return err_set(e, ERR_NOT_FOUND, "\"%s\": none of its %zu files%s%s%s is a dump",
                       f->file.name, all->files, member == NULL ? "" : " named \"",
                       member == NULL ? "" : member, member == NULL ? "" : "\"");
    }
    f->kind = chosen->kind;
    f->member = xstrdup(chosen->name);
    f->member_at = chosen->at;
    return 0;
}

/* ---- a backup of ours ---- */

static bool
is_at(const char *name, const char *dir, const char *file)
{
    size_t n = strlen(dir);

    return strncmp(name, dir, n) == 0 && strcmp(name + n, file) == 0;
}

static bool
is_below(const char *name, const char *dir, const char *sub)
{
    size_t n = strlen(dir);

    return strncmp(name, dir, n) == 0 && strncmp(name + n, sub, strlen(sub)) == 0;
}

/* Rows are no dump, whatever they look like. */
static bool
is_rows_of_ours(struct candidates *c, const char *name)
{
    const char *slash = strrchr(name, '/');

    if (c->ours == NULL && slash != NULL && strcmp(slash + 1, BUNDLE_MANIFEST) == 0) {
        c->ours = xstrndup(name, (size_t)(slash + 1 - name));
    }
    return c->ours != NULL &&
        (is_below(name, c->ours, "rows/") || is_below(name, c->ours, "large_objects/"));
}

/* Is there a schema beside the manifest? */
static int
look_for_ours(struct found *f, const struct candidates *c, struct err *e)
{
    for (size_t i = 0; c->ours != NULL && i < c->n; i++) {
        if (c->v[i].kind->kind == DUMP_CUSTOM && is_at(c->v[i].name, c->ours, BUNDLE_SCHEMA)) {
            f->kind = dump_kind_row(DUMP_BUNDLE);
            f->member = xstrdup(c->v[i].name);
            f->member_at = c->v[i].at;
            return bundled_read(&f->bundled, &f->file, f->member, e);
        }
    }
    return 0;
}

static int
unknown(const struct found *f, struct err *e)
{
    err_set(e, ERR_CORRUPT,
            "\"%s\" is no dump that is known: neither pg_dump nor pg_dumpall writes what it begins "
            "with",
            f->file.name);
    return err_hint(e,
                    "known are plain, custom, directory and tar dumps, compressed by gzip, bzip2, "
                    "xz, zstd or lz4, alone or in a tar, zip or 7z");
}

static int
look_into_bundle(struct found *f, const char *member, struct buf *head, struct err *e)
{
    struct unpack    *bundle = NULL;
    struct candidates all = {0};
    struct err        first = ERR_INIT;
    const char       *name;
    int               rc = unpack_open(&bundle, &f->file, true, &first);

    while (rc == 0 && (rc = unpack_next(bundle, &name, all.files == 0 ? &first : e)) == 1) {
        rc = is_rows_of_ours(&all, name) ? 0 : look_at_entry(bundle, name, head, &all, e);
        all.files++;
    }
    if (rc != 0 && e->kind == ERR_NONE) {
        *e = first;
        /* Not even one entry: it is no bundle, unless something in it is refused. */
        if (strstr(first.text, "Unrecognized archive format") != NULL) {
            err_clear(e);
            rc = unknown(f, e);
        }
    }
    if (rc == 0 && member == NULL) {
        rc = look_for_ours(f, &all, e);
    }
    rc = rc != 0 ? -1 : f->bundled != NULL ? 0 : choose(f, &all, member, e);
    candidates_free(&all);
    unpack_close(bundle);
    return rc;
}

/* The files in the directory: all their bytes, and how each is.  Others are refused later. */
static int
list_files(const char *path, uint64_t *bytes, struct strlist *files, struct err *e)
{
    DIR           *d = opendir(path);
    struct dirent *entry;
    struct stat    st;

    if (d == NULL) {
        return err_errno(e, "reading \"%s\"", path);
    }
    *bytes = 0;
    while ((entry = readdir(d)) != NULL) {
        if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode)) {
            *bytes += (uint64_t)st.st_size;
            strlist_take(files,
                         xasprintf("%s %lld %lld.%09ld", entry->d_name, (long long)st.st_size,
                                   (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec));
        }
    }
    (void)closedir(d);
    strlist_sort(files);
    return 0;
}

/* The directory that pg_dump -Fd made. */
static int
look_into_directory(struct found *f, const char *path, struct err *e)
{
    char *toc = xasprintf("%s/toc.dat", path);
    char  head[16];
    int   fd = open(toc, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0) {
        err_errno(e, "\"%s\" is a directory, but no archive of pg_dump -Fd: \"%s\"", path, toc);
        err_hint(e, "--file names one dump");
    } else {
        ssize_t n = read(fd, head, sizeof head);

        f->kind = n < 0 ? NULL : dump_kind_of(head, (size_t)n);
        if (f->kind == NULL || f->kind->kind != DUMP_DIRECTORY) {
            err_set(e, ERR_CORRUPT, "\"%s\": it is not the toc.dat of pg_dump -Fd", toc);
        }
        (void)close(fd);
    }
    free(toc);
    return e->kind == ERR_NONE ? list_files(path, &f->file.size_bytes, &f->files_were, e) : -1;
}

/* What is read twice lies in a file, also what comes from a pipe. */
static int
open_file(struct found *f, const char *path, struct err *e)
{
    bool from_pipe = strcmp(path, "-") == 0;

    f->file = (struct unpack_file){.name = from_pipe ? "standard input" : path,
                                   .limits = &f->limits};
    f->file.fd = from_pipe ? tempfile_of_stdin(f->limits.size_bytes, e)
                           : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not
                                                                               hang here */
    if (f->file.fd < 0 && from_pipe) {
        return -1;
    }
    return f->file.fd < 0 || fstat(f->file.fd, &f->was) != 0
        ? err_errno(e, "could not open \"%s\"", path)
        : 0;
}

int
found_open(struct found *f, const char *path, const char *member, struct err *e)
{
    struct buf head = BUF_INIT(DUMP_HEAD_BYTES + 64 * MIB);
    int        rc;

    if (open_file(f, path, e) != 0) {
        return -1;
    }
    f->is_directory = S_ISDIR(f->was.st_mode);
    if (!f->is_directory && !S_ISREG(f->was.st_mode)) {
        err_set(e, ERR_USAGE, "\"%s\" is neither a file nor a directory", path);
        return err_hint(e,
                        "a dump is read twice: first all of it is checked.  --file - keeps what a "
                        "pipe gives in a temporary file");
    }
    f->file.size_bytes = (uint64_t)f->was.st_size;
    if (f->is_directory) {
        return look_into_directory(f, path, e);
    }
    rc = look_at_file(f, &head, e);
    if (rc == 0 && f->kind == NULL) {
        rc = look_into_bundle(f, member, &head, e);
    } else if (rc == 0 && member != NULL) {
        rc = err_set(e, ERR_USAGE, "--member: \"%s\" is no bundle, but a %s", f->file.name,
                     f->kind->name);
    }
    buf_free(&head);
    return rc;
}

void
found_free(struct found *f)
{
    if (f->file.name != NULL && f->file.fd >= 0) {
        (void)close(f->file.fd);
    }
    free(f->compression);
    free(f->member);
    bundled_free(f->bundled);
    strlist_free(&f->files_were);
    *f = (struct found){0};
}

/* 1, 0, or -1. */
static int
files_are_as_they_were(const struct found *f, struct err *e)
{
    struct strlist now = {0};
    uint64_t       bytes;
    int rc = list_files(f->file.name, &bytes, &now, e) != 0 ? -1 : now.n == f->files_were.n ? 1 : 0;

    for (size_t i = 0; rc == 1 && i < now.n; i++) {
        rc = strcmp(now.v[i], f->files_were.v[i]) == 0;
    }
    strlist_free(&now);
    return rc;
}

int
found_unchanged(const struct found *f, struct err *e)
{
    struct stat now;
    int         same = f->is_directory ? files_are_as_they_were(f, e) : 1;

    if (same < 0) {
        return -1;
    }
    if (fstat(f->file.fd, &now) != 0) {
        return err_errno(e, "\"%s\"", f->file.name);
    }
    return same == 1 && now.st_size == f->was.st_size &&
            now.st_mtim.tv_sec == f->was.st_mtim.tv_sec &&
            now.st_mtim.tv_nsec == f->was.st_mtim.tv_nsec
        ? 0
        : err_set(e, ERR_IO, "\"%s\" has changed while it was read", f->file.name);
}

/* ---- reading ---- */

static int
go_to_member(const struct found *f, struct found_reader *r, struct err *e)
{
    const char *name;
    int         rc = 1;

    for (size_t i = 0; rc == 1 && i <= f->member_at; i++) {
        rc = unpack_next(r->bundle, &name, e);
    }
    if (rc == 0) {
        rc = err_set(e, ERR_IO, "\"%s\" has changed while it was read", f->file.name);
    }
    return rc == 1 ? unpack_inside(&r->data, r->bundle, e) : -1;
}

int
found_begin(const struct found *f, struct found_reader *r, struct err *e)
{
    const char *none;
    int         rc;

    *r = (struct found_reader){0};
    rc = unpack_open(f->member == NULL ? &r->data : &r->bundle, &f->file, f->member != NULL, e);
    if (rc == 0 && f->member != NULL) {
        rc = go_to_member(f, r, e);
    }
    if (rc == 0 && unpack_next(r->data, &none, e) != 1) {
        rc = e->kind != ERR_NONE ? -1 : err_set(e, ERR_CORRUPT, "\"%s\" is empty", f->file.name);
    }
    if (rc != 0) {
        found_end(r);
    }
    return rc;
}

int
found_read(struct found_reader *r, const void **data, size_t *n, struct err *e)
{
    return unpack_read(r->data, data, n, e);
}

void
found_end(struct found_reader *r)
{
    unpack_close(r->data);
    unpack_close(r->bundle);
    *r = (struct found_reader){0};
}
