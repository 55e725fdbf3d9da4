/*
 * scan.c - many tasks, on several workers and, if these must not wait, on the coordinator.
 *
 * A round hands every reading (scan_share.h) to the pool.  Those that a worker could not lock go to
 * the calling thread, which checks for them once a second.  Tables that must be read in another way
 * (too large for text, or by a plain COPY) are read in a further round, when no worker reads them:
 * a table has one format, and a change while other workers read would mix two.
 */
#include "pg/rows/scan.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/pool.h"
#include "pg/rows/scan_share.h"

enum {
    TICK_MS = 1000,
    PING_SECONDS = 30,
};
/* libpq never frees the memory that a giant row needed: after one, a new connection is made. */
#define GIANT_ROW (16 * MIB)

struct worker {
    struct scan_run   *run;
    struct scan_reader reader;
};

struct again {
    struct scan_table *table;
    enum scan_outcome  why;
};

struct scan_run {
    struct snapshot               *snapshot;
    const struct snapshot_options *target;
    const struct scan_options     *options;
    struct worker                 *workers; /* jobs of them, and the coordinator's */
    atomic_bool                    stop;
    pthread_mutex_t                lock; /* guards what follows */
    struct err            first;  /* the first error: later ones only say that they were stopped */
    struct scan_reading **locked; /* for the coordinator */
    size_t                n_locked, cap_locked;
    struct again         *again; /* to be read in another way, a table once */
    size_t                n_again, cap_again;
    double                last_tick, last_ping; /* only for the calling thread */
};

static int
give_up(struct scan_run *run, const struct err *e)
{
    pthread_mutex_lock(&run->lock);
    if (run->first.kind == ERR_NONE) {
        run->first = *e;
    }
    pthread_mutex_unlock(&run->lock);
    atomic_store(&run->stop, true);
    return -1;
}

/* With each row of a worker: has another one failed? */
static int
worker_between(void *ctx, struct err *e)
{
    struct worker *w = ctx;

    return atomic_load_explicit(&w->run->stop, memory_order_relaxed) ? err_set(e, ERR_PG, "stopped")
                                                                     : 0;
}

/* Regular duties of the calling thread; ping: the coordinator's connection is idle. */
static int
look_after(struct scan_run *run, bool ping, struct err *e)
{
    const struct scan_options *o = run->options;
    double                     now = clock_seconds();

    if (snapshot_in_vain(run->snapshot)) {
        return err_set(e, ERR_PG, "the snapshot is of no use any more");
    }
    if (now - run->last_tick >= TICK_MS / 1000.0 * 0.9) {
        run->last_tick = now;
        if (o->sink->tick != NULL && o->sink->tick(o->ctx, e) != 0) {
            return -1;
        }
    }
    if (ping && now - run->last_ping >= PING_SECONDS) {
        run->last_ping = now;
        return snapshot_ping(run->snapshot, e);
    }
    return 0;
}

static int
coordinator_between(void *ctx, struct err *e)
{
    struct worker *w = ctx;

    return worker_between(w, e) != 0 ? -1 : look_after(w->run, false, e);
}

static bool
is_put_aside(struct scan_run *run, const struct scan_table *t)
{
    bool found = false;

    for (size_t i = 0; !found && i < run->n_again; i++) {
        found = run->again[i].table == t;
    }
    return found;
}

static bool
waits_for_table(struct scan_run *run, const struct scan_task *task)
{
    bool found = false;

    pthread_mutex_lock(&run->lock);
    for (size_t i = 0; run->n_again > 0 && !found && i < task->n; i++) {
        found = is_put_aside(run, task->items[i].table);
    }
    pthread_mutex_unlock(&run->lock);
    return found;
}

static void
put_aside(struct scan_run *run, struct scan_reading *g, enum scan_outcome outcome,
          struct scan_table *which)
{
    const struct scan_task *task = g->tasks;

    pthread_mutex_lock(&run->lock);
    if (outcome == SCAN_LOCKED) {
        VEC_GROW(run->locked, run->n_locked, run->cap_locked);
        run->locked[run->n_locked++] = g;
    } else if (!is_put_aside(run, which)) {
        VEC_GROW(run->again, run->n_again, run->cap_again);
        run->again[run->n_again++] = (struct again){which, outcome};
    }
    pthread_mutex_unlock(&run->lock);
    if (outcome == SCAN_LOCKED) {
        log_debug(
            "table %s.%s%s: another session waits for its lock, copied on the coordinator's "
            "connection",
            task->items[0].table->copy.schema, task->items[0].table->copy.name,
            task->n > 1 ? " …" : "");
    } else if (outcome == SCAN_TOO_LARGE) {
        log_info("table %s.%s: rows too large for text, copied in binary", which->copy.schema,
                 which->copy.name);
    }
}

