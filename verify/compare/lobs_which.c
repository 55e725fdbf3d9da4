#include "verify/compare/lobs_which.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "pg/rows/copy.h"
#include "storage/read/place.h"

/* The recorded rows are held in memory as a whole. */
enum { RECORDED_MAX = 64 << 20 };

static void
add(struct compare *c, uint32_t oid, const char *what, const char *want, const char *have)
{
    char *object = xasprintf("large object %" PRIu32, oid);

    findings_add(&c->result->findings,
                 (struct finding){.group = "large objects",
                                  .object = object,
                                  .what = what,
                                  .want = want,
                                  .have = have,
                                  .fold = what});
    free(object);
}

/* 1: there is too much. */
static int
read_recorded(struct compare *c, const struct manifest_table *t, struct buf *out, struct err *e)
{
    if (t->bytes > RECORDED_MAX) {
        return 1;
    }
    for (size_t i = 0; i < t->n_ranges; i++) {
        struct buf part = BUF_INIT(BUF_NO_LIMIT);
        int rc = segments_read(c->repo, c->label->db, c->man, t->ranges[i].segments, t->ranges[i].n,
                               &part, e);

        rc = rc == 0 ? buf_append(out, part.data, part.len, e) : rc;
        buf_free(&part);
        if (rc != 0) {
            return err_wrap(e, "large objects");
        }
    }
    return 0;
}

static int
read_present(struct compare *c, const struct scan_table *t, copy_row_fn *row, void *ctx,
             struct err *e)
{
    char    *sql = t->sql != NULL ? xstrdup(t->sql) : copy_out_sql(&t->copy);
    uint64_t rows;
    int      rc = copy_out_send(c->snap->conn, sql, e);

    rc = rc == 0 ? copy_out_next(c->snap->conn, t->copy.binary, row, ctx, &rows, e) : rc;
    rc = rc == 0 ? copy_out_finish(c->snap->conn, e) : rc;
    free(sql);
    return rc == 0 ? 0 : err_wrap(e, "large objects");
}

/* ---- metadata: lines of oid, owner, privileges, comment, labels, sorted by the first ---- */

static int
add_line(void *ctx, const void *row, size_t n, struct err *e)
{
    return buf_append(ctx, row, n, e);
}

static char *
field(const char *line, size_t n, int number)
{
    const char *end = line + n;

    for (; number > 0 && line < end; line++) {
        number -= *line == '\t';
    }
    n = 0;
    while (line + n < end && line[n] != '\t') {
        n++;
    }
    return n == 2 && memcmp(line, "\\N", 2) == 0 ? xstrdup("none") : xstrndup(line, n);
}

static void
differ_in(struct compare *c, uint32_t oid, const char *want, size_t n_want, const char *have,
          size_t n_have)
{
    static const char *const names[] = {NULL, "owner", "privileges", "comment", "security labels"};

    for (int i = 1; i < (int)(sizeof names / sizeof names[0]); i++) {
        char *w = field(want, n_want, i), *h = field(have, n_have, i);

        if (strcmp(w, h) != 0) {
            add(c, oid, names[i], w, h);
        }
        free(w);
        free(h);
    }
}

static size_t
match_lines(struct compare *c, const char *want, const char *have)
{
    size_t named = 0;

    while (*want != '\0' || *have != '\0') {
        size_t   n = strcspn(want, "\n"), m = strcspn(have, "\n");
        uint32_t w = (uint32_t)strtoul(want, NULL, 10), h = (uint32_t)strtoul(have, NULL, 10);
        bool     gone = *have == '\0' || (*want != '\0' && w < h);
        bool     more = !gone && (*want == '\0' || h < w);

        if (gone || more) {
            add(c, gone ? w : h, gone ? "missing" : "not in the backup", NULL, NULL);
        } else if (n != m || memcmp(want, have, n) != 0) {
            differ_in(c, w, want, n, have, m);
        }
        named += gone || more || n != m || memcmp(want, have, n) != 0;
        want += more ? 0 : n + (want[n] == '\n');
        have += gone ? 0 : m + (have[m] == '\n');
    }
    return named;
}

