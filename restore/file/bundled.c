#include "restore/file/bundled.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "storage/exchange/bundle_names.h"
#include "storage/exchange/bundle_sums.h"

#define SUMS_MAX (256 * MIB)

/* ---- reading all of it ---- */

struct reading {
    struct bundled    *b;
    struct sha256_sum *sum;
    struct buf         manifest, sums;
};

static bool
is_file(const struct bundled *b, const char *name, const char *file)
{
    size_t n = strlen(b->dir);

    return strncmp(name, b->dir, n) == 0 && strcmp(name + n, file) == 0;
}

static int
read_entry(struct reading *r, struct unpack *u, const char *entry, struct err *e)
{
    struct bundled_file *f;
    struct buf          *keep = is_file(r->b, entry, BUNDLE_MANIFEST) ? &r->manifest
                 : is_file(r->b, entry, BUNDLE_SUMS)                  ? &r->sums
                                                                      : NULL;
    const void          *data;
    size_t               n;
    int                  rc;

    VEC_GROW(r->b->v, r->b->n, r->b->cap);
    f = &r->b->v[r->b->n++];
    *f = (struct bundled_file){.name = xstrdup(entry)};
    while ((rc = unpack_read(u, &data, &n, e)) == 1) {
        sha256_sum_more(r->sum, data, n);
        if (keep != NULL && buf_append(keep, data, n, e) != 0) {
            return err_wrap(e, "\"%s\"", f->name);
        }
    }
    sha256_sum_hex(r->sum, f->sha256);
    return rc;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct bundled_file *)a)->name, ((const struct bundled_file *)b)->name);
}

static int
name_of(const void *name, const void *file)
{
    return strcmp(name, ((const struct bundled_file *)file)->name);
}

static struct bundled_file *
find(const struct bundled *b, const char *name)
{
    return bsearch(name, b->v, b->n, sizeof *b->v, name_of);
}

/* Sorted, and each name once: of two files with one name it would not be clear which is meant. */
static int
sort(struct bundled *b, struct err *e)
{
    if (b->n > 1) {
        qsort(b->v, b->n, sizeof *b->v, by_name);
    }
    for (size_t i = 1; i < b->n; i++) {
        if (strcmp(b->v[i - 1].name, b->v[i].name) == 0) {
            return err_set(e, ERR_CORRUPT, "\"%s\" is in it twice", b->v[i].name);
        }
    }
    return 0;
}

/* ---- SHA256SUMS ---- */

struct checking {
    struct bundled *b;
    bool           *seen; /* by file */
};

static int
check_line(void *ctx, const char *sha256, const char *of, struct err *e)
{
    struct checking     *c = ctx;
    char                *name = xasprintf("%s%s", c->b->dir, of);
    struct bundled_file *f = find(c->b, name);

    if (f == NULL) {
        err_set(e, ERR_CORRUPT, "\"%s\" is missing: it is not whole", name);
    } else if (memcmp(f->sha256, sha256, SHA256_HEX) != 0) {
        err_set(e, ERR_CORRUPT, "\"%s\" is not what was exported: its SHA-256 differs", name);
    } else {
        c->seen[f - c->b->v] = true;
    }
    free(name);
    return e->kind == ERR_NONE ? 0 : -1;
}

/* Leaves the files that are named there, and as they should be. */
static int
check_sums(struct bundled *b, const struct buf *sums, struct err *e)
{
    struct checking c = {.b = b, .seen = xcalloc(b->n + 1, sizeof *c.seen)};
    size_t          kept = 0;
    int             rc = bundle_sums_parse(sums->data, sums->len, check_line, &c, e);

    if (rc != 0) {
        err_wrap(e, "%s" BUNDLE_SUMS, b->dir);
    }
    for (size_t i = 0; rc == 0 && i < b->n; i++) {
        if (c.seen[i]) {
            b->v[kept++] = b->v[i];
        } else {
            free(b->v[i].name);
        }
    }
    b->n = rc == 0 ? kept : b->n;
    free(c.seen);
    return rc;
}

/* ---- whose rows ---- */

