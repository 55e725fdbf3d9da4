/*
 * finish.c - everything after the rows.  Four steps, each begun when the one before has ended:
 *
 *   1. What remains of post-data, in the archive's order, on one connection.  Foreign keys are
 *      added NOT VALID, which takes an instant, and one after another, since opposite ones added
 *      concurrently deadlock; those between small tables whole (small_keys.h).
 *   2. In parallel: foreign keys are validated, those of the largest tables first; sequences get
 *      their values, then privileges are given.
 *   3. In parallel: materialized views are refreshed, in the order of the manifest, by one worker;
 *      statistics by the others.  Not before 2, as a refresh runs with the rights of the view's
 *      owner.
 *   4. Event triggers, publications, subscriptions; then the database's own properties.  Not before
 *      3, as event triggers fire on a refresh.
 *
 * A foreign key that could not be added is not validated.  One that foreign_key_cut() cannot take
 * apart (NOT VALID is refused on partitioned tables below 18) is added whole.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/pool.h"
#include "pg/archive/index_sql.h"
#include "restore/job/entries.h"
#include "restore/load/finish.h"
#include "restore/load/load.h"
#include "restore/load/loaders.h"
#include "restore/load/lost.h"
#include "restore/load/small_keys.h"
#include "restore/load/statistics.h"

/* One statement, or one of two longer jobs, for the pool. */
enum job_kind { JOB_STATEMENT, JOB_SEQUENCES_AND_ACLS, JOB_REFRESH, JOB_STATISTICS };

struct job {
    enum job_kind                 kind;
    const struct archive_entry   *entry; /* JOB_STATEMENT: on whose behalf */
    char                         *sql;
    const struct statistics_task *task;
};

struct jobs {
    struct restore *r;
    struct pool    *pool;
    struct job    **v;
    size_t          n, cap;
};

static void
job_add(struct jobs *jobs, struct job j, uint64_t priority)
{
    struct job *job = xmalloc(sizeof *job);

    *job = j;
    VEC_GROW(jobs->v, jobs->n, jobs->cap);
    jobs->v[jobs->n++] = job;
    pool_add(jobs->pool, job, priority);
}

/* Each may be done twice. */
static int
do_job(struct restore *r, struct worker *w, const struct job *j, struct err *e)
{
    switch (j->kind) {
    case JOB_STATEMENT:
        return entry_statement(r, w->conn, j->entry, j->sql, e);
    case JOB_SEQUENCES_AND_ACLS:
        return finish_sequences(r, w->conn, e) == 0 ? entries_run(r, w->conn, &r->acl, e) : -1;
    case JOB_REFRESH:
        return finish_refresh(r, w->conn, e);
    case JOB_STATISTICS:
        return statistics_run(r, w, j->task, e);
    }
    return -1;
}

static int
run_job(void *ctx, void *task, int number, struct err *e)
{
    struct jobs   *jobs = ctx;
    struct worker *w = &jobs->r->workers[number];
    int            rc;

    if (cancel_check(e) != 0 || worker_ready(jobs->r, w, e) != 0) {
        return -1;
    }
    do {
        rc = do_job(jobs->r, w, task, e);
    } while (rc != 0 && lost_again(jobs->r, w, NULL, e));
    return rc;
}

static int
tick(void *ctx, struct err *e)
{
    (void)ctx;
    return cancel_check(e);
}

static void
jobs_begin(struct jobs *jobs, struct restore *r)
{
    *jobs = (struct jobs){.r = r};
    jobs->pool = pool_new(r->o->jobs, run_job, jobs);
}

static int
jobs_end(struct jobs *jobs, struct err *e)
{
    int rc = pool_wait(jobs->pool, tick, 200, e);

    pool_free(jobs->pool);
    for (size_t i = 0; i < jobs->n; i++) {
        free(jobs->v[i]->sql);
        free(jobs->v[i]);
    }
    free(jobs->v);
    return rc;
}

/* The amount of data that a foreign key's validation has to read. */
static uint64_t
weight(const struct restore *r, const struct archive_entry *entry)
{
    char                  *table = xstrndup(entry->tag, strcspn(entry->tag, " "));
    struct manifest_table *t = manifest_find(r->manifest,
                                             entry->schema == NULL ? "" : entry->schema, table);

    free(table);
    return t == NULL ? 0 : t->bytes;
}

/* A foreign key that is added and still has to be validated. */
struct unproven {
    const struct archive_entry *entry;
    char                       *sql;
};

struct unproven_list {
    struct unproven *v;
    size_t           n, cap;
};

/* On the main connection, again if it is lost. */
static int
main_entries(struct restore *r, const struct entry_list *l, struct err *e)
{
    int rc;

    do {
        rc = entries_run(r, r->conn, l, e);
    } while (rc != 0 && lost_main_again(r, e));
    return rc;
}

/*
 * Foreign keys are added one after another: opposite ones, added concurrently, deadlock.  NOT VALID
 * takes an instant; the scan comes later.
 */
static int
add_foreign_key(struct restore *r, const struct archive_entry *entry, struct unproven_list *later,
                struct err *e)
{
    struct index_sql sql;
    size_t           before = r->problems.n;
    int              rc;

    if (!foreign_key_cut(entry, &sql)) {
        return main_entries(r, &(struct entry_list){.v = &entry, .n = 1}, e);
    }
    do {
        rc = entry_statement(r, r->conn, entry, sql.build, e);
    } while (rc != 0 && lost_main_again(r, e));
    if (rc == 0 && r->problems.n == before) {
        VEC_GROW(later->v, later->n, later->cap);
        later->v[later->n++] = (struct unproven){.entry = entry, .sql = sql.then};
        sql.then = NULL;
    }
    index_sql_free(&sql);
    return rc;
}

