/*
 * narrow_left.c - the rows that are left of both sides, on their way into temporary tables.
 */
#include <stdlib.h>
#include <sys/param.h>

#include "restore/part/narrow_impl.h"

#define WAITING_MAX (96 * MIB) /* rows for the temporary tables */
#define LEFT_MIN    (32 * MIB) /* as much may be left of any table */

static struct batch *
batch_for(struct narrow *n, const struct leaf *leaf, enum side side)
{
    for (size_t i = 0; i < n->n_batches; i++) {
        if (n->batches[i].leaf == leaf && n->batches[i].side == side) {
            return &n->batches[i];
        }
    }
    VEC_GROW(n->batches, n->n_batches, n->cap_batches);
    n->batches[n->n_batches] = (struct batch){
        .leaf = leaf, .side = side, .rows = BUF_INIT(BUF_NO_LIMIT)};
    return &n->batches[n->n_batches++];
}

static int
too_much(struct narrow *n, struct err *e)
{
    n->gave_up = true;
    return err_set(e, ERR_INTERRUPTED, "too much differs");
}

static uint64_t
backup_bytes(const struct live_table *t)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < t->n_leaves; i++) {
        bytes += t->leaves[i]->bytes;
    }
    return bytes;
}

int
narrow_keep(struct narrow *n, const struct leaf *leaf, enum side side, const void *row, size_t size,
            struct err *e)
{
    struct batch *b;
    int           rc;

    pthread_mutex_lock(&n->lock);
    b = batch_for(n, leaf, side);
    n->waiting += size;
    n->left += size;
    b->n++;
    rc = n->waiting > WAITING_MAX || n->left > MAX(LEFT_MIN, backup_bytes(n->t) / 4)
        ? too_much(n, e)
        : buf_append(&b->rows, row, size, e);
    pthread_mutex_unlock(&n->lock);
    return rc;
}

static void
batches_free(struct batch *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_free(&v[i].rows);
    }
    free(v);
}

static int
write_batch(const struct narrow *n, const struct batch *b, struct err *e)
{
    const struct leaf *leaf = b->leaf;
    struct copy_spec   spec = leaf->scan.copy;
    struct copy_in     in = {0};
    char              *sql;
    int                rc;

    spec.schema = "pg_temp";
    spec.name = n->stage[b->side];
    spec.columns = leaf->columns[b->side].v;
    spec.n_columns = leaf->columns[b->side].n;
    sql = copy_in_sql(&spec, false);
    rc = copy_in_begin(&in, n->conn, sql, spec.binary, e);
    free(sql);
    if (rc == 0 &&
        (copy_in_data(&in, b->rows.data, b->rows.len, e) != 0 || copy_in_end(&in, b->n, e) != 0)) {
        copy_in_abort(&in, "the rows to load cannot be sent");
        rc = -1;
    }
    return rc == 0 ? 0 : err_wrap(e, "rows of table %s.%s", leaf->schema, leaf->name);
}

int
narrow_write(struct narrow *n, struct err *e)
{
    struct batch *v;
    size_t        count;
    int           rc = 0;

    pthread_mutex_lock(&n->lock);
    v = n->batches;
    count = n->n_batches;
    n->batches = NULL;
    n->n_batches = n->cap_batches = 0;
    n->waiting = 0;
    pthread_mutex_unlock(&n->lock);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = write_batch(n, &v[i], e);
    }
    batches_free(v, count);
    return rc;
}

int
narrow_give_up(struct narrow *n, struct err *e)
{
    pthread_mutex_lock(&n->lock);
    too_much(n, e);
    pthread_mutex_unlock(&n->lock);
    return -1;
}

void
narrow_left_free(struct narrow *n)
{
    batches_free(n->batches, n->n_batches);
}