static int
run_reading(struct scan_run *run, struct worker *w, struct scan_reading *g, struct err *e)
{
    enum scan_outcome  outcome;
    struct scan_table *which = NULL;

    if (waits_for_table(run, g->tasks)) {
        return 0; /* the next round will read it */
    }
    do {
        if (scan_task_run(&w->reader, g, &outcome, &which, e) != 0) {
            return give_up(run, e);
        }
    } while (outcome == SCAN_APART);
    if (outcome != SCAN_DONE) {
        put_aside(run, g, outcome, which);
    }
    return 0;
}

static int
pool_task(void *ctx, void *reading, int number, struct err *e)
{
    struct scan_run *run = ctx;
    struct worker   *w = &run->workers[number];

    if (w->reader.largest > GIANT_ROW) {
        pg_close(w->reader.conn);
        w->reader.conn = NULL;
        w->reader.largest = 0;
    }
    if (w->reader.conn == NULL) {
        w->reader.conn = snapshot_worker(run->target, run->snapshot, e);
        if (w->reader.conn == NULL) {
            return give_up(run, e);
        }
    }
    return run_reading(run, w, reading, e);
}

/* Runs what waits for a lock on the coordinator's connection, one after the other. */
static int
run_locked(struct scan_run *run, struct err *e)
{
    int rc = 0;

    while (rc == 0) {
        struct scan_reading *g = NULL;

        pthread_mutex_lock(&run->lock);
        if (run->n_locked > 0) {
            g = run->locked[--run->n_locked];
        }
        pthread_mutex_unlock(&run->lock);
        if (g == NULL) {
            break;
        }
        rc = run_reading(run, &run->workers[run->options->jobs], g, e);
    }
    return rc;
}

static int
tick(void *ctx, struct err *e)
{
    struct scan_run *run = ctx;

    if (look_after(run, true, e) != 0 || run_locked(run, e) != 0) {
        return give_up(run, e);
    }
    return 0;
}

static int
run_round(struct scan_run *run, struct scan_task *const *tasks, size_t n_tasks, struct err *e)
{
    const struct scan_options *o = run->options;
    size_t                     n;
    struct scan_reading       *v = scan_share(tasks, n_tasks, o, &n);
    struct pool *pool = pool_new((int)MIN((size_t)o->jobs, MAX(n, 1)), pool_task, run);
    int          rc;

    for (size_t i = 0; i < n; i++) {
        pool_add(pool, &v[i], v[i].bytes);
    }
    rc = pool_wait(pool, tick, TICK_MS, e);
    pool_free(pool);
    if (rc == 0) {
        rc = run_locked(run, e);
    }
    free(v);
    return rc;
}

/* The tasks of the round that are to be read, in the order of the plan: all, or those with a table
 * that must be read in another way (which is decided now). */
static size_t
choose(struct scan_run *run, const struct scan_plan *plan, bool again, struct scan_task **tasks)
{
    size_t n = 0;

    for (size_t i = 0; i < plan->n; i++) {
        if (!plan->v[i].known && (!again || waits_for_table(run, &plan->v[i]))) {
            tasks[n++] = &plan->v[i];
        }
    }
    for (size_t i = 0; i < run->n_again; i++) {
        struct scan_table *t = run->again[i].table;

        t->copy.binary |= run->again[i].why == SCAN_TOO_LARGE;
        t->copy.plain |= run->again[i].why == SCAN_UNPLANNED;
    }
    run->n_again = 0;
    return n;
}

static void
prepare_workers(struct scan_run *run)
{
    int jobs = run->options->jobs;

    run->workers = xcalloc((size_t)jobs + 1, sizeof *run->workers);
    for (int i = 0; i <= jobs; i++) {
        struct worker *w = &run->workers[i];

        w->run = run;
        w->reader = (struct scan_reader){
            .conn = i == jobs ? run->snapshot->conn : NULL,
            .snapshot = run->snapshot,
            .options = run->options,
            .worker = i,
            .coordinator = i == jobs,
            .between = i == jobs ? coordinator_between : worker_between,
            .between_ctx = w,
        };
    }
}

int
scan_run(struct snapshot *s, const struct snapshot_options *target, const struct scan_plan *plan,
         const struct scan_options *o, struct err *e)
{
    struct scan_run run = {
        .snapshot = s, .target = target, .options = o, .last_ping = clock_seconds()};
    struct scan_task **tasks = xcalloc(plan->n + 1, sizeof(struct scan_task *));
    int                rc = 0;

    pthread_mutex_init(&run.lock, NULL);
    prepare_workers(&run);
    for (int round = 0; rc == 0 && (round == 0 || run.n_again > 0); round++) {
        rc = run_round(&run, tasks, choose(&run, plan, round > 0, tasks), e);
    }
    if (rc != 0 && run.first.kind != ERR_NONE) {
        *e = run.first;
    }
    for (int i = 0; i < o->jobs; i++) {
        pg_close(run.workers[i].reader.conn);
    }
    pthread_mutex_destroy(&run.lock);
    free(run.workers);
    free(run.locked);
    free(run.again);
    free(tasks);
    return rc;
}