static int
need(struct bundled *b, const char *stem, const struct manifest_table *t, struct err *e)
{
    char *name = xasprintf("%s%s%s", b->dir, stem, t == NULL ? "" : bundle_rows_ending(t));
    struct bundled_file *f = find(b, name);

    if (f == NULL) {
        err_set(e, ERR_CORRUPT, "\"%s\" is not in " BUNDLE_SUMS ": it is not whole", name);
    } else {
        f->rows = t;
    }
    free(name);
    return f == NULL ? -1 : 0;
}

/* Two identifiers in quotes: it becomes part of a COPY, which could run programs otherwise. */
static bool
is_qualified(const char *text)
{
    for (int i = 0; i < 2; i++) {
        if ((i == 1 && *text++ != '.') || *text++ != '"') {
            return false;
        }
        while (*text != '\0' && (*text != '"' || text[1] == '"')) {
            text += *text == '"' ? 2 : 1;
        }
        if (*text++ != '"') {
            return false;
        }
    }
    return *text == '\0';
}

static int
need_rows(struct bundled *b, const struct manifest_table *t, struct err *e)
{
    char *stem;
    int   rc;

    if (t->load_via != NULL && !is_qualified(t->load_via)) {
        return err_set(e, ERR_CORRUPT, "\"%s%s\" loads \"%s\".\"%s\" through what is no table",
                       b->dir, BUNDLE_MANIFEST, t->schema, t->name);
    }
    stem = bundle_rows_stem(t);
    rc = need(b, stem, t, e);
    free(stem);
    return rc;
}

static int
assign(struct bundled *b, struct err *e)
{
    const struct manifest *m = b->m;
    int                    rc = need(b, BUNDLE_SCHEMA, NULL, e);

    for (size_t i = 0; rc == 0 && i < m->n_tables; i++) {
        if (bundle_has_rows(&m->tables[i])) {
            rc = need_rows(b, &m->tables[i], e);
        }
    }
    if (rc == 0 && m->lo_count > 0) {
        rc = need(b, BUNDLE_LO_ROWS, &m->lo_metadata, e);
    }
    return rc == 0 && m->lo_count > 0 && bundle_has_rows(&m->lo_pages)
        ? need(b, BUNDLE_LO_PAGES, &m->lo_pages, e)
        : rc;
}

const struct manifest_table *
bundled_rows(const struct bundled *b, const char *name)
{
    const struct bundled_file *f = find(b, name);

    return f == NULL ? NULL : f->rows;
}

static int
read_all(struct reading *r, const struct unpack_file *file, struct err *e)
{
    struct unpack *u = NULL;
    const char    *name;
    int            rc = unpack_open(&u, file, true, e);

    while (rc == 0 && (rc = unpack_next(u, &name, e)) == 1) {
        rc = read_entry(r, u, name, e);
    }
    unpack_close(u);
    return rc != 0 ? -1 : sort(r->b, e);
}

int
bundled_read(struct bundled **out, const struct unpack_file *file, const char *schema,
             struct err *e)
{
    struct bundled *b = *out = xcalloc(1, sizeof *b);
    struct reading r = {.b = b, .manifest = BUF_INIT(MANIFEST_RAW_MAX), .sums = BUF_INIT(SUMS_MAX)};
    int            rc;

    b->dir = xstrndup(schema, strlen(schema) - strlen(BUNDLE_SCHEMA));
    r.sum = sha256_sum_new();
    rc = read_all(&r, file, e);
    if (rc == 0 && r.sums.len == 0) {
        rc = err_set(e, ERR_CORRUPT, "\"%s" BUNDLE_SUMS "\" is missing: it is not whole", b->dir);
    }
    if (rc == 0 && (rc = check_sums(b, &r.sums, e)) == 0) {
        b->m = manifest_parse(r.manifest.data, r.manifest.len, e);
        rc = b->m == NULL ? err_wrap(e, "\"%s" BUNDLE_MANIFEST "\"", b->dir) : assign(b, e);
    }
    sha256_sum_free(r.sum);
    buf_free(&r.manifest);
    buf_free(&r.sums);
    return rc;
}

void
bundled_free(struct bundled *b)
{
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->n; i++) {
        free(b->v[i].name);
    }
    free(b->v);
    free(b->dir);
    manifest_free(b->m);
    free(b);
}
