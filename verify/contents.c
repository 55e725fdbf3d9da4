/*
 * Contents: every row of every table read again in the format that the manifest names, and summed.
 */
#include <stdlib.h>
#include <string.h>

#include "core/progress.h"
#include "verify/rows.h"

/* Sums wait here until their task has ended: a task that is tried again starts afresh. */
struct pending {
    const struct scan_item *item;
    struct row_sum          sum, generated;
};

struct worker_state {
    struct pending *v;
    size_t          n, cap;
};

struct contents {
    struct worker_state *workers;
    pthread_mutex_t      lock;
};

static int
begin_task(void *ctx, int worker, const struct scan_task *task, struct err *e)
{
    struct contents *s = ctx;

    (void)task;
    (void)e;
    s->workers[worker].n = 0;
    return 0;
}

static int
end_item(void *ctx, int worker, const struct scan_item *item, const struct row_sum *rows,
         const struct row_sum *generated, struct err *e)
{
    struct worker_state *w = &((struct contents *)ctx)->workers[worker];

    (void)e;
    VEC_GROW(w->v, w->n, w->cap);
    w->v[w->n] = (struct pending){.item = item, .sum = *rows};
    if (generated != NULL)
        w->v[w->n].generated = *generated;
    w->n++;
    return 0;
}

static int
end_task(void *ctx, int worker, const struct scan_task *task, struct err *e)
{
    struct contents     *s = ctx;
    struct worker_state *w = &s->workers[worker];

    (void)e;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < w->n; i++) {
        struct row_check *check = w->v[i].item->table->user;

        row_sum_merge(&check->sum, &w->v[i].sum);
        row_sum_merge(&check->generated, &w->v[i].generated);
        check->done++;
    }
    pthread_mutex_unlock(&s->lock);
    progress_add(task->bytes);
    return 0;
}

static const struct scan_sink sums_only = {
    .begin_task = begin_task, .end_item = end_item, .end_task = end_task};

static int
run_scan(struct compare *c, struct scan_table *tables, size_t n, struct err *e)
{
    struct contents     s = {.workers = xcalloc((size_t)c->options->jobs + 1, sizeof *s.workers),
                             .lock = PTHREAD_MUTEX_INITIALIZER};
    struct scan_options options = {.jobs = c->options->jobs,
                                   .fingerprint_key = c->man->fingerprint_key,
                                   .sink = &sums_only,
                                   .ctx = &s};
    struct scan_plan    plan = {0};
    int                 rc = -1;

    for (size_t i = 0; i < n; i++) {
        struct row_check *check = tables[i].user;

        check->sum = check->generated = (struct row_sum){0};
        check->planned = check->done = 0;
    }
    if (scan_plan(c->snap, tables, n, &plan, e) != 0)
        goto out;
    for (size_t i = 0; i < plan.n; i++)
        for (size_t k = 0; k < plan.v[i].n; k++)
            ((struct row_check *)plan.v[i].items[k].table->user)->planned++;
    rc = scan_run(c->snap, c->snap_opts, &plan, &options, e);
    for (size_t i = 0; i < n; i++)
        ((struct row_check *)tables[i].user)->no_generated |= tables[i].copy.plain;
out:
    scan_plan_free(&plan);
    for (int i = 0; i <= c->options->jobs; i++)
        free(s.workers[i].v);
    free(s.workers);
    return rc;
}

/* The first failing table ended the scan: each that is not complete is read alone, and those
 * that fail are named. */
static int
run_one_by_one(struct compare *c, struct scan_table *tables, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct row_check *check = tables[i].user;
        struct err        fault = ERR_INIT;

        if (check->planned > 0 && check->done == check->planned)
            continue;
        if (run_scan(c, &tables[i], 1, &fault) == 0)
            continue;
        if (fault.kind == ERR_INTERRUPTED || snapshot_ping(c->snap, e) != 0) {
            *e = fault;
            return -1;
        }
        row_check_unread(c, check, &fault);
    }
    return 0;
}

int
scan_checks(struct compare *c, struct scan_table *tables, size_t n, struct err *e)
{
    struct err fault = ERR_INIT;

    if (n == 0 || run_scan(c, tables, n, &fault) == 0)
        return 0;
    if (fault.kind == ERR_INTERRUPTED || snapshot_ping(c->snap, e) != 0) {
        *e = fault;
        return -1;
    }
    return run_one_by_one(c, tables, n, e);
}

static struct scan_table
scan_of(struct row_check *check)
{
    const struct manifest_table *want = check->want;
    const struct cat_table      *have = check->have;

    return (struct scan_table){
        .copy = {.schema = want->schema,
                 .name = want->name,
                 .columns = check->columns,
                 .n_columns = check->n_columns,
                 .binary = want->format == COPY_BINARY,
                 .condition = want->condition},
        .generated = check->columns + check->n_columns,
        .n_generated = check->n_generated,
        .heap_blocks = have->heap_blocks,
        .bytes = have->table_bytes,
        .rangeable = have->access_method != NULL && strcmp(have->access_method, "heap") == 0 &&
            want->condition == NULL,
        .foreign_code = have->foreign_code,
        .user = check,
    };
}

int
compare_contents(struct compare *c, struct err *e)
{
    struct row_checks  checks;
    struct scan_table *tables;
    uint64_t           bytes = 0;
    int                rc = -1;

    row_checks_make(c, &checks);
    tables = xcalloc(checks.n + 1, sizeof *tables);
    for (size_t i = 0; i < checks.n; i++) {
        tables[i] = scan_of(&checks.v[i]);
        bytes += tables[i].bytes;
    }
    progress_start("comparing contents", bytes, c->options->quiet);
    rc = scan_checks(c, tables, checks.n, e);
    progress_end();
    if (rc == 0)
        rc = row_checks_report(c, &checks, e);
    free(tables);
    row_checks_free(&checks);
    return rc;
}
