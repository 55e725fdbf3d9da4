#include "restore/file/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/cancel.h"
#include "core/human.h"
#include "core/mem.h"
#include "restore/file/gunzip.h"

enum { READ_BYTES = 256 << 10, ENTRIES_MAX = 100000 };
#define RATIO_FLOOR (64 * MIB)

struct unpack {
    const struct unpack_file *file;
    struct unpack            *outer; /* whose current entry this is */
    struct gunzip            *gunzip;
    struct archive           *a;
    struct archive_entry     *entry;
    bool                      bundle;
    uint64_t                  out; /* bytes of entries */
    uint64_t                  gunzipped;
    uint64_t                  entry_out; /* of this entry */
    size_t                    n_entries;
    off_t                     at; /* in the file */
    uint8_t                  *in;
    locale_t   utf8; /* without it libarchive has no name that is not ASCII; 0: it is not there */
    struct err why;  /* of a call-back */
};

/* ---- limits ---- */

int
unpack_check_limits(const struct unpack_limits *l, uint64_t file_bytes, uint64_t produced,
                    struct err *e)
{
    char size[32];

    if (produced > l->size_bytes) {
        err_set(e, ERR_CORRUPT, "it unpacks to more than %s",
                size_human(l->size_bytes, size, sizeof size));
        return err_hint(e, "--max-size allows more");
    }
    if (produced > RATIO_FLOOR && produced / l->ratio > file_bytes) {
        err_set(e, ERR_CORRUPT, "it unpacks to more than %llu times its size, as a bomb does",
                (unsigned long long)l->ratio);
        return err_hint(e, "--max-ratio allows more");
    }
    return 0;
}

static int
check_limits(const struct unpack *u, uint64_t produced, struct err *e)
{
    return unpack_check_limits(u->file->limits, u->file->size_bytes, produced, e);
}

/* ---- what libarchive reads ---- */

static int
read_file(void *ctx, const void **data, size_t *n, struct err *e)
{
    struct unpack *u = ctx;
    ssize_t        got;

    if (cancel_check(e) != 0) {
        return -1;
    }
    do {
        got = pread(u->file->fd, u->in, READ_BYTES, u->at);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return err_errno(e, "reading");
    }
    u->at += got;
    *data = u->in;
    *n = (size_t)got;
    return got > 0;
}

static int
read_outer(void *ctx, const void **data, size_t *n, struct err *e)
{
    return unpack_read(((struct unpack *)ctx)->outer, data, n, e);
}

static la_ssize_t
on_read(struct archive *a, void *ctx, const void **data)
{
    struct unpack *u = ctx;
    size_t         n = 0;
    int            rc = gunzip_read(u->gunzip, data, &n, &u->why);

    u->gunzipped += n;
    if (rc < 0 || check_limits(u, u->gunzipped, &u->why) != 0) {
        archive_set_error(a, EIO, "%s", u->why.text);
        return -1;
    }
    return (la_ssize_t)n;
}

/* For zip and 7z, whose list of entries is at the end: only of the file as it is. */
static la_int64_t
on_seek(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
    struct unpack *u = ctx;
    la_int64_t     base = whence == SEEK_SET ? 0
            : whence == SEEK_CUR             ? (la_int64_t)u->at
                                             : (la_int64_t)u->file->size_bytes;

    (void)a;
    if (base + offset < 0) {
        return ARCHIVE_FATAL;
    }
    u->at = (off_t)(base + offset);
    return u->at;
}

static int
failed(struct unpack *u, struct err *e)
{
    const char *text = archive_error_string(u->a);

    if (u->why.kind != ERR_NONE) {
        *e = u->why;
    } else {
        err_set(e, ERR_CORRUPT, "%s", text != NULL ? text : "it is damaged");
    }
    return -1;
}

/* Unless a layer below has named it. */
static int
named(const struct unpack *u, struct err *e)
{
    size_t n = strlen(u->file->name);

    if (e->kind == ERR_INTERRUPTED ||
        (e->text[0] == '"' && strncmp(e->text + 1, u->file->name, n) == 0)) {
        return -1;
    }
    return err_wrap(e, "\"%s\"", u->file->name);
}

