#include "pg/rows/row_set.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

struct row_mark {
    uint64_t a, b; /* its hash */
    size_t   offset, length;
};

static void
add_mark(struct row_set *s, struct row_mark m)
{
    s->sum.rows++;
    s->sum.bytes += m.length;
    s->sum.a += m.a;
    s->sum.b += m.b;
    VEC_GROW(s->v, s->n, s->cap);
    s->v[s->n++] = m;
}

static struct row_print
hash(const uint8_t key[16], const void *row, size_t n)
{
    struct row_sum one = {0};

    return row_sum_add(&one, key, row, n);
}

/* The row is in bytes already.  key NULL: its hash is not wanted yet. */
static void
mark(struct row_set *s, const uint8_t *key, size_t offset, size_t length)
{
    struct row_print p = {0, 0};

    if (key != NULL) {
        p = hash(key, s->bytes.data + offset, length);
    }
    add_mark(s, (struct row_mark){p.a, p.b, offset, length});
}

int
row_set_add(struct row_set *s, const uint8_t *key, const void *row, size_t n, struct err *e)
{
    if (buf_append(&s->bytes, row, n, e) != 0) {
        return -1;
    }
    mark(s, key, s->bytes.len - n, n);
    return 0;
}

static uint32_t
be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

/* The length of the field at p, with its own length, which is none for null.  0: there is no whole
 * one. */
static size_t
binary_field(const uint8_t *p, size_t left)
{
    uint32_t length = left < 4 ? 0 : be32(p);

    if (left < 4) {
        return 0;
    }
    if (length == UINT32_MAX) {
        return 4;
    }
    return length > left - 4 ? 0 : (size_t)length + 4;
}

/* The length of the binary row at p: the number of fields, then each.  0: there is no whole row. */
static size_t
binary_row(const uint8_t *p, size_t left)
{
    size_t   at = 2;
    uint32_t fields = left < 2 ? 0 : be16(p);

    for (uint32_t i = 0; i < fields; i++) {
        size_t length = binary_field(p + at, left - at);

        if (length == 0) {
            return 0;
        }
        at += length;
    }
    return left < 2 ? 0 : at;
}

/* Line ends inside of values are escaped. */
static size_t
text_row(const uint8_t *p, size_t left)
{
    const uint8_t *end = memchr(p, '\n', left);

    return end == NULL ? 0 : (size_t)(end - p) + 1;
}

size_t
row_length(bool binary, const uint8_t *p, size_t left)
{
    return binary ? binary_row(p, left) : text_row(p, left);
}

/* How many rows of like are tried, from the one that should be next. */
enum { LIKE = 8 };

/* The place of the row that the bytes at p begin with, if it is one of like from next on: a row
 * tells where it ends, so what begins with the bytes of one is this one.  SIZE_MAX: it is none. */
