#include "verify/compare/explain_read.h"

#include <stdlib.h>
#include <string.h>

#include "pg/rows/row_set.h"

enum { ROW_BYTES_MAX = 1 << 30 };

int
explain_open(struct explain_reader *r, const struct compare *c, const struct row_check *check,
             struct err *e)
{
    const struct cat_table *have = check->have;

    *r = (struct explain_reader){
        .c = c,
        .want = check->want,
        .copy = {.schema = check->want->schema,
                 .name = check->want->name,
                 .columns = check->columns,
                 .n_columns = check->n_columns,
                 .binary = check->want->format == COPY_BINARY,
                 .condition = check->want->condition,
                 .plain = have->foreign_code},
        .by_ranges = check->want->n_ranges > 1 && check->want->condition == NULL &&
            !have->foreign_code && have->access_method != NULL &&
            strcmp(have->access_method, "heap") == 0,
        .equal = xcalloc(check->want->n_ranges + 1, sizeof *r->equal),
        .conn = snapshot_worker(c->snap_opts, c->snap, e),
    };
    if (r->conn == NULL || snapshot_begin(r->conn, c->snap, e) != 0)
        return -1;
    return rowkey_find(r->conn, have->oid, &r->copy, &r->key, e);
}

static int
copy_rows(PGconn *conn, const struct copy_spec *copy, copy_row_fn *fn, void *ctx, struct err *e)
{
    char    *sql = copy_out_sql(copy);
    uint64_t rows;
    int      rc = copy_out_send(conn, sql, e);

    free(sql);
    if (rc != 0 || copy_out_next(conn, copy->binary, fn, ctx, &rows, e) != 0)
        return -1;
    return copy_out_finish(conn, e);
}

/* ---- ranges --------------------------------------------------------------------------------- */

struct narrowing {
    const struct manifest_table *want;
    const uint8_t               *key;
    struct row_sum              *sums; /* of each range */
    size_t                       at;   /* the rows come block by block */
};

static int
sum_block_row(void *ctx, uint64_t block, const void *row, size_t n, struct err *e)
{
    struct narrowing            *s = ctx;
    const struct manifest_table *t = s->want;

    (void)e;
    if (block < t->ranges[s->at].first_block)
        s->at = 0;
    while (s->at + 1 < t->n_ranges && block >= t->ranges[s->at + 1].first_block)
        s->at++;
    row_sum_add(&s->sums[s->at], s->key, row, n);
    return 0;
}

int
explain_narrow(struct explain_reader *r, const uint8_t *fingerprint_key, struct err *e)
{
    const struct manifest_table *t = r->want;
    struct narrowing             s = {.want = t, .key = fingerprint_key};
    struct copy_spec             copy = r->copy;
    char                        *sql;
    int                          rc;

    if (!r->by_ranges)
        return 0;
    copy.ctid = true;
    s.sums = xcalloc(t->n_ranges, sizeof *s.sums);
    sql = copy_out_sql(&copy);
    rc = copy_out_send(r->conn, sql, e);
    if (rc == 0)
        rc = copy_out_next_blocks(r->conn, copy.binary, sum_block_row, &s, e);
    if (rc == 0)
        rc = copy_out_finish(r->conn, e);
    for (size_t i = 0; rc == 0 && i < t->n_ranges; i++)
        r->equal[i] = s.sums[i].rows == t->ranges[i].rows && s.sums[i].a == t->ranges[i].fp.a &&
            s.sums[i].b == t->ranges[i].fp.b;
    free(sql);
    free(s.sums);
    return rc;
}

/* ---- the backup's side ---------------------------------------------------------------------- */

/* Cuts pieces into rows: what is left of one continues in the next. */
static int
cut(struct buf *rest, bool binary, const uint8_t *p, size_t n, copy_row_fn *fn, void *ctx,
    struct err *e)
{
    size_t at = 0, length;

    if (rest->len > 0) {
        if (buf_append(rest, p, n, e) != 0)
            return -1;
        p = rest->data;
        n = rest->len;
    }
    while (at < n && (length = row_length(binary, p + at, n - at)) > 0) {
        if (fn(ctx, p + at, length, e) != 0)
            return -1;
        at += length;
    }
    if (rest->len > 0) {
        memmove(rest->data, rest->data + at, n - at);
        rest->len = n - at;
        return 0;
    }
    return buf_append(rest, p + at, n - at, e);
}

static void
expect(struct readahead *chunks, const struct manifest_range *range)
{
    uint32_t *places = xcalloc(range->n + 1, sizeof *places);

    for (size_t i = 0; i < range->n; i++)
        places[i] = range->segments[i].chunk;
    readahead_expect(chunks, places, range->n);
    free(places);
}

static int
range_rows(struct readahead *chunks, const struct manifest_range *range, bool binary,
           copy_row_fn *fn, void *ctx, struct err *e)
{
    struct buf rest = BUF_INIT(ROW_BYTES_MAX);
    int        rc = 0;

    expect(chunks, range);
    for (size_t i = 0; rc == 0 && i < range->n; i++) {
        const struct manifest_segment *s = &range->segments[i];
        const struct buf              *raw = readahead_get(chunks, s->chunk, e);

        rc = raw == NULL ? -1 : cut(&rest, binary, raw->data + s->offset, s->length, fn, ctx, e);
    }
    if (rc == 0 && rest.len > 0)
        rc = err_set(e, ERR_CORRUPT, "a range of the backup ends within a row");
    buf_free(&rest);
    return rc;
}

int
explain_backup(struct explain_reader *r, copy_row_fn *fn, void *ctx, struct err *e)
{
    struct readahead *chunks = readahead_new(r->c->repo, r->c->label->db, r->c->man);
    int               rc = 0;

    for (size_t i = 0; rc == 0 && i < r->want->n_ranges; i++)
        if (!r->equal[i])
            rc = range_rows(chunks, &r->want->ranges[i], r->copy.binary, fn, ctx, e);
    readahead_free(chunks);
    return rc;
}

/* ---- the table's side ----------------------------------------------------------------------- */

/* Ranges that lie side by side are one COPY. */
int
explain_table(struct explain_reader *r, copy_row_fn *fn, void *ctx, struct err *e)
{
    const struct manifest_table *t = r->want;
    struct copy_spec             copy = r->copy;

    if (!r->by_ranges)
        return copy_rows(r->conn, &copy, fn, ctx, e);
    copy.ranged = true;
    for (size_t i = 0, end; i < t->n_ranges; i = end) {
        for (end = i; end < t->n_ranges && r->equal[end] == r->equal[i]; end++)
            ;
        copy.first_block = i == 0 ? 0 : t->ranges[i].first_block;
        copy.end_block = end < t->n_ranges ? t->ranges[end].first_block : 0;
        if (!r->equal[i] && copy_rows(r->conn, &copy, fn, ctx, e) != 0)
            return -1;
    }
    return 0;
}

int
explain_finish(struct explain_reader *r, struct err *e)
{
    return pg_exec(r->conn, e, "ROLLBACK");
}

void
explain_close(struct explain_reader *r)
{
    pg_close(r->conn);
    rowkey_free(&r->key);
    free(r->equal);
}