/* ---- opening ---- */

static int
support(struct unpack *u, struct err *e)
{
    struct archive *a = u->a;

    /* Not ARCHIVE_OK: the library was built without it, and would run a program. */
    if (archive_read_support_filter_bzip2(a) != ARCHIVE_OK ||
        archive_read_support_filter_xz(a) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(a) != ARCHIVE_OK ||
        archive_read_support_filter_lz4(a) != ARCHIVE_OK) {
        return err_set(e, ERR_IO, "libarchive was built without bzip2, xz, zstd or lz4");
    }
    if (u->bundle ? archive_read_support_format_tar(a) != ARCHIVE_OK ||
                archive_read_support_format_zip(a) != ARCHIVE_OK ||
                archive_read_support_format_7zip(a) != ARCHIVE_OK ||
                /* Reads what compresses a tar to its end. */
                archive_read_set_option(a, "tar", "read_concatenated_archives", "1") != ARCHIVE_OK
                  : archive_read_support_format_raw(a) != ARCHIVE_OK ||
                archive_read_support_format_empty(a) != ARCHIVE_OK) {
        return failed(u, e);
    }
    return 0;
}

/* Is the file compressed with gzip?  Then there is no seeking in what comes out. */
static int
look_for_gzip(const struct unpack *u, bool *gzip, struct err *e)
{
    uint8_t head[2];
    ssize_t n = pread(u->file->fd, head, sizeof head, 0);

    *gzip = n == (ssize_t)sizeof head && head[0] == 0x1f && head[1] == 0x8b;
    return n < 0 ? err_errno(e, "reading") : 0;
}

static int
begin(struct unpack *u, struct err *e)
{
    bool no_seek = true;

    if (support(u, e) != 0 || (u->outer == NULL && look_for_gzip(u, &no_seek, e) != 0)) {
        return -1;
    }
    (void)archive_read_set_callback_data(u->a, u);
    (void)archive_read_set_read_callback(u->a, on_read);
    if (!no_seek) {
        (void)archive_read_set_seek_callback(u->a, on_seek);
    }
    if (archive_read_open1(u->a) != ARCHIVE_OK) {
        return failed(u, e);
    }
    return 0;
}

static int
make(struct unpack **out, const struct unpack_file *file, struct unpack *outer, bool bundle,
     struct err *e)
{
    struct unpack *u = *out = xcalloc(1, sizeof *u);

    u->file = file;
    u->outer = outer;
    u->bundle = bundle;
    u->in = outer == NULL ? xmalloc(READ_BYTES) : NULL;
    u->gunzip = gunzip_new(outer == NULL ? read_file : read_outer, u);
    u->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    u->a = archive_read_new();
    if (begin(u, e) != 0) {
        (void)named(u, e);
        unpack_close(u);
        *out = NULL;
        return -1;
    }
    return 0;
}

int
unpack_open(struct unpack **out, const struct unpack_file *file, bool bundle, struct err *e)
{
    return make(out, file, NULL, bundle, e);
}

int
unpack_inside(struct unpack **out, struct unpack *bundle, struct err *e)
{
    return make(out, bundle->file, bundle, false, e);
}

void
unpack_close(struct unpack *u)
{
    if (u != NULL) {
        (void)archive_read_free(u->a);
        gunzip_free(u->gunzip);
        if (u->utf8 != (locale_t)0) {
            freelocale(u->utf8);
        }
        free(u->in);
        free(u);
    }
}

const char *
unpack_filter(struct unpack *u)
{
    return gunzip_is(u->gunzip)                               ? "gzip"
        : archive_filter_code(u->a, 0) != ARCHIVE_FILTER_NONE ? archive_filter_name(u->a, 0)
                                                              : NULL;
}

/* ---- entries ---- */

