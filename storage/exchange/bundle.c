#include "storage/exchange/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/enc.h"
#include "core/progress.h"
#include "storage/exchange/bundle_impl.h"
#include "storage/format/chunkname.h"
#include "storage/read/parts.h"
#include "storage/read/readahead.h"

/* Around the rows of a binary COPY, which are stored without: signature, flags, no extension; and
 * the trailer. */
static const char header[19] = "PGCOPY\n\377\r\n";
static const char trailer[2] = {'\377', '\377'};

/* ---- what is in it ---- */

/* Takes the name. */
static struct bundle_file *
add_file(struct bundle *b, char *name)
{
    struct bundle_file *f;

    VEC_GROW(b->files, b->n, b->cap);
    f = &b->files[b->n++];
    *f = (struct bundle_file){.name = name, .text = BUF_INIT(BUF_NO_LIMIT)};
    return f;
}

/* Takes the text's memory; an empty one is left out. */
static void
add_text(struct bundle *b, const char *name, struct buf *text)
{
    if (text->len > 0) {
        struct bundle_file *f = add_file(b, xstrdup(name));

        f->bytes = text->len;
        f->text = *text;
        *text = (struct buf)BUF_INIT(BUF_NO_LIMIT);
    }
    buf_free(text);
}

static void
add_ranges(struct bundle *b, char *name, const struct manifest_range *ranges, size_t n, bool binary)
{
    struct bundle_file *f = add_file(b, name);

    f->ranges = ranges;
    f->n_ranges = n;
    f->binary = binary;
    f->bytes = binary ? sizeof header + sizeof trailer : 0;
    for (size_t i = 0; i < n; i++) {
        f->bytes += segments_bytes(ranges[i].segments, ranges[i].n);
    }
}

static void
add_rows(struct bundle *b, const char *stem, const struct manifest_table *t)
{
    if (bundle_has_rows(t)) {
        add_ranges(b, xasprintf("%s%s", stem, bundle_rows_ending(t)), t->ranges, t->n_ranges,
                   t->format == COPY_BINARY);
    }
}

static void
add_tables(struct bundle *b)
{
    for (size_t i = 0; i < b->m->n_tables; i++) {
        const struct manifest_table *t = &b->m->tables[i];
        char                        *stem = bundle_rows_stem(t);

        add_rows(b, stem, t);
        if (bundle_has_rows(t) && bundle_is_odd(t)) {
            struct buf text = BUF_INIT(BUF_NO_LIMIT);
            char      *name = xasprintf("%s.sql", stem);

            bundle_sql_copy(t, &text);
            add_text(b, name, &text);
            free(name);
        }
        free(stem);
    }
    if (b->m->lo_count > 0) {
        add_rows(b, BUNDLE_LO_ROWS, &b->m->lo_metadata);
        add_rows(b, BUNDLE_LO_PAGES, &b->m->lo_pages);
    }
}

static void
add_sql(struct bundle *b)
{
    static const struct {
        const char *name;
        void (*put)(const struct manifest *, struct buf *);
    } texts[] = {
        {BUNDLE_ROWS, bundle_sql_rows},         {BUNDLE_EXPECTED, bundle_sql_expected},
        {BUNDLE_LO, bundle_sql_large_objects},  {BUNDLE_SEQUENCES, bundle_sql_sequences},
        {BUNDLE_MATVIEWS, bundle_sql_matviews},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf text = BUF_INIT(BUF_NO_LIMIT);

        texts[i].put(b->m, &text);
        add_text(b, texts[i].name, &text);
    }
}

/* Last, when the sums of all others are known; how long it will be is known before. */
static void
add_sums(struct bundle *b)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < b->n; i++) {
        bytes += SHA256_HEX + 2 + strlen(b->files[i].name) + 1;
    }
    add_file(b, xstrdup(BUNDLE_SUMS))->bytes = bytes;
}

static int
add_all(struct bundle *b, struct err *e)
{
    struct buf page = BUF_INIT(BUF_NO_LIMIT), script = BUF_INIT(BUF_NO_LIMIT);
    struct buf text = BUF_INIT(MANIFEST_RAW_MAX);

    if (manifest_format(b->m, &text, e) != 0) {
        buf_free(&text);
        return -1;
    }
    bundle_recovery(b->label, b->m, &page, &script);
    add_text(b, "RECOVERY.md", &page);
    add_text(b, "restore.sh", &script);
    b->files[b->n - 1].program = true;
    add_text(b, BUNDLE_MANIFEST, &text);
    if (b->m->n_globals_sql > 0) {
        add_ranges(b, xstrdup(BUNDLE_GLOBALS), &b->globals, 1, false);
    }
    add_ranges(b, xstrdup(BUNDLE_SCHEMA), &b->archive, 1, false);
    add_sql(b);
    add_tables(b);
    add_sums(b);
    for (size_t i = 0; i < b->n; i++) {
        b->bytes += b->files[i].bytes;
    }
    return 0;
}

