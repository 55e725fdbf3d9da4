#include "pg/rows/scan_sums.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/progress.h"

/* Sums wait here until their task has ended: a task that is tried again starts afresh. */
struct pending {
    const struct scan_item *item;
    struct row_sum          rows, generated;
};

struct worker_state {
    struct pending *v;
    size_t          n, cap;
};

struct summing {
    struct worker_state *workers;
    pthread_mutex_t      lock;
};

static int
begin_task(void *ctx, int worker, const struct scan_task *task, struct err *e)
{
    struct summing *s = ctx;

    (void)task;
    (void)e;
    s->workers[worker].n = 0;
    return 0;
}

static int
end_item(void *ctx, int worker, const struct scan_item *item, const struct row_sum *rows,
         const struct row_sum *generated, struct err *e)
{
    struct worker_state *w = &((struct summing *)ctx)->workers[worker];

    (void)e;
    VEC_GROW(w->v, w->n, w->cap);
    w->v[w->n] = (struct pending){.item = item, .rows = *rows};
    if (generated != NULL) {
        w->v[w->n].generated = *generated;
    }
    w->n++;
    return 0;
}

static int
end_task(void *ctx, int worker, const struct scan_task *task, struct err *e)
{
    struct summing      *s = ctx;
    struct worker_state *w = &s->workers[worker];

    (void)e;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < w->n; i++) {
        struct scan_sums *sums = w->v[i].item->table->user;

        row_sum_merge(&sums->rows, &w->v[i].rows);
        row_sum_merge(&sums->generated, &w->v[i].generated);
        sums->done++;
    }
    pthread_mutex_unlock(&s->lock);
    progress_add(task->bytes);
    return 0;
}

static const struct scan_sink sums_only = {
    .begin_task = begin_task, .end_item = end_item, .end_task = end_task};

int
scan_sums_run(struct snapshot *snap, const struct snapshot_options *snap_options,
              struct scan_table *tables, size_t n, int jobs, const uint8_t *fingerprint_key,
              struct err *e)
{
    struct summing      s = {.workers = xcalloc((size_t)jobs + 1, sizeof *s.workers),
                             .lock = PTHREAD_MUTEX_INITIALIZER};
    struct scan_options options = {
        .jobs = jobs, .fingerprint_key = fingerprint_key, .sink = &sums_only, .ctx = &s};
    struct scan_plan plan = {0};
    int              rc = -1;

    for (size_t i = 0; i < n; i++) {
        struct scan_sums *sums = tables[i].user;

        *sums = (struct scan_sums){.no_generated = sums->no_generated};
    }
    if (scan_plan(snap, tables, n, &plan, e) != 0) {
        goto out;
    }
    for (size_t i = 0; i < plan.n; i++) {
        for (size_t k = 0; k < plan.v[i].n; k++) {
            ((struct scan_sums *)plan.v[i].items[k].table->user)->planned++;
        }
    }
    rc = scan_run(snap, snap_options, &plan, &options, e);
    for (size_t i = 0; i < n; i++) {
        ((struct scan_sums *)tables[i].user)->no_generated |= tables[i].copy.plain &&
            tables[i].n_generated > 0;
    }
out:
    scan_plan_free(&plan);
    for (int i = 0; i <= jobs; i++) {
        free(s.workers[i].v);
    }
    free(s.workers);
    return rc;
}
