/*
 * load.c - the tasks: rows, and each table's indexes as soon as its rows are complete.
 *
 * load_plan() adds the tasks of rows, with the bytes of their table as priority.  A task of rows
 * that has ended is counted down from its table's group; the one that comes to 0 queues the early
 * indexes of all tables in the group, with their tables' priority.  So the indexes of the largest
 * table, which take longest, come before the rows of smaller ones, and small tables fill the gaps.
 * A group's count must be complete before the first of its tasks can end, or it would come to 0 too
 * early.
 *
 * A failure for one object is recorded (problems.h) and counts as done: a table whose rows are
 * missing still gets its indexes.  -1 is for errors that end the restore: a chunk that cannot be
 * read, a lost connection, a full disk.
 */
#include "restore/load/load.h"

#include <stdlib.h>

#include "core/cancel.h"
#include "restore/load/lost.h"

int
worker_ready(struct restore *r, struct worker *w, struct err *e)
{
    if (w->chunks == NULL) {
        w->chunks = readahead_new(r->repo, r->label->db, r->manifest);
    }
    if (w->conn == NULL) {
        if ((w->conn = lost_connect(r, e)) == NULL) {
            return err_wrap(e, "connecting a worker to the new database");
        }
        w->pid = PQbackendPID(w->conn);
    }
    return 0;
}

/* A task of this group has ended; was it the last? */
static bool
group_done(struct restore *r, struct load_group *g)
{
    bool last;

    pthread_mutex_lock(&r->lock);
    last = --g->left == 0;
    pthread_mutex_unlock(&r->lock);
    return last;
}

static void
rows_done(struct load_run *l, struct load_group *g)
{
    if (!group_done(l->r, g)) {
        return;
    }
    for (size_t i = 0; i < g->n; i++) {
        load_table_done(l, g->v[i]);
    }
}

static int
run_task(void *ctx, void *arg, int number, struct err *e)
{
    struct load_run        *l = ctx;
    const struct load_task *t = arg;
    struct worker          *w = &l->r->workers[number];
    int                     rc = -1;

    if (cancel_check(e) != 0 || worker_ready(l->r, w, e) != 0) {
        return -1;
    }
    w->pool = l->pool;
    w->rows = w->conn;
    switch (t->kind) {
    case TASK_RANGES:
        rc = load_ranges(l, w, t, e);
        break;
    case TASK_WHOLE:
        rc = load_whole(l, w, t, e);
        break;
    case TASK_PACK:
        rc = load_pack(l, w, t, e);
        break;
    case TASK_INDEXES:
        return load_indexes(l, w, t, e);
    case TASK_INDEX:
        return load_index(l, w, t, e);
    case TASK_LO_METADATA:
        do {
            rc = load_lo_metadata(l, w, t, e);
        } while (rc != 0 && lost_again(l->r, w, NULL, e));
        return rc;
    case TASK_LO_PAGES:
        do { /* each page where it belongs, however often */
            rc = load_lo_pages(l, w, t, e);
        } while (rc != 0 && lost_again(l->r, w, NULL, e));
        return rc;
    }
    if (rc == 0 && t->job != NULL) {
        rows_done(l, t->job->group);
    }
    for (size_t i = 0; rc == 0 && i < t->n_pack; i++) {
        rows_done(l, t->pack[i]->group);
    }
    return rc;
}

static int
tick(void *ctx, struct err *e)
{
    (void)ctx;
    return cancel_check(e);
}

int
load_run(struct restore *r, int stage, struct err *e)
{
    struct load_run l = {.r = r, .stage = stage};
    int             rc;

    l.pool = pool_new(r->o->jobs, run_task, &l);
    load_plan(&l);
    rc = pool_wait(l.pool, tick, 200, e);
    pool_free(l.pool);
    for (size_t i = 0; i < l.n_tasks; i++) {
        free(l.tasks[i]->pack);
        free(l.tasks[i]);
    }
    free(l.tasks);
    return rc;
}