struct bundle *
bundle_plan(struct repo *r, const struct label *l, struct err *e)
{
    struct bundle *b = xcalloc(1, sizeof *b);
    char          *name = name_encode(l->db);

    b->repo = r;
    b->label = l;
    b->dir = xasprintf("%s-%s/", name, l->id);
    free(name);
    if ((b->m = manifest_load(r, l, e)) != NULL) {
        b->archive = (struct manifest_range){.segments = b->m->archive, .n = b->m->n_archive};
        b->globals = (struct manifest_range){.segments = b->m->globals_sql,
                                             .n = b->m->n_globals_sql};
        if (add_all(b, e) == 0) {
            return b;
        }
    }
    bundle_free(b);
    return NULL;
}

void
bundle_free(struct bundle *b)
{
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->n; i++) {
        free(b->files[i].name);
        buf_free(&b->files[i].text);
    }
    free(b->files);
    free(b->dir);
    manifest_free(b->m);
    free(b);
}

/* ---- writing it ---- */

struct writing {
    struct bundle     *b;
    struct tarball    *tar;
    struct readahead  *chunks;
    struct sha256_sum *sum;
    struct buf         sums; /* SHA256SUMS, as far as it goes */
};

static int
put(struct writing *w, const void *data, size_t n, struct err *e)
{
    sha256_sum_more(w->sum, data, n);
    progress_add(n);
    return cancel_check(e) == 0 ? tarball_data(w->tar, data, n, e) : -1;
}

static int
put_segment(struct writing *w, const struct manifest_segment *s, struct err *e)
{
    const struct buf *raw = readahead_get(w->chunks, s->chunk, e);

    /* The manifest is checked: a segment lies inside its chunk, which has the size that it
     * says. */
    return raw == NULL ? -1 : put(w, raw->data + s->offset, (size_t)s->length, e);
}

static int
put_ranges(struct writing *w, const struct bundle_file *f, struct err *e)
{
    if (f->binary && put(w, header, sizeof header, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < f->n_ranges; i++) {
        for (size_t k = 0; k < f->ranges[i].n; k++) {
            if (put_segment(w, &f->ranges[i].segments[k], e) != 0) {
                return -1;
            }
        }
    }
    return f->binary ? put(w, trailer, sizeof trailer, e) : 0;
}

static int
put_file(struct writing *w, struct bundle_file *f, struct err *e)
{
    bool              last = f == &w->b->files[w->b->n - 1];
    const struct buf *text = last ? &w->sums : &f->text;
    char             *name = xasprintf("%s%s", w->b->dir, f->name);
    int               rc = tarball_file(w->tar, name, f->bytes, f->program, e);

    free(name);
    if (rc != 0 ||
        (f->ranges != NULL ? put_ranges(w, f, e) : put(w, text->data, text->len, e)) != 0) {
        return -1;
    }
    sha256_sum_hex(w->sum, f->sha256);
    bundle_putf(&w->sums, "%s  %s\n", f->sha256, f->name);
    return 0;
}

/* The chunks of all files, in the order in which they will be needed. */
static void
expect(struct writing *w)
{
    uint32_t *v = NULL;
    size_t    n = 0, cap = 0;

    for (size_t i = 0; i < w->b->n; i++) {
        const struct bundle_file *f = &w->b->files[i];

        for (size_t r = 0; r < f->n_ranges; r++) {
            for (size_t k = 0; k < f->ranges[r].n; k++) {
                if (n == 0 || v[n - 1] != f->ranges[r].segments[k].chunk) {
                    VEC_GROW(v, n, cap);
                    v[n++] = f->ranges[r].segments[k].chunk;
                }
            }
        }
    }
    readahead_expect(w->chunks, v, n);
    free(v);
}

int
bundle_write(struct bundle *b, tarball_write_fn *write, void *ctx, bool zstd, struct err *e)
{
    struct writing w = {.b = b, .sums = BUF_INIT(BUF_NO_LIMIT)};
    int            rc = -1;

    w.chunks = readahead_new(b->repo, b->label->db, b->m);
    w.sum = sha256_sum_new();
    w.tar = tarball_new(
        &(struct tarball_to){.write = write, .ctx = ctx, .zstd = zstd, .time = b->label->snapshot},
        e);
    if (w.tar != NULL) {
        expect(&w);
        rc = 0;
        for (size_t i = 0; rc == 0 && i < b->n; i++) {
            rc = put_file(&w, &b->files[i], e);
        }
        rc = rc == 0 ? tarball_end(w.tar, e) : -1;
    }
    tarball_free(w.tar);
    sha256_sum_free(w.sum);
    readahead_free(w.chunks);
    buf_free(&w.sums);
    return rc;
}