/* The name of a bundle's entry, or a link's target, stays below where it is. */
static bool
stays_inside(const char *path)
{
    if (*path == '/' || *path == '\\' || (path[0] != '\0' && path[1] == ':')) {
        return false;
    }
    for (const char *p = path; *p != '\0'; p += strcspn(p, "/\\"), p += *p != '\0') {
        if (strncmp(p, "..", 2) == 0 && (p[2] == '\0' || p[2] == '/' || p[2] == '\\')) {
            return false;
        }
    }
    return true;
}

/* 1: it is a file; 0: to be passed over. */
static int
check_entry(const struct unpack *u, const char *name, struct err *e)
{
    const char *link = archive_entry_symlink(u->entry), *hard = archive_entry_hardlink(u->entry);
    mode_t      type = archive_entry_filetype(u->entry);

    if (name == NULL) {
        err_set(e, ERR_CORRUPT, "the name of entry %zu is in an encoding that is not known",
                u->n_entries);
        return err_hint(e, "unpack it by hand, and restore what comes out");
    }
    if (!stays_inside(name)) {
        return err_set(e, ERR_CORRUPT, "the entry \"%s\" leads out of the bundle", name);
    }
    link = link != NULL ? link : hard;
    if (link != NULL) {
        return stays_inside(link) ? 0
                                  : err_set(e, ERR_CORRUPT,
                                            "the entry \"%s\" is a link that leads out of the "
                                            "bundle, to \"%s\"",
                                            name, link);
    }
    if (archive_entry_is_encrypted(u->entry)) {
        err_set(e, ERR_CORRUPT, "the entry \"%s\" is encrypted", name);
        return err_hint(e, "unpack it by hand, and restore what comes out");
    }
    if (type == AE_IFDIR) {
        return 0;
    }
    return type == AE_IFREG
        ? 1
        : err_set(e, ERR_CORRUPT, "the entry \"%s\" is a device, a pipe or a socket", name);
}

/* The rest of the entry is read, not skipped: see the header. */
static int
drain(struct unpack *u, struct err *e)
{
    const void *data;
    size_t      n;
    int         rc;

    while (u->entry != NULL && (rc = unpack_read(u, &data, &n, e)) != 0) {
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

static int
next_entry(struct unpack *u, const char **name, struct err *e)
{
    int rc = archive_read_next_header(u->a, &u->entry);

    if (rc == ARCHIVE_EOF) {
        u->entry = NULL;
        return 0;
    }
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
        u->entry = NULL;
        return failed(u, e);
    }
    /* The compression of the bundle, or the file's.  The last filter is always "none". */
    if (archive_filter_count(u->a) + gunzip_is(u->gunzip) > 2) {
        return err_set(e, ERR_CORRUPT, "it is compressed more than once");
    }
    if (++u->n_entries > ENTRIES_MAX) {
        return err_set(e, ERR_CORRUPT, "it has more than %d entries", ENTRIES_MAX);
    }
    u->entry_out = 0;
    *name = u->bundle ? archive_entry_pathname(u->entry) : "";
    return u->bundle ? check_entry(u, *name, e) : 1;
}

int
unpack_next(struct unpack *u, const char **name, struct err *e)
{
    locale_t ours;
    int      rc = 0;

    do {
        if (drain(u, e) != 0) {
            return -1;
        }
        ours = uselocale(u->utf8);
        rc = next_entry(u, name, e);
        (void)uselocale(ours);
    } while (rc == 0 && u->entry != NULL);
    return rc < 0 ? named(u, e) : rc;
}

int
unpack_read(struct unpack *u, const void **data, size_t *n, struct err *e)
{
    la_int64_t at;
    int        rc;

    if (u->entry == NULL) {
        return 0;
    }
    rc = archive_read_data_block(u->a, data, n, &at);
    if (rc == ARCHIVE_EOF) {
        u->entry = NULL;
        return 0;
    }
    if (rc != ARCHIVE_OK) {
        u->entry = NULL;
        (void)failed(u, e);
        return named(u, e);
    }
    if ((uint64_t)at != u->entry_out) {
        err_set(e, ERR_CORRUPT, "an entry has holes, as no dump does");
        return named(u, e);
    }
    u->entry_out += *n;
    u->out += *n;
    return check_limits(u, u->out, e) != 0 ? named(u, e) : 1;
}
