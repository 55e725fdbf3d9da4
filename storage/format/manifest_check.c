#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storage/format/chunkname.h"
#include "storage/format/delta.h"
#include "storage/format/manifest.h"

static int
check_chunks(const struct manifest *m, struct err *e)
{
    for (size_t i = 0; i < m->n_chunks; i++) {
        const struct chunk_ref *c = &m->chunks[i];

        const size_t most = codec_bound((enum codec_kind)c->name.codec, CHUNK_RAW_MAX);

        if (c->raw_size > CHUNK_RAW_MAX || c->size == 0 ||
            c->size > (c->name.sealed ? seal_bound(most) : most)) {
            return err_set(e, ERR_CORRUPT,
                           "chunk %zu: sizes %" PRIu64 ", %" PRIu64 " are out of range", i, c->size,
                           c->raw_size);
        }
    }
    return 0;
}

static int
by_name(const void *a, const void *b, void *ctx)
{
    const struct chunk_ref *v = ctx;

    return chunk_name_compare(&v[*(const uint32_t *)a].name, &v[*(const uint32_t *)b].name);
}

/* Each name once.  Sorted, not hashed: the maker of the file chose the names. */
static int
check_unique(const struct manifest *m, struct err *e)
{
    uint32_t *sorted = xcalloc(m->n_chunks + 1, sizeof *sorted);
    char      name[CHUNK_NAME_MAX];
    int       rc = 0;

    for (size_t i = 0; i < m->n_chunks; i++) {
        sorted[i] = (uint32_t)i;
    }
    if (m->n_chunks > 1) {
        qsort_r(sorted, m->n_chunks, sizeof *sorted, by_name, m->chunks);
    }
    for (size_t i = 1; rc == 0 && i < m->n_chunks; i++) {
        if (by_name(&sorted[i - 1], &sorted[i], m->chunks) == 0) {
            rc = err_set(e, ERR_CORRUPT, "chunk \"%s\" appears twice",
                         chunk_name_format(&m->chunks[sorted[i]].name, name));
        }
    }
    free(sorted);
    return rc;
}

/* false: there is none. */
static bool
raw_size_at(const struct manifest *m, uint32_t place, uint64_t *size)
{
    if (place < MANIFEST_DELTA && place < m->n_chunks) {
        *size = m->chunks[place].raw_size;
        return true;
    }
    if (place >= MANIFEST_DELTA && place - MANIFEST_DELTA < m->n_deltas) {
        *size = m->deltas[place - MANIFEST_DELTA].raw_size;
        return true;
    }
    return false;
}

/* *bytes: the sum of their lengths. */
static int
check_segments(const struct manifest *m, const struct manifest_segment *v, size_t n,
               uint64_t *bytes, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t size;

        if (!raw_size_at(m, v[i].chunk, &size)) {
            return err_set(e, ERR_CORRUPT, "segment %zu: there is no chunk %" PRIu32, i,
                           v[i].chunk);
        }
        if (v[i].length == 0 || v[i].offset > size || v[i].length > size - v[i].offset) {
            return err_set(e, ERR_CORRUPT, "segment %zu: lies outside of its chunk", i);
        }
        *bytes += v[i].length;
    }
    return 0;
}

/* Sources lie in chunks, so that a delta never hangs on another. */
static int
check_delta(const struct manifest *m, const struct manifest_delta *d, struct err *e)
{
    uint64_t bytes = 0;

    if (d->raw_size == 0 || d->raw_size > CHUNK_RAW_MAX || d->n < 2 || d->n > DELTA_SOURCES_MAX ||
        d->sources[d->n - 1].length > DELTA_LIST_MAX) {
        return err_set(e, ERR_CORRUPT, "%zu sources of %" PRIu64 " bytes are out of range", d->n,
                       d->raw_size);
    }
    for (size_t i = 0; i < d->n; i++) {
        if (d->sources[i].chunk >= MANIFEST_DELTA) {
            return err_set(e, ERR_CORRUPT, "source %zu is a delta", i);
        }
    }
    return check_segments(m, d->sources, d->n, &bytes, e);
}

static int
check_deltas(const struct manifest *m, struct err *e)
{
    for (size_t i = 0; i < m->n_deltas; i++) {
        if (check_delta(m, &m->deltas[i], e) != 0) {
            return err_wrap(e, "delta %zu", i);
        }
    }
    return 0;
}

static int
check_table(const struct manifest *m, const struct manifest_table *t, struct err *e)
{
    struct fingerprint fp = {0, 0};
    uint64_t           rows = 0, bytes = 0, others = 0;

    for (size_t i = 0; i < t->n_ranges; i++) {
        if (check_segments(m, t->ranges[i].segments, t->ranges[i].n, &bytes, e) != 0) {
            return err_wrap(e, "range %zu", i);
        }
        rows += t->ranges[i].rows;
        fingerprint_add(&fp, &t->ranges[i].fp);
    }
    if (check_segments(m, t->statistics, t->n_statistics, &others, e) != 0) {
        return err_wrap(e, "statistics");
    }
    if (rows != t->rows || bytes != t->bytes || !fingerprint_equal(&fp, &t->fp)) {
        return err_set(e, ERR_CORRUPT,
                       "its ranges hold %" PRIu64 " rows in %" PRIu64
                       " bytes, the table says %" PRIu64 " in %" PRIu64 "%s",
                       rows, bytes, t->rows, t->bytes,
                       rows == t->rows && bytes == t->bytes ? ", and another fingerprint" : "");
    }
    if (t->kind != '\0' && strchr("rfp", t->kind) == NULL) {
        return err_set(e, ERR_CORRUPT, "unknown kind '%c'", t->kind);
    }
    return 0;
}

static int
check_tables(const struct manifest *m, struct err *e)
{
    for (size_t i = 0; i < m->n_tables; i++) {
        const struct manifest_table *t = &m->tables[i];

        if (t->schema == NULL || t->name == NULL) {
            return err_set(e, ERR_CORRUPT, "table %zu: key \"%s\" is missing", i,
                           t->schema == NULL ? "schema" : "name");
        }
        if (check_table(m, t, e) != 0) {
            return err_wrap(e, "table \"%s\".\"%s\"", t->schema, t->name);
        }
        if (i > 0) {
            int by_schema = strcmp(t[-1].schema, t->schema);

            if (by_schema > 0 || (by_schema == 0 && strcmp(t[-1].name, t->name) >= 0)) {
                return err_set(e, ERR_CORRUPT, "table \"%s\".\"%s\": duplicate or out of order",
                               t->schema, t->name);
            }
        }
    }
    return 0;
}

int
manifest_check(const struct manifest *m, struct err *e)
{
    uint64_t bytes = 0;

    if (check_chunks(m, e) != 0 || check_unique(m, e) != 0 || check_deltas(m, e) != 0 ||
        check_tables(m, e) != 0) {
        return -1;
    }
    if (check_table(m, &m->lo_metadata, e) != 0 || check_table(m, &m->lo_pages, e) != 0) {
        return err_wrap(e, "large objects");
    }
    if (check_segments(m, m->archive, m->n_archive, &bytes, e) != 0) {
        return err_wrap(e, "schema archive");
    }
    if (check_segments(m, m->globals_sql, m->n_globals_sql, &bytes, e) != 0) {
        return err_wrap(e, "globals");
    }
    return 0;
}
