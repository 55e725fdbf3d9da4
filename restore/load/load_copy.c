/*
 * load_copy.c - one COPY: the segments of some ranges, one after another.  Rows are counted as soon
 * as the server has taken them all; who rolls them back takes them off again.
 */
#include <stdlib.h>
#include <string.h>

#include "core/progress.h"
#include "pg/rows/copy.h"
#include "restore/load/load.h"

/* Consecutive equal ones only once. */
void
load_expect(struct readahead *r, const struct manifest_range *ranges, size_t n)
{
    uint32_t *chunks = NULL;
    size_t    n_chunks = 0, cap = 0;

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < ranges[i].n; k++) {
            uint32_t chunk = ranges[i].segments[k].chunk;

            if (n_chunks == 0 || chunks[n_chunks - 1] != chunk) {
                VEC_GROW(chunks, n_chunks, cap);
                chunks[n_chunks++] = chunk;
            }
        }
    }
    readahead_expect(r, chunks, n_chunks);
    free(chunks);
}

const uint8_t *
load_segment(struct readahead *chunks, const struct manifest_segment *s, struct err *e)
{
    const struct buf *raw = readahead_get(chunks, s->chunk, e);

    /* The manifest is checked: a segment lies inside its chunk, which has the size that it says. */
    return raw == NULL ? NULL : raw->data + s->offset;
}

static int
send_range(struct worker *w, struct copy_in *in, const struct manifest_range *range, struct err *e)
{
    for (size_t i = 0; i < range->n; i++) {
        const struct manifest_segment *s = &range->segments[i];
        const uint8_t                 *bytes = load_segment(w->chunks, s, e);

        if (w->pool != NULL &&
            pool_stopping(w->pool)) { /* the rest of the table is not needed, however large */
            return err_set(e, ERR_INTERRUPTED, "another worker failed");
        }
        if (bytes == NULL || copy_in_data(in, bytes, s->length, e) != 0) {
            return -1;
        }
        progress_add(s->length);
    }
    return 0;
}

static void
count_loaded(struct restore *r, uint64_t rows, uint64_t bytes)
{
    pthread_mutex_lock(&r->lock);
    r->rows += rows;
    r->bytes += bytes;
    pthread_mutex_unlock(&r->lock);
}

int
load_copy(struct restore *r, struct worker *w, const struct manifest_table *t, size_t first,
          size_t n, const char *sql, struct err *e)
{
    struct copy_in in = {0};
    uint64_t       rows = 0, bytes = 0;

    load_expect(w->chunks, t->ranges + first, n);
    if (copy_in_begin(&in, w->rows, sql, t->format == COPY_BINARY, e) != 0) {
        return -1;
    }
    for (size_t i = first; i < first + n; i++) {
        if (send_range(w, &in, &t->ranges[i], e) != 0) {
            copy_in_abort(&in, "the rows to load cannot be read");
            return -1;
        }
        rows += t->ranges[i].rows;
        bytes += segments_bytes(t->ranges[i].segments, t->ranges[i].n);
    }
    if (copy_in_end(&in, rows, e) != 0) {
        return -1;
    }
    /* Rows are those of tables. */
    rows = t == &r->manifest->lo_pages || t == &r->manifest->lo_metadata ? 0 : rows;
    count_loaded(r, rows, bytes);
    w->counted_rows += rows;
    w->counted_bytes += bytes;
    return 0;
}

void
load_uncount(struct restore *r, struct worker *w)
{
    count_loaded(r, (uint64_t)0 - w->counted_rows, (uint64_t)0 - w->counted_bytes);
    w->counted_rows = w->counted_bytes = 0;
}

char *
load_copy_sql(const struct manifest_table *t, const char *via, bool freeze)
{
    const char     **names = xcalloc(t->n_columns + 1, sizeof *names);
    struct copy_spec spec = {
        .schema = t->schema, .name = t->name, .columns = names, .binary = t->format == COPY_BINARY};
    char *sql, *own = pg_qualified(t->schema, t->name), *moved = NULL;

    for (size_t i = 0; i < t->n_columns; i++) {
        if (!t->columns[i].generated) {
            names[spec.n_columns++] = t->columns[i].name;
        }
    }
    sql = copy_in_sql(&spec, freeze);
    if (via != NULL) {
        /* "COPY " and the table's own name stand first. */
        moved = xasprintf("COPY %s%s", via, sql + strlen("COPY ") + strlen(own));
        free(sql);
        sql = moved;
    }
    free(names);
    free(own);
    return sql;
}
