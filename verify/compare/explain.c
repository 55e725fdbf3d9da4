#include "verify/compare/explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "pg/rows/row_set.h"
#include "storage/read/readahead.h"
#include "verify/compare/explain_read.h"

enum { BUCKETS = 1 << 16, ROWS_BYTES_MAX = 64 << 20 };

struct bucket {
    struct row_sum want, have;
    bool           chosen;
};

struct explain {
    struct explain_reader reader;
    const uint8_t        *fingerprint_key;
    struct bucket        *buckets;
    bool                  partly; /* not all buckets that differ are chosen */
    struct row_set        want, have;
};

/* ---- buckets -------------------------------------------------------------------------------- */

static struct bucket *
bucket_of(const struct explain *x, const void *row, size_t n)
{
    return &x->buckets[rowkey_hash(&x->reader.key, row, n) % BUCKETS];
}

static int
sum_want(void *ctx, const void *row, size_t n, struct err *e)
{
    struct explain *x = ctx;

    (void)e;
    row_sum_add(&bucket_of(x, row, n)->want, x->fingerprint_key, row, n);
    return 0;
}

static int
sum_have(void *ctx, const void *row, size_t n, struct err *e)
{
    struct explain *x = ctx;

    (void)e;
    row_sum_add(&bucket_of(x, row, n)->have, x->fingerprint_key, row, n);
    return 0;
}

static int
keep_want(void *ctx, const void *row, size_t n, struct err *e)
{
    struct explain *x = ctx;

    return bucket_of(x, row, n)->chosen ? row_set_add(&x->want, x->fingerprint_key, row, n, e) : 0;
}

static int
keep_have(void *ctx, const void *row, size_t n, struct err *e)
{
    struct explain *x = ctx;

    return bucket_of(x, row, n)->chosen ? row_set_add(&x->have, x->fingerprint_key, row, n, e) : 0;
}

static bool
sums_differ(const struct bucket *b)
{
    return b->want.rows != b->have.rows || b->want.a != b->have.a || b->want.b != b->have.b;
}

/* As many as fit; the first in any case that fits alone. */
static void
choose(struct explain *x)
{
    uint64_t want = 0, have = 0;

    for (size_t i = 0; i < BUCKETS; i++) {
        struct bucket *b = &x->buckets[i];

        if (!sums_differ(b))
            continue;
        b->chosen = want + b->want.bytes <= ROWS_BYTES_MAX &&
            have + b->have.bytes <= ROWS_BYTES_MAX;
        if (b->chosen) {
            want += b->want.bytes;
            have += b->have.bytes;
        }
        x->partly |= !b->chosen;
    }
}

/* ---- rows ----------------------------------------------------------------------------------- */

struct row {
    const uint8_t *p;
    size_t         n;
};

struct rows {
    struct row *v;
    size_t      n, cap;
};

struct sides {
    struct rows want, have;
};

static int
only_want(void *ctx, const void *row, size_t n, struct err *e)
{
    struct rows *r = &((struct sides *)ctx)->want;

    (void)e;
    VEC_GROW(r->v, r->n, r->cap);
    r->v[r->n++] = (struct row){row, n};
    return 0;
}

static int
only_have(void *ctx, const void *row, size_t n, struct err *e)
{
    struct rows *r = &((struct sides *)ctx)->have;

    (void)e;
    VEC_GROW(r->v, r->n, r->cap);
    r->v[r->n++] = (struct row){row, n};
    return 0;
}

static int
by_key(const void *a, const void *b, void *key)
{
    const struct row *x = a, *y = b;

    return rowkey_compare(key, x->p, x->n, y->p, y->n);
}

struct list { /* one kind of difference */
    uint64_t n;
    json_t  *first;
};

static void
list_add(struct list *l, size_t show, const struct explain *x, const struct row *row,
         const struct row *now)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;

    if (l->n++ >= show)
        return;
    rowkey_show(&x->reader.key, x->reader.conn, row->p, row->n, &text);
    if (now != NULL) {
        (void)buf_puts(&text, " (", &never);
        row_changes_show(&x->reader.key, row->p, row->n, now->p, now->n, &text);
        (void)buf_puts(&text, ")", &never);
    }
    (void)json_array_append_new(l->first, json_text(buf_str(&text)));
    buf_free(&text);
}

static json_t *
key_json(const struct rowkey *k)
{
    json_t *names = json_array();

    for (size_t i = 0; i < k->n; i++)
        (void)json_array_append_new(names, json_text(k->columns[k->at[i]]));
    return names;
}