static size_t
known_row(const struct row_set *like, size_t next, const uint8_t *p, size_t left)
{
    const size_t end = like->n - next > LIKE ? next + LIKE : like->n;

    for (size_t i = next; i < end; i++) {
        const struct row_mark *m = &like->v[i];

        if (m->length <= left && memcmp(p, like->bytes.data + m->offset, m->length) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static int
no_whole_row(size_t left, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "%zu bytes at the end are no whole row", left);
}

int
row_set_cut(struct row_set *s, const struct row_set *like, const uint8_t key[16], bool binary,
            struct err *e)
{
    size_t at = 0, next = 0, length, known;

    while (at < s->bytes.len) {
        const uint8_t *p = s->bytes.data + at;
        size_t         left = s->bytes.len - at;

        known = known_row(like, next, p, left);
        if (known != SIZE_MAX) {
            const struct row_mark *m = &like->v[known];

            add_mark(s, (struct row_mark){m->a, m->b, at, m->length});
            at += m->length;
            next = known + 1;
            continue;
        }
        length = row_length(binary, p, left);
        if (length == 0) {
            return no_whole_row(left, e);
        }
        mark(s, key, at, length);
        at += length;
    }
    return 0;
}

/* Keeps the rows up to a place, if there is one. */
static void
keep(struct row_set *s, size_t *i, size_t to, size_t *kept)
{
    while (*i < to) {
        s->v[(*kept)++] = s->v[(*i)++];
    }
}

/* The length of the row at p, and what it would be with these fields alone, in a buffer without a
 * ceiling.  0: it is no whole row, or does not have them. */
static size_t
row_of_fields(const uint8_t *p, size_t left, struct row_fields f, struct buf *alone,
              struct err *never)
{
    const uint8_t  count[2] = {(uint8_t)(f.n >> 8), (uint8_t)f.n};
    const uint32_t fields = left < 2 ? 0 : be16(p);
    size_t         at = 2, n = 0;

    buf_clear(alone);
    (void)buf_append(alone, count, sizeof count, never);
    for (uint32_t i = 0; i < fields; i++) {
        size_t length = binary_field(p + at, left - at);

        if (length == 0) {
            return 0;
        }
        if (n < f.n && f.v[n] == i) {
            (void)buf_append(alone, p + at, length, never);
            n++;
        }
        at += length;
    }
    return n == f.n && left >= 2 ? at : 0;
}

int
row_set_cut_by(struct row_set *s, struct row_fields f, struct row_set *alone, const uint8_t key[16],
               struct err *e)
{
    struct buf one = BUF_INIT(BUF_NO_LIMIT);
    size_t     at = 0, next = 0, kept = 0;
    int        rc = 0;

    while (rc == 0 && at < s->bytes.len) {
        size_t length = row_of_fields(s->bytes.data + at, s->bytes.len - at, f, &one, e), known;

        if (length == 0) {
            rc = no_whole_row(s->bytes.len - at, e);
        } else if ((known = known_row(alone, next, one.data, one.len)) != SIZE_MAX) {
            keep(alone, &next, known, &kept);
            next++;
            s->sum.rows++;
        } else {
            const struct row_print p = hash(key, one.data, one.len);

            add_mark(s, (struct row_mark){p.a, p.b, at, length});
        }
        at += length;
    }
    keep(alone, &next, alone->n, &kept);
    alone->n = kept;
    for (size_t i = 0; i < alone->n; i++) {
        struct row_mark       *m = &alone->v[i];
        const struct row_print p = hash(key, alone->bytes.data + m->offset, m->length);

        m->a = p.a;
        m->b = p.b;
    }
    buf_free(&one);
    return rc;
}

static int
by_hash(const void *x, const void *y)
{
    const struct row_mark *p = x, *q = y;

    return p->a != q->a ? (p->a < q->a ? -1 : 1) : (p->b > q->b) - (p->b < q->b);
}

/* How far the rows of one side are looked through for the next one of the other. */
enum { AHEAD = 64 };

static bool
same(const struct row_mark *p, const struct row_mark *q)
{
    return p->a == q->a && p->b == q->b;
}

/* The place of what from s->v[i] on, not too far; SIZE_MAX: it is not there. */
static size_t
find(const struct row_set *s, size_t i, const struct row_mark *what)
{
    const size_t end = s->n - i > AHEAD ? i + AHEAD : s->n;

    while (i < end && !same(&s->v[i], what)) {
        i++;
    }
    return i < end ? i : SIZE_MAX;
}

/*
 * Takes off rows that both have in the same order, which are most of them: rows were deleted,
 * added or changed here and there.  What one side has and the other does not have next is looked
 * for a little ahead; what is not found is kept.  It need not be all that both have: the rest is
 * sorted.
 */
static void
take_off(struct row_set *a, struct row_set *b)
{
    size_t i = 0, k = 0, kept_a = 0, kept_b = 0, at;

    while (i < a->n && k < b->n) {
        if (same(&a->v[i], &b->v[k])) {
            i++;
            k++;
        } else if ((at = find(a, i, &b->v[k])) != SIZE_MAX) {
            keep(a, &i, at, &kept_a);
        } else if ((at = find(b, k, &a->v[i])) != SIZE_MAX) {
            keep(b, &k, at, &kept_b);
        } else {
            keep(a, &i, i + 1, &kept_a);
            keep(b, &k, k + 1, &kept_b);
        }
    }
    keep(a, &i, a->n, &kept_a);
    keep(b, &k, b->n, &kept_b);
    a->n = kept_a;
    b->n = kept_b;
}

static void
sort(struct row_set *s)
{
    if (s->n > 0) {
        qsort(s->v, s->n, sizeof *s->v, by_hash);
    }
}

int
row_set_difference(struct row_set *a, struct row_set *b, row_set_fn *only_a, row_set_fn *only_b,
                   void *ctx, struct err *e)
{
    size_t i = 0, k = 0;
    int    rc = 0;

    take_off(a, b);
    sort(a);
    sort(b);
    while (rc == 0 && (i < a->n || k < b->n)) {
        int order = i == a->n ? 1 : k == b->n ? -1 : by_hash(&a->v[i], &b->v[k]);

        if (order < 0) {
            rc = only_a(ctx, a->bytes.data + a->v[i].offset, a->v[i].length, e);
        } else if (order > 0) {
            rc = only_b(ctx, b->bytes.data + b->v[k].offset, b->v[k].length, e);
        }
        i += order <= 0;
        k += order >= 0;
    }
    return rc;
}

void
row_set_clear(struct row_set *s)
{
    buf_clear(&s->bytes);
    s->n = 0;
    s->sum = (struct row_sum){0};
}

void
row_set_free(struct row_set *s)
{
    buf_free(&s->bytes);
    free(s->v);
    s->v = NULL;
    s->n = s->cap = 0;
}
