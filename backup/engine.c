#include "backup/engine.h"

#include <stdlib.h>

#include "backup/engine_impl.h"
#include "core/progress.h"
#include "storage/format/chunk.h"

struct engine *
engine_new(struct manifest *m, struct fanout *f, struct deltas *deltas,
           const struct scan_plan *plan, int jobs)
{
    struct engine *en = xcalloc(1, sizeof *en);

    en->m = m;
    en->f = f;
    en->deltas = deltas;
    en->plan = plan;
    en->results = xcalloc(plan->n + 1, sizeof *en->results);
    en->n_lanes = jobs + 1;
    en->lanes = xcalloc((size_t)en->n_lanes, sizeof *en->lanes);
    en->packer = packer_new(deltas, en->n_lanes);
    return en;
}

void
engine_result_clear(struct result *r)
{
    for (size_t i = 0; i < r->n_copies; i++) {
        free(r->copies[i].pieces);
    }
    free(r->buffers);
    free(r->copies);
    *r = (struct result){0};
}

void
engine_free(struct engine *en)
{
    if (en == NULL) {
        return;
    }
    for (size_t i = 0; i < en->plan->n; i++) {
        engine_result_clear(&en->results[i]);
    }
    packer_free(en->packer);
    free(en->results);
    free(en->lanes);
    free(en);
}

static void
flush(struct engine *en, int worker)
{
    struct lane            *l = &en->lanes[worker];
    struct result          *r = l->result;
    const struct scan_item *first = &l->task->items[0];

    if (l->parcel == NULL || l->parcel->raw.len == 0) {
        return;
    }
    progress_add(l->parcel->raw.len);
    l->parcel->at = (struct deltas_place){.schema = first->table->copy.schema,
                                          .name = first->table->copy.name,
                                          .first_block = first->ranged ? first->first_block : 0,
                                          .ordinal = (uint32_t)r->n_buffers};
    VEC_GROW(r->buffers, r->n_buffers, r->cap_buffers);
    r->buffers[r->n_buffers++] = packer_put(en->packer, l->parcel);
    l->parcel = NULL;
}

static bool
has_buffer(struct engine *en, struct lane *l, struct err *e)
{
    if (l->parcel == NULL) {
        l->parcel = packer_take(en->packer, e);
    }
    return l->parcel != NULL;
}

static int
begin_task(void *ctx, int worker, const struct scan_task *task, struct err *e)
{
    struct engine *en = ctx;
    struct lane   *l = &en->lanes[worker];

    (void)e;
    if (l->parcel != NULL) {
        buf_clear(&l->parcel->raw);
        marks_clear(&l->parcel->marks);
    }
    l->task = task;
    l->result = &en->results[task - en->plan->v];
    engine_result_clear(l->result);
    return 0;
}

static int
begin_item(void *ctx, int worker, const struct scan_item *item, struct err *e)
{
    struct result *r = ((struct engine *)ctx)->lanes[worker].result;

    (void)e;
    VEC_GROW(r->copies, r->n_copies, r->cap_copies);
    r->copies[r->n_copies++] = (struct copied){
        .table = item->table->user,
        .first_block = item->ranged ? item->first_block : 0,
    };
    return 0;
}

/* The last n bytes of the task's current buffer are the COPY's. */
static void
extend(struct copied *c, size_t buffer, size_t offset, size_t n)
{
    struct piece *last = c->n == 0 ? NULL : &c->pieces[c->n - 1];

    if (last != NULL && last->buffer == buffer) {
        last->length += n;
        return;
    }
    VEC_GROW(c->pieces, c->n, c->cap);
    c->pieces[c->n++] = (struct piece){.buffer = (uint32_t)buffer, .offset = offset, .length = n};
}

/* The next bytes of a row, as many as there is room for. */
static int
append(struct lane *l, const uint8_t *p, size_t n, struct err *e)
{
    extend(&l->result->copies[l->result->n_copies - 1], l->result->n_buffers, l->parcel->raw.len,
           n);
    return buf_append(&l->parcel->raw, p, n, e);
}

static int
data(void *ctx, int worker, const void *row, size_t n, const struct row_print *print, struct err *e)
{
    struct engine *en = ctx;
    struct lane   *l = &en->lanes[worker];
    const uint8_t *p = row;

    if (!has_buffer(en, l, e)) {
        return -1;
    }
    if (n <= CHUNK_RAW_MAX - l->parcel->raw.len) {
        marks_row(&l->parcel->marks, deltas_key(en->deltas), print, n);
        return append(l, p, n, e);
    }
    while (n > 0) {
        size_t room, part;

        if (!has_buffer(en, l, e)) {
            return -1;
        }
        room = CHUNK_RAW_MAX - l->parcel->raw.len;
        part = n < room ? n : room;
        if (part == 0) {
            flush(en, worker);
            continue;
        }
        marks_part(&l->parcel->marks, part);
        if (append(l, p, part, e) != 0) {
            return -1;
        }
        p += part;
        n -= part;
    }
    return 0;
}