static bool
is_foreign_key(const struct archive_entry *entry)
{
    return strcmp(entry->desc, "FK CONSTRAINT") == 0;
}

/* Foreign keys that stand one after another, and comments among them, which come last. */
struct keys {
    struct entry_list small, others, comments;
};

static void
take_keys(struct restore *r, const struct entry_ids *ids, size_t *at, struct keys *k)
{
    for (; *at < r->post.n; ++*at) {
        const struct archive_entry *entry = r->post.v[*at];

        if (strcmp(entry->desc, "COMMENT") == 0) {
            entry_list_add(&k->comments, entry);
        } else if (!is_foreign_key(entry)) {
            break;
        } else {
            entry_list_add(is_small_key(r, ids, entry) ? &k->small : &k->others, entry);
        }
    }
}

static int
add_keys(struct restore *r, const struct entry_ids *ids, size_t *at, struct unproven_list *later,
         struct err *e)
{
    struct keys k = {0};
    int         rc;

    take_keys(r, ids, at, &k);
    rc = small_keys_add(r, ids, &k.small, &k.others, e);
    for (size_t i = 0; rc == 0 && i < k.others.n; i++) {
        rc = add_foreign_key(r, k.others.v[i], later, e);
    }
    if (rc == 0) {
        rc = main_entries(r, &k.comments, e);
    }
    entry_list_free(&k.small);
    entry_list_free(&k.others);
    entry_list_free(&k.comments);
    return rc;
}

static bool
runs_alone(const struct restore *r, const struct archive_entry *entry)
{
    return is_foreign_key(entry) || loader_of_entry(r, entry) != NULL;
}

static int
run_as_loader(struct restore *r, const struct archive_entry *entry, struct err *e)
{
    int rc;

    do {
        rc = loader_run_entry(r, loader_of_entry(r, entry), entry, e);
    } while (rc != 0 && lost_again(r, &r->workers[0], NULL, e));
    return rc;
}

/* In the archive's order (a comment follows its constraint); entries between foreign keys in
 * batches. */
static int
run_post_data(struct restore *r, struct unproven_list *later, struct err *e)
{
    struct entry_ids ids = entry_ids_new(&r->archive);
    int              rc = 0;

    for (size_t from = 0, to; rc == 0 && from < r->post.n; from = to) {
        struct entry_list part = {.v = r->post.v + from};

        for (to = from; to < r->post.n && !runs_alone(r, r->post.v[to]); to++) {
        }
        part.n = to - from;
        rc = main_entries(r, &part, e);
        while (rc == 0 && to < r->post.n && runs_alone(r, r->post.v[to])) {
            rc = is_foreign_key(r->post.v[to]) ? add_keys(r, &ids, &to, later, e)
                                               : run_as_loader(r, r->post.v[to++], e);
        }
    }
    entry_ids_free(&ids);
    return rc;
}

static void
add_proofs(struct jobs *jobs, struct unproven_list *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        job_add(jobs, (struct job){.entry = keys->v[i].entry, .sql = keys->v[i].sql},
                1 + weight(jobs->r, keys->v[i].entry));
        keys->v[i].sql = NULL;
    }
}

static void
unproven_free(struct unproven_list *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        free(keys->v[i].sql);
    }
    free(keys->v);
}

int
finish_foreign_keys(struct restore *r, const struct entry_list *l, struct err *e)
{
    struct unproven_list keys = {0};
    struct jobs          jobs;
    int                  rc = 0;

    for (size_t i = 0; rc == 0 && i < l->n; i++) {
        rc = add_foreign_key(r, l->v[i], &keys, e);
    }
    if (rc == 0 && keys.n > 0) {
        jobs_begin(&jobs, r);
        add_proofs(&jobs, &keys);
        rc = jobs_end(&jobs, e);
    }
    unproven_free(&keys);
    return rc;
}

static int
prove_and_grant(struct restore *r, struct unproven_list *keys, struct err *e)
{
    struct jobs jobs;

    jobs_begin(&jobs, r);
    add_proofs(&jobs, keys);
    job_add(&jobs, (struct job){.kind = JOB_SEQUENCES_AND_ACLS}, 0);
    return jobs_end(&jobs, e);
}

static int
refresh_and_analyze(struct restore *r, struct err *e)
{
    struct statistics_plan plan = {0};
    struct jobs            jobs;
    int                    rc = r->o->no_analyze ? 0 : statistics_plan(r, &plan, e);

    if (rc == 0) {
        jobs_begin(&jobs, r);
        job_add(&jobs, (struct job){.kind = JOB_REFRESH}, UINT64_MAX);
        for (size_t i = 0; i < plan.n; i++) {
            job_add(&jobs, (struct job){.kind = JOB_STATISTICS, .task = &plan.v[i]},
                    plan.v[i].bytes);
        }
        rc = jobs_end(&jobs, e);
    }
    statistics_plan_free(&plan);
    return rc;
}

int
finish_run(struct restore *r, struct err *e)
{
    struct unproven_list keys = {0};
    int                  rc;

    restore_phase(r, "post-data");
    rc = run_post_data(r, &keys, e);
    loaders_end(r);
    if (rc == 0) {
        restore_phase(r, "foreign keys, sequences, privileges");
        rc = prove_and_grant(r, &keys, e);
    }
    unproven_free(&keys);
    if (rc == 0) {
        restore_phase(r, "refresh, statistics");
        rc = refresh_and_analyze(r, e);
    }
    if (rc == 0) {
        restore_phase(r, "last objects, properties");
        rc = lost_mend(r, e);
    }
    if (rc == 0) {
        rc = main_entries(r, &r->last, e) == 0 ? finish_properties(r, e) : -1;
    }
    return rc;
}
