#include "storage/format/chunkusers.h"

#include <stdlib.h>

struct tracing {
    const struct manifest *m;
    const bool            *want;
    chunkusers_fn         *fn;
    void                  *ctx;
    const char            *what;
};

static void
tell(void *ctx, uint32_t chunk)
{
    const struct tracing *t = ctx;

    if (t->want[chunk]) {
        t->fn(t->ctx, chunk, t->what);
    }
}

static void
segments(struct tracing *t, const struct manifest_segment *v, size_t n, const char *what)
{
    t->what = what;
    for (size_t i = 0; i < n; i++) {
        manifest_each_chunk(t->m, v[i].chunk, tell, t);
    }
}

static void
ranges(struct tracing *t, const struct manifest_table *table, const char *what)
{
    for (size_t i = 0; i < table->n_ranges; i++) {
        segments(t, table->ranges[i].segments, table->ranges[i].n, what);
    }
}

void
chunkusers_trace(const struct manifest *m, const bool *want, chunkusers_fn *fn, void *ctx)
{
    struct tracing t = {.m = m, .want = want, .fn = fn, .ctx = ctx};

    for (size_t i = 0; i < m->n_tables; i++) {
        char *name = xasprintf("%s.%s", m->tables[i].schema, m->tables[i].name);

        ranges(&t, &m->tables[i], name);
        segments(&t, m->tables[i].statistics, m->tables[i].n_statistics, "statistics");
        free(name);
    }
    ranges(&t, &m->lo_metadata, "large objects");
    ranges(&t, &m->lo_pages, "large objects");
    segments(&t, m->archive, m->n_archive, "schema");
    segments(&t, m->globals_sql, m->n_globals_sql, "globals");
}
