/*
 * load_index.c - indexes and constraints of a table whose rows are complete.
 *
 * A small table's are one task.  A large table's are built concurrently, and statements that alter
 * the table itself follow when the last of them exists (index_sql.h).
 */
#include <stdlib.h>
#include <string.h>

#include "pg/archive/index_sql.h"
#include "restore/job/entries.h"
#include "restore/load/load.h"
#include "restore/load/lost.h"

#define LARGE_BYTES (8 * MIB)

static bool
side_by_side(const struct restore *r, const struct table_job *job)
{
    /* One that goes on may find an index that was built, and no constraint yet. */
    return r->resumes || (r->o->jobs > 1 && job->indexes.n > 1 && job->table->bytes >= LARGE_BYTES);
}

void
load_table_done(struct load_run *l, struct table_job *job)
{
    uint64_t priority = job->table->bytes;

    if (job->indexes.n == 0) {
        return;
    }
    if (!side_by_side(l->r, job)) {
        (void)load_add(l, (struct load_task){.kind = TASK_INDEXES, .job = job}, priority);
        return;
    }
    job->building = (int)job->indexes.n;
    for (size_t i = 0; i < job->indexes.n; i++) {
        (void)load_add(
            l, (struct load_task){.kind = TASK_INDEX, .job = job, .entry = job->indexes.v[i]},
            priority);
    }
}

static void
count_built(struct restore *r, size_t n)
{
    pthread_mutex_lock(&r->lock);
    r->indexes_built += n;
    pthread_mutex_unlock(&r->lock);
}

int
load_indexes(struct load_run *l, struct worker *w, const struct load_task *t, struct err *e)
{
    int rc;

    do {
        rc = entries_run(l->r, w->conn, &t->job->indexes, e);
    } while (rc != 0 && lost_again(l->r, w, NULL, e));
    count_built(l->r, t->job->indexes.n);
    return rc;
}

static bool
last_one(struct restore *r, struct table_job *job)
{
    bool last;

    pthread_mutex_lock(&r->lock);
    last = --job->building == 0;
    pthread_mutex_unlock(&r->lock);
    return last;
}

/* In the archive's order, now that no other worker uses the table. */
static int
finish_table(struct restore *r, struct worker *w, const struct table_job *job, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < job->indexes.n; i++) {
        struct index_sql sql;

        index_sql_cut(job->indexes.v[i], &sql);
        if (sql.then != NULL) {
            rc = entry_statement(r, w->conn, job->indexes.v[i], sql.then, e);
        }
        index_sql_free(&sql);
    }
    return rc;
}

int
load_index(struct load_run *l, struct worker *w, const struct load_task *t, struct err *e)
{
    struct index_sql sql;
    int              rc;

    index_sql_cut(t->entry, &sql);
    do {
        rc = sql.build == NULL ? 0 : entry_statement(l->r, w->conn, t->entry, sql.build, e);
    } while (rc != 0 && lost_again(l->r, w, NULL, e));
    index_sql_free(&sql);
    count_built(l->r, 1);
    if (rc != 0 || !last_one(l->r, t->job)) {
        return rc;
    }
    do {
        rc = finish_table(l->r, w, t->job, e);
    } while (rc != 0 && lost_again(l->r, w, NULL, e));
    return rc;
}
