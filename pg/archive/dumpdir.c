#include "pg/archive/dumpdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"

bool
dumpdir_is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

    return n > 0 && n < 256 && name[n] == '\0' && name[0] != '.';
}

/* ---- toc.dat: pg_backup_archiver.c, ReadHead() and ReadToc() ---- */

enum { VERSION_1_7 = 0x107, VERSION_1_10 = 0x10a, VERSION_1_14 = 0x10e, VERSION_1_16 = 0x110 };

struct toc {
    const uint8_t *p, *end;
    int            version, int_size;
    bool           bad;
};

static int
take_byte(struct toc *t)
{
    if (t->p == t->end) {
        t->bad = true;
        return 0;
    }
    return *t->p++;
}

/* A byte for the sign, then little endian. */
static int64_t
take_int(struct toc *t)
{
    bool    negative = take_byte(t) != 0;
    int64_t v = 0;

    for (int i = 0; i < t->int_size; i++) {
        int byte = take_byte(t);

        v |= i < 4 ? (int64_t)byte << (8 * i) : 0;
        t->bad = t->bad || (i >= 4 && byte != 0); /* pg_restore has no larger ones either */
    }
    return negative ? -v : v;
}

struct text {
    const char *at; /* NULL: none */
    size_t      n;
};

static struct text
take_text(struct toc *t)
{
    int64_t     n = take_int(t);
    struct text text = {0};

    if (t->bad || n < 0) {
        return text;
    }
    if (n > t->end - t->p) {
        t->bad = true;
        return text;
    }
    text = (struct text){.at = (const char *)t->p, .n = (size_t)n};
    t->p += n;
    return text;
}

static void
skip_texts(struct toc *t, int n)
{
    for (int i = 0; i < n; i++) {
        (void)take_text(t);
    }
}

/* What is before the number of entries. */
static void
skip_head(struct toc *t)
{
    enum { NAME_BYTES = 5, TIME_INTS = 7 };

    t->p += NAME_BYTES;
    t->version = take_byte(t) << 8;
    t->version |= take_byte(t);
    (void)take_byte(t); /* revision */
    t->int_size = take_byte(t);
    (void)take_byte(t); /* size of offsets */
    (void)take_byte(t); /* format */
    t->bad = t->bad || t->int_size < 4 || t->int_size > 8;
    if (t->version >= VERSION_1_16 - 1) {
        (void)take_byte(t); /* compression */
    } else {
        (void)take_int(t);
    }
    for (int i = 0; i < TIME_INTS; i++) {
        (void)take_int(t);
    }
    skip_texts(t, 3); /* database, versions of server and pg_dump */
}

/* The file that the entry names; is it a list of large objects? */
static struct text
take_entry(struct toc *t, bool *blobs)
{
    static const char kinds[] = "BLOBS";
    struct text       kind;

    (void)take_int(t); /* dump id */
    (void)take_int(t); /* has data */
    skip_texts(t, 3);  /* catalog, OID, tag */
    kind = take_text(t);
    *blobs = kind.n == sizeof kinds - 1 && memcmp(kind.at, kinds, kind.n) == 0;
    if (t->version > VERSION_1_10) {
        (void)take_int(t); /* section */
    }
    skip_texts(t, 5); /* definition, DROP, COPY, schema, tablespace */
    skip_texts(t, t->version >= VERSION_1_14 ? 1 : 0); /* access method */
    if (t->version >= VERSION_1_16) {
        (void)take_int(t); /* kind of relation */
    }
    skip_texts(t, 2); /* owner, with OIDs */
    while (!t->bad && take_text(t).at != NULL) {
        /* dependencies */
    }
    return take_text(t);
}

static int
check_file_name(const struct text *file, bool blobs, struct strlist *lists, struct err *e)
{
    char *name = xstrndup(file->at, file->n);
    int   rc = file->n == 0 || (strlen(name) == file->n && dumpdir_is_name(name))
          ? 0
          : err_set(e, ERR_CORRUPT, "it names a file outside of its directory, \"%s\"", name);

    if (rc == 0 && blobs && file->n > 0) {
        strlist_take(lists, name);
    } else {
        free(name);
    }
    return rc;
}