/* Both sides in the order of their keys, side by side. */
static json_t *
match(struct explain *x, struct sides *s, size_t show)
{
    struct rowkey *key = &x->reader.key;
    struct list    missing = {.first = json_array()}, extra = {.first = json_array()},
                changed = {.first = json_array()};

    if (s->want.n > 0)
        qsort_r(s->want.v, s->want.n, sizeof *s->want.v, by_key, key);
    if (s->have.n > 0)
        qsort_r(s->have.v, s->have.n, sizeof *s->have.v, by_key, key);
    for (size_t i = 0, k = 0; i < s->want.n || k < s->have.n;) {
        int order = i == s->want.n ? 1
            : k == s->have.n       ? -1
                                   : by_key(&s->want.v[i], &s->have.v[k], key);

        if (order == 0)
            list_add(&changed, show, x, &s->want.v[i], &s->have.v[k]);
        else if (order < 0)
            list_add(&missing, show, x, &s->want.v[i], NULL);
        else
            list_add(&extra, show, x, &s->have.v[k], NULL);
        i += order <= 0;
        k += order >= 0;
    }
    return json_pack("{s:o, s:I, s:I, s:I, s:b, s:o}", "key", key_json(key), "missing",
                     (json_int_t)missing.n, "extra", (json_int_t)extra.n, "changed",
                     (json_int_t)changed.n, "complete", (int)!x->partly, "first",
                     json_pack("{s:o, s:o, s:o}", "missing", missing.first, "extra", extra.first,
                               "changed", changed.first));
}

static int
look(struct explain *x, struct err *e)
{
    struct explain_reader *r = &x->reader;

    if (explain_narrow(r, x->fingerprint_key, e) != 0 || explain_backup(r, sum_want, x, e) != 0 ||
        explain_table(r, sum_have, x, e) != 0)
        return -1;
    choose(x);
    return explain_backup(r, keep_want, x, e) == 0 ? explain_table(r, keep_have, x, e) : -1;
}

json_t *
explain_rows(const struct compare *c, const struct row_check *check, size_t show, struct err *e)
{
    struct explain x = {.fingerprint_key = c->man->fingerprint_key,
                        .buckets = xcalloc(BUCKETS, sizeof *x.buckets),
                        .want = ROW_SET_INIT(ROWS_BYTES_MAX),
                        .have = ROW_SET_INIT(ROWS_BYTES_MAX)};
    struct sides   sides = {.want = {.v = NULL}};
    json_t        *found = NULL;

    if (explain_open(&x.reader, c, check, e) == 0 && look(&x, e) == 0 &&
        explain_finish(&x.reader, e) == 0 &&
        row_set_difference(&x.want, &x.have, only_want, only_have, &sides, e) == 0)
        found = match(&x, &sides, show);
    explain_close(&x.reader);
    free(sides.want.v);
    free(sides.have.v);
    row_set_free(&x.want);
    row_set_free(&x.have);
    free(x.buckets);
    return found;
}

/* ---- for people ----------------------------------------------------------------------------- */

static void
note(struct findings *f, const char *object, const char *kind, uint64_t n, bool complete,
     const json_t *first)
{
    struct buf    text = BUF_INIT(BUF_NO_LIMIT);
    struct err    never = ERR_INIT;
    const json_t *one;
    size_t        i;
    char          count[48], noun[24], *what;

    if (n == 0)
        return;
    json_array_foreach (first, i, one) {
        size_t length;
        char  *key = json_bytes_get(one, &length, &never);

        (void)buf_printf(&text, &never, "%s%s", i > 0 ? "; " : "", key != NULL ? key : "?");
        free(key);
    }
    (void)buf_puts(&text, n > json_array_size(first) ? "; ..." : "", &never);
    (void)snprintf(noun, sizeof noun, "%s row", kind);
    what = xasprintf("%s%s", complete ? "" : "at least ",
                     count_human(n, noun, count, sizeof count));
    findings_add(f,
                 (struct finding){.class = FINDING_NOTE,
                                  .group = "rows",
                                  .object = object,
                                  .what = what,
                                  .have = json_array_size(first) > 0 ? buf_str(&text) : NULL});
    free(what);
    buf_free(&text);
}

void
explain_notes(struct findings *f, const char *object, const json_t *found)
{
    static const char *const kinds[] = {"missing", "extra", "changed"};
    bool                     complete = json_opt_bool(found, "complete", false);

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        note(f, object, kinds[i], (uint64_t)json_opt_int(found, kinds[i], 0), complete,
             json_object_get(json_object_get(found, "first"), kinds[i]));
}