static int
end_item(void *ctx, int worker, const struct scan_item *item, const struct row_sum *rows,
         const struct row_sum *generated, struct err *e)
{
    struct result *r = ((struct engine *)ctx)->lanes[worker].result;
    struct copied *c = &r->copies[r->n_copies - 1];

    (void)e;
    c->rows = rows->rows;
    c->fp = (struct fingerprint){rows->a, rows->b};
    if (generated != NULL) {
        c->generated = (struct fingerprint){generated->a, generated->b};
    }
    c->format = item->table->copy.binary ? COPY_BINARY : COPY_TEXT;
    return 0;
}

static int
end_task(void *ctx, int worker, const struct scan_task *task, struct err *e)
{
    (void)task;
    (void)e;
    flush(ctx, worker);
    return 0;
}

static int
tick(void *ctx, struct err *e)
{
    return fanout_tick(((struct engine *)ctx)->f, e);
}

const struct scan_sink engine_sink = {
    .begin_task = begin_task,
    .begin_item = begin_item,
    .data = data,
    .end_item = end_item,
    .end_task = end_task,
    .tick = tick,
};

/* The COPY becomes a range of its table; places: of the task's buffers. */
static int
record(const struct copied *c, const uint32_t *places, struct err *e)
{
    struct manifest_table *t = c->table;
    struct manifest_range  r = {.first_block = c->first_block, .rows = c->rows, .fp = c->fp};

    if (t->n_ranges > 0 && t->format != c->format) {
        return err_set(e, ERR_CORRUPT, "table %s.%s was read partly as text, partly in binary",
                       t->schema, t->name);
    }
    r.segments = xcalloc(c->n + 1, sizeof *r.segments);
    r.cap = c->n + 1;
    for (; r.n < c->n; r.n++) {
        const struct piece *p = &c->pieces[r.n];

        r.segments[r.n] = (struct manifest_segment){places[p->buffer], p->offset, p->length};
        t->bytes += p->length;
    }
    t->format = c->format;
    t->rows += c->rows;
    fingerprint_add(&t->fp, &c->fp);
    fingerprint_add(&t->generated_fp, &c->generated);
    VEC_GROW(t->ranges, t->n_ranges, t->cap_ranges);
    t->ranges[t->n_ranges++] = r;
    return 0;
}

/* A task's buffers get places, and its COPYs are added to their tables. */
static int
record_all(struct engine *en, const struct result *r, struct err *e)
{
    uint32_t *places = xcalloc(r->n_buffers + 1, sizeof *places);
    int       rc = 0;

    for (size_t i = 0; i < r->n_buffers; i++) {
        places[i] = placed_record(packer_placed(en->packer, r->buffers[i]), en->m);
    }
    for (size_t i = 0; rc == 0 && i < r->n_copies; i++) {
        rc = record(&r->copies[i], places, e);
    }
    free(places);
    return rc;
}

static int
by_first_block(const void *a, const void *b)
{
    uint64_t x = ((const struct manifest_range *)a)->first_block,
             y = ((const struct manifest_range *)b)->first_block;

    return (x > y) - (x < y);
}

static void
sort_ranges(struct manifest_table *t)
{
    if (t->n_ranges > 1) {
        qsort(t->ranges, t->n_ranges, sizeof *t->ranges, by_first_block);
    }
}

int
engine_settle(struct engine *en, struct err *e)
{
    if (packer_finish(en->packer, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < en->plan->n; i++) {
        if (en->results[i].n_copies != en->plan->v[i].n) {
            const struct copy_spec *c = &en->plan->v[i].items[0].table->copy;

            return err_set(e, ERR_CORRUPT, "table %s.%s: %zu of %zu planned reads were recorded",
                           c->schema, c->name, en->results[i].n_copies, en->plan->v[i].n);
        }
    }
    return 0;
}

int
engine_record(struct engine *en, struct err *e)
{
    for (size_t i = 0; i < en->plan->n; i++) {
        if (record_all(en, &en->results[i], e) != 0) {
            return -1;
        }
        engine_result_clear(&en->results[i]);
    }
    for (size_t i = 0; i < en->m->n_tables; i++) {
        sort_ranges(&en->m->tables[i]);
    }
    sort_ranges(&en->m->lo_pages);
    sort_ranges(&en->m->lo_metadata);
    return 0;
}

int
chunks_put(struct fanout *f, int worker, struct manifest *m, const struct buf *bytes,
           struct manifest_segment **v, size_t *n_v, size_t *cap_v, struct err *e)
{
    for (size_t done = 0; done < bytes->len;) {
        size_t                  left = bytes->len - done;
        struct manifest_segment s = {.length = left < CHUNK_RAW_MAX ? left : CHUNK_RAW_MAX};
        struct chunk_number     chunk;

        if (fanout_put(f, worker, bytes->data + done, s.length, &chunk, e) != 0) {
            return -1;
        }
        s.chunk = manifest_add_chunk(m, chunk);
        segment_add(v, n_v, cap_v, &s);
        done += s.length;
    }
    return 0;
}
