#include "backup/statistics.h"

#include <stdlib.h>
#include <string.h>

#include "pg/snapshot/statistics.h"

/* A chunk of them, and the largest of one table: more, with a statistics target of 10000, is left
 * to ANALYZE. */
#define PACK_BYTES  ((size_t)4 * MIB)
#define TABLE_BYTES ((size_t)8 * MIB)

struct taking {
    struct job        *j;
    struct statistics *out;
    struct buf         pack;
    size_t             packed; /* members before it: their chunk is known */
    size_t             at;     /* the table that was found last */
};

static int
put_pack(struct taking *t, struct err *e)
{
    struct chunk_number chunk;

    if (t->pack.len == 0) {
        return 0;
    }
    if (fanout_put(t->j->fanout, 0, t->pack.data, t->pack.len, &chunk, e) != 0) {
        return err_wrap(e, "store the planner's statistics");
    }
    for (; t->packed < t->out->n; t->packed++) {
        t->out->v[t->packed].chunk = chunk;
    }
    buf_clear(&t->pack);
    return 0;
}

/* Tables come in the manifest's order.  NULL: its rows are not in the backup, or not all. */
static struct manifest_table *
find(struct taking *t, uint32_t oid)
{
    const struct manifest *m = t->j->manifest;

    for (size_t tried = 0; tried < m->n_tables; tried++, t->at = (t->at + 1) % m->n_tables) {
        struct manifest_table *table = &m->tables[t->at];

        if (table->oid == oid) {
            return (table->kind == 'r' && table->skipped == NULL && table->condition == NULL) ||
                    table->kind == 'p'
                ? table
                : NULL;
        }
    }
    return NULL;
}

/* One in 32, the same every night. */
static bool
begins_pack(uint32_t oid)
{
    return oid * UINT32_C(2654435761) >> 27 == 0; /* Knuth's multiplier: oids have patterns */
}

static int
add(void *ctx, uint32_t oid, const char *json, size_t n, struct err *e)
{
    struct taking         *t = ctx;
    struct manifest_table *table = n <= TABLE_BYTES ? find(t, oid) : NULL;

    if (table == NULL) {
        return 0;
    }
    if ((begins_pack(oid) || t->pack.len + n > PACK_BYTES) && put_pack(t, e) != 0) {
        return -1;
    }
    VEC_GROW(t->out->v, t->out->n, t->out->cap);
    t->out->v[t->out->n++] = (struct statistics_member){
        .table = (size_t)(table - t->j->manifest->tables), .offset = t->pack.len, .length = n};
    return buf_append(&t->pack, json, n, e);
}

int
statistics_take(struct job *j, struct statistics *out, struct err *e)
{
    struct taking t = {.j = j, .out = out, .pack = BUF_INIT(PACK_BYTES + TABLE_BYTES)};
    int           rc = 0;

    if (strcmp(j->selection.scope, "full") == 0 && j->run->import == NULL) {
        rc = statistics_read(j->snapshot.conn, add, &t, e) == 0 ? put_pack(&t, e) : -1;
    }
    buf_free(&t.pack);
    return rc;
}

void
statistics_record(const struct statistics *s, struct manifest *m)
{
    uint32_t place = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct statistics_member *v = &s->v[i];
        struct manifest_table          *t = &m->tables[v->table];

        if (i == 0 || v->chunk.n != v[-1].chunk.n) {
            place = manifest_add_chunk(m, v->chunk);
        }
        segment_add(&t->statistics, &t->n_statistics, &t->cap_statistics,
                    &(struct manifest_segment){place, v->offset, v->length});
    }
}

void
statistics_free(struct statistics *s)
{
    free(s->v);
    *s = (struct statistics){0};
}
