#include "pg/rows/scan_rows.h"

#include <inttypes.h>

int
scan_rows_add(struct scan_reader *r, struct row_sum *sum, bool to_sink, const void *row, size_t n,
              struct err *e)
{
    const struct scan_options *o = r->options;
    struct row_print           print = {0, 0};

    if (r->between(r->between_ctx, e) != 0) {
        return -1;
    }
    if (o->fingerprint_key != NULL) {
        print = row_sum_add(sum, o->fingerprint_key, row, n);
    } else {
        sum->rows++;
        sum->bytes += n;
    }
    if (n > r->largest) {
        r->largest = n;
    }
    return to_sink && o->sink->data != NULL ? o->sink->data(o->ctx, r->worker, row, n, &print, e)
                                            : 0;
}

int
scan_rows_begin(struct scan_rows *c, struct err *e)
{
    const struct scan_sink *sink = c->r->options->sink;
    void                   *ctx = c->r->options->ctx;
    const struct scan_task *range = &c->ranges[c->at];

    c->sum = (struct row_sum){0};
    if (sink->begin_task != NULL && sink->begin_task(ctx, c->r->worker, range, e) != 0) {
        return -1;
    }
    return sink->begin_item != NULL ? sink->begin_item(ctx, c->r->worker, range->items, e) : 0;
}

static int
end_range(struct scan_rows *c, const struct row_sum *generated, struct err *e)
{
    const struct scan_sink *sink = c->r->options->sink;
    void                   *ctx = c->r->options->ctx;
    const struct scan_task *range = &c->ranges[c->at];

    if (sink->end_item != NULL &&
        sink->end_item(ctx, c->r->worker, range->items, &c->sum, generated, e) != 0) {
        return -1;
    }
    return sink->end_task != NULL ? sink->end_task(ctx, c->r->worker, range, e) : 0;
}

static int
next_range(struct scan_rows *c, struct err *e)
{
    static const struct row_sum none = {0};

    if (end_range(c, &none, e) != 0) {
        return -1;
    }
    c->at++;
    return scan_rows_begin(c, e);
}

int
scan_rows_cut(void *ctx, uint64_t block, const void *row, size_t n, struct err *e)
{
    struct scan_rows       *c = ctx;
    const struct scan_item *now;

    while (c->at + 1 < c->n && block >= c->ranges[c->at].items[0].end_block) {
        if (next_range(c, e) != 0) {
            return -1;
        }
    }
    now = &c->ranges[c->at].items[0];
    if (block < now->first_block || (now->end_block > 0 && block >= now->end_block)) {
        return err_set(e, ERR_CORRUPT,
                       "rows do not come in the order of their blocks: one of block %" PRIu64
                       " in the range from %" PRIu64,
                       block, now->first_block);
    }
    return scan_rows_add(c->r, &c->sum, true, row, n, e);
}

int
scan_rows_end(struct scan_rows *c, const struct row_sum *generated, struct err *e)
{
    while (c->at + 1 < c->n) {
        if (next_range(c, e) != 0) {
            return -1;
        }
    }
    return end_range(c, generated, e);
}