int
lobs_which_metadata(struct compare *c, const struct scan_table *t, size_t *named, struct err *e)
{
    struct buf want = BUF_INIT(BUF_NO_LIMIT), have = BUF_INIT(BUF_NO_LIMIT);
    int        rc = read_recorded(c, &c->man->lo_metadata, &want, e);

    *named = 0;
    if (rc == 0 && (rc = read_present(c, t, add_line, &have, e)) == 0) {
        *named = match_lines(c, buf_str(&want), buf_str(&have));
    }
    buf_free(&want);
    buf_free(&have);
    return rc < 0 ? -1 : 0;
}

/* ---- pages: binary rows of oid, number, bytes ---- */

struct lob {
    uint32_t oid;
    uint64_t sum; /* of its pages' hashes, whatever their order */
};

struct lobs {
    struct lob *v;
    size_t      n, cap;
};

static uint32_t
number_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* int16 of fields, then each with an int32 of length before it: the first is the OID. */
enum { OID_AT = 6, DATA_LENGTH_AT = 18, ROW_MIN = 22 };

static int
add_page(void *ctx, const void *row, size_t n, struct err *e)
{
    struct lobs *l = ctx;
    uint8_t      digest[SHA256_BYTES];
    uint64_t     part;
    uint32_t     oid;

    if (n < ROW_MIN) {
        return err_set(e, ERR_CORRUPT, "a page of a large object is too short");
    }
    oid = number_at((const uint8_t *)row + OID_AT);
    sha256(row, n, digest);
    memcpy(&part, digest, sizeof part);
    if (l->n == 0 || l->v[l->n - 1].oid != oid) {
        VEC_GROW(l->v, l->n, l->cap);
        l->v[l->n++] = (struct lob){.oid = oid};
    }
    l->v[l->n - 1].sum += part;
    return 0;
}

static int
add_pages(struct lobs *l, const struct buf *rows, struct err *e)
{
    const uint8_t *p = (const uint8_t *)rows->data;
    size_t         left = rows->len;

    while (left > 0) {
        size_t n = left < ROW_MIN ? left : ROW_MIN + number_at(p + DATA_LENGTH_AT);

        if (n > left || add_page(l, p, n, e) != 0) {
            return e->kind != ERR_NONE ? -1
                                       : err_set(e, ERR_CORRUPT, "a page of a large object is cut");
        }
        p += n;
        left -= n;
    }
    return 0;
}

static int
by_oid(const void *a, const void *b)
{
    const struct lob *x = a, *y = b;

    return (x->oid > y->oid) - (x->oid < y->oid);
}

/* Each object once, in order. */
static void
gather(struct lobs *l)
{
    size_t kept = 0;

    if (l->n > 0) {
        qsort(l->v, l->n, sizeof *l->v, by_oid);
    }
    for (size_t i = 0; i < l->n; i++) {
        if (kept > 0 && l->v[kept - 1].oid == l->v[i].oid) {
            l->v[kept - 1].sum += l->v[i].sum;
        } else {
            l->v[kept++] = l->v[i];
        }
    }
    l->n = kept;
}

/* An object on one side only has no page on the other: it is empty there, or missing. */
static size_t
match_pages(struct compare *c, const struct lobs *want, const struct lobs *have)
{
    size_t i = 0, k = 0, named = 0;

    while (i < want->n || k < have->n) {
        bool gone = k == have->n || (i < want->n && want->v[i].oid < have->v[k].oid);
        bool more = !gone && (i == want->n || have->v[k].oid < want->v[i].oid);

        if (gone || more || want->v[i].sum != have->v[k].sum) {
            add(c, more ? have->v[k].oid : want->v[i].oid, "pages", more ? "none" : "as recorded",
                gone ? "none" : "other values");
            named++;
        }
        i += !more;
        k += !gone;
    }
    return named;
}

int
lobs_which_pages(struct compare *c, const struct scan_table *t, size_t *named, struct err *e)
{
    struct buf  recorded = BUF_INIT(BUF_NO_LIMIT);
    struct lobs want = {0}, have = {0};
    int         rc = read_recorded(c, &c->man->lo_pages, &recorded, e);

    *named = 0;
    if (rc == 0 && add_pages(&want, &recorded, e) == 0 &&
        (rc = read_present(c, t, add_page, &have, e)) == 0) {
        gather(&want);
        gather(&have);
        *named = match_pages(c, &want, &have);
    }
    rc = e->kind != ERR_NONE ? -1 : rc;
    buf_free(&recorded);
    free(want.v);
    free(have.v);
    return rc < 0 ? -1 : 0;
}