int
dumpdir_check_toc(const void *data, size_t n, struct strlist *lists, struct err *e)
{
    struct toc t = {.p = data, .end = (const uint8_t *)data + n};
    int64_t    entries;

    if (n < 16 || memcmp(data, "PGDMP", 5) != 0) {
        return err_set(e, ERR_CORRUPT, "it is no table of contents of pg_dump's");
    }
    skip_head(&t);
    if (t.version < VERSION_1_10 || t.version > VERSION_1_16) {
        err_set(e, ERR_CORRUPT,
                "it is of version %d.%d of pg_dump's format, which is not known here",
                t.version >> 8, t.version & 0xff);
        return err_hint(e, "pg_restore can make a plain dump of it: pg_restore -f FILE DIRECTORY");
    }
    entries = take_int(&t);
    for (int64_t i = 0; i < entries && !t.bad; i++) {
        bool        blobs;
        struct text file = take_entry(&t, &blobs);

        if (!t.bad && file.at != NULL && check_file_name(&file, blobs, lists, e) != 0) {
            return -1;
        }
    }
    return t.bad || entries < 0 ? err_set(e, ERR_CORRUPT, "it is truncated or damaged") : 0;
}

/* ---- the directory ---- */

/* "16398 blob_16398.dat", a line a large object.  (A NUL is in no name, so none passes.) */
static int
check_blobs(const struct buf *list, struct err *e)
{
    enum { OID_DIGITS = 10 };
    const char *text = (const char *)list->data, *end = text + list->len;

    while (text != end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t      n = (size_t)((stop == NULL ? end : stop) - text);
        char       *line = xstrndup(text, n);
        size_t      digits = strspn(line, "0123456789");
        bool        good = strlen(line) == n && digits > 0 && digits <= OID_DIGITS &&
            line[digits] == ' ' && dumpdir_is_name(line + digits + 1);

        if (!good) {
            err_set(e, ERR_CORRUPT, "it names a file outside of its directory: \"%.200s\"", line);
        }
        free(line);
        if (!good) {
            return -1;
        }
        text += n + (stop != NULL);
    }
    return 0;
}

static int
read_whole(int dir, const char *name, struct buf *out, struct err *e)
{
    char    piece[64 << 10];
    ssize_t n = 0;
    int     fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    buf_clear(out);
    while (fd >= 0 && ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))) {
        if (n > 0 && buf_append(out, piece, (size_t)n, e) != 0) {
            break;
        }
    }
    if (fd < 0 || n < 0) {
        err_errno(e, "reading");
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return e->kind == ERR_NONE ? 0 : -1;
}

static bool
ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n >= m && strcmp(name + n - m, end) == 0;
}

/* pg_restore takes "x.gz" for "x" when that one is not there. */
static bool
is_compressed(const char *name)
{
    return ends_with(name, ".gz") || ends_with(name, ".lz4") || ends_with(name, ".zst");
}

/* A list of large objects.  pg_dump never compresses one. */
static int
check_list(int dir, const char *name, struct buf *text, struct err *e)
{
    if (is_compressed(name)) {
        return err_set(e, ERR_CORRUPT,
                       "it is a list of large objects that is compressed: pg_dump makes none");
    }
    return read_whole(dir, name, text, e) != 0 ? -1 : check_blobs(text, e);
}

static int
check_file(int dir, const char *name, struct buf *text, struct err *e)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return err_errno(e, "reading");
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(e, ERR_CORRUPT,
                       "it is no file: pg_dump makes neither links nor directories there");
    }
    /* pg_restore 16 and older take blobs.toc, whatever toc.dat says. */
    return ends_with(name, ".toc") || (is_compressed(name) && strstr(name, ".toc.") != NULL)
        ? check_list(dir, name, text, e)
        : 0;
}

static int
check_lists(int dir, const char *path, struct buf *text, struct err *e)
{
    struct strlist lists = {0};
    const char    *name = "toc.dat";
    int            rc = read_whole(dir, name, text, e) != 0
                   ? -1
                   : dumpdir_check_toc(text->data, text->len, &lists, e);

    for (size_t i = 0; rc == 0 && i < lists.n; i++) {
        name = lists.v[i];
        rc = check_list(dir, name, text, e);
    }
    rc = rc == 0 ? 0 : err_wrap(e, "\"%s/%s\"", path, name);
    strlist_free(&lists);
    return rc;
}

int
dumpdir_check(const char *path, struct err *e)
{
    struct buf     text = BUF_INIT(4 * GIB);
    DIR           *d = opendir(path);
    struct dirent *entry;
    int            rc = 0;

    if (d == NULL) {
        buf_free(&text);
        return err_errno(e, "reading \"%s\"", path);
    }
    while (rc == 0 && (entry = readdir(d)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            check_file(dirfd(d), entry->d_name, &text, e) != 0) {
            rc = err_wrap(e, "\"%s/%s\"", path, entry->d_name);
        }
    }
    rc = rc == 0 ? check_lists(dirfd(d), path, &text, e) : rc;
    (void)closedir(d);
    buf_free(&text);
    return rc;
}
