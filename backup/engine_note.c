/*
 * engine_note.c - what was read of a task, as bytes, and back.
 *
 *     struct noted            once
 *     struct noted_copy       for each COPY, in the order of the task; after each its pieces
 *
 * Read on the host that wrote them, by the same program: numbers are in memory's order.
 */
#include <string.h>

#include "backup/engine_impl.h"

struct noted {
    uint32_t n_buffers, n_copies;
};

struct noted_copy {
    uint64_t           mark;
    uint64_t           first_block, end_block, rows;
    struct fingerprint fp, generated;
    uint32_t           format, ranged, n_pieces, unused;
};

static void
put(struct buf *b, const void *data, size_t n)
{
    struct err never = ERR_INIT; /* a buffer without a ceiling */

    (void)buf_append(b, data, n, &never);
}

void
engine_note(struct engine *en, const struct scan_task *task, const uint64_t *marks, struct buf *out)
{
    const struct result *r = &en->results[task - en->plan->v];

    *out = (struct buf)BUF_INIT(BUF_NO_LIMIT);
    put(out, &(struct noted){(uint32_t)r->n_buffers, (uint32_t)r->n_copies}, sizeof(struct noted));
    for (size_t i = 0; i < r->n_copies; i++) {
        const struct copied    *c = &r->copies[i];
        const struct scan_item *item = &task->items[i];
        struct noted_copy       n = {.mark = marks[i],
                                     .first_block = item->first_block,
                                     .end_block = item->end_block,
                                     .rows = c->rows,
                                     .fp = c->fp,
                                     .generated = c->generated,
                                     .format = c->format,
                                     .ranged = item->ranged,
                                     .n_pieces = (uint32_t)c->n};

        put(out, &n, sizeof n);
        put(out, c->pieces, c->n * sizeof *c->pieces);
    }
}

/* What is left of a note. */
struct cursor {
    const uint8_t *at;
    size_t         left;
};

static bool
take(struct cursor *c, void *out, size_t n)
{
    if (n > c->left) {
        return false;
    }
    if (n > 0) {
        memcpy(out, c->at, n);
    }
    c->at += n;
    c->left -= n;
    return true;
}

/* *pieces is allocated. */
static bool
take_copy(struct cursor *c, struct noted_copy *n, struct piece **pieces)
{
    *pieces = NULL;
    if (!take(c, n, sizeof *n) || n->n_pieces > c->left / sizeof **pieces) {
        return false;
    }
    *pieces = xcalloc(n->n_pieces + 1, sizeof **pieces);
    return take(c, *pieces, n->n_pieces * sizeof **pieces);
}

static struct cursor
begin(const struct buf *note, struct noted *head, bool *good)
{
    struct cursor c = {note->data, note->len};

    *good = take(&c, head, sizeof *head);
    return c;
}

static bool
is_of(const struct noted_copy *n, const struct scan_item *item, uint64_t mark)
{
    return n->mark == mark && (n->ranged != 0) == item->ranged &&
        n->first_block == item->first_block && n->end_block == item->end_block &&
        n->format == (item->table->copy.binary ? COPY_BINARY : COPY_TEXT);
}

bool
engine_noted(const struct scan_task *task, const uint64_t *marks, const struct buf *note)
{
    struct noted  head;
    bool          good;
    struct cursor c = begin(note, &head, &good);

    good = good && head.n_copies == task->n;
    for (size_t i = 0; good && i < task->n; i++) {
        struct noted_copy n;
        struct piece     *pieces;

        good = take_copy(&c, &n, &pieces) && is_of(&n, &task->items[i], marks[i]);
        free(pieces);
    }
    return good && c.left == 0;
}

uint64_t
engine_noted_rows(const struct buf *note)
{
    struct noted  head;
    bool          good;
    struct cursor c = begin(note, &head, &good);
    uint64_t      rows = 0;

    for (uint32_t i = 0; good && i < head.n_copies; i++) {
        struct noted_copy n;
        struct piece     *pieces;

        good = take_copy(&c, &n, &pieces);
        rows += good ? n.rows : 0;
        free(pieces);
    }
    return rows;
}

/* The pieces lie in the buffers. */
static bool
is_within(const struct copied *c, const struct placed *placed, size_t n_placed)
{
    bool is = true;

    for (size_t i = 0; is && i < c->n; i++) {
        const struct piece *p = &c->pieces[i];

        is = p->buffer < n_placed && p->offset <= placed[p->buffer].raw_size &&
            p->length <= placed[p->buffer].raw_size - p->offset;
    }
    return is;
}

/* The task's COPYs, as engine_noted() has found them to be. */
static bool
fill(struct result *r, const struct scan_task *task, struct cursor *c, const struct placed *placed,
     size_t n_placed, uint64_t *bytes)
{
    bool good = true;

    for (size_t i = 0; good && i < task->n; i++) {
        struct noted_copy n;
        struct copied     copy = {.table = task->items[i].table->user};

        good = take_copy(c, &n, &copy.pieces);
        if (good) {
            copy.format = (enum copy_format)n.format;
            copy.first_block = task->items[i].ranged ? n.first_block : 0;
            copy.rows = n.rows;
            copy.fp = n.fp;
            copy.generated = n.generated;
            copy.n = copy.cap = n.n_pieces;
            good = is_within(&copy, placed, n_placed);
        }
        for (size_t k = 0; good && k < copy.n; k++) {
            *bytes += copy.pieces[k].length;
        }
        VEC_GROW(r->copies, r->n_copies, r->cap_copies);
        r->copies[r->n_copies++] = copy;
    }
    return good;
}

bool
engine_reuse(struct engine *en, const struct scan_task *task, const struct buf *note,
             uint64_t *bytes)
{
    const struct scan_item   *first = &task->items[0];
    const struct deltas_place at = {.schema = first->table->copy.schema,
                                    .name = first->table->copy.name,
                                    .first_block = first->ranged ? first->first_block : 0};
    struct result            *r = &en->results[task - en->plan->v];
    struct noted              head;
    struct placed            *placed;
    bool                      good;
    struct cursor             c = begin(note, &head, &good);

    *bytes = 0;
    if (!good || head.n_buffers > note->len) {
        return false;
    }
    placed = xcalloc(head.n_buffers + 1, sizeof *placed);
    good = deltas_again(en->deltas, &at, head.n_buffers, placed) &&
        fill(r, task, &c, placed, head.n_buffers, bytes);
    if (!good) {
        engine_result_clear(r);
    }
    for (uint32_t i = 0; i < head.n_buffers; i++) {
        if (good) {
            VEC_GROW(r->buffers, r->n_buffers, r->cap_buffers);
            r->buffers[r->n_buffers++] = packer_placed_already(en->packer, &placed[i]);
        } else {
            placed_free(&placed[i]);
        }
    }
    free(placed);
    return good;
}

static bool
same_rows(const struct copied *c, const struct noted_copy *n)
{
    return c->rows == n->rows && c->format == n->format && fingerprint_equal(&c->fp, &n->fp) &&
        fingerprint_equal(&c->generated, &n->generated);
}

const struct scan_item *
engine_differs(struct engine *en, const struct scan_task *task, const struct buf *note)
{
    const struct result    *r = &en->results[task - en->plan->v];
    const struct scan_item *found = NULL;
    struct noted            head;
    bool                    good;
    struct cursor           c = begin(note, &head, &good);

    for (size_t i = 0; good && found == NULL && i < task->n; i++) {
        struct noted_copy n;
        struct piece     *pieces;

        good = take_copy(&c, &n, &pieces);
        found = good && !same_rows(&r->copies[i], &n) ? &task->items[i] : NULL;
        free(pieces);
    }
    return found;
}
