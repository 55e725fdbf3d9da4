/*
 * load_rows.c - rows from verified chunks into tables.
 *
 * A task is one COPY (a pack: one a table), and a COPY that fails leaves nothing.  Its bytes are
 * the segments of its ranges, one after another; the server must count the rows that the manifest
 * has. When the server refuses:
 *
 *   - A check failed (23514), and the table is a partition: collations or hashes differ here, and
 *     rows belong in another leaf.  They are loaded through the outermost table.  So another leaf
 *     may have rows before its own task begins: therefore empty_for_freeze() checks before it
 *     truncates.
 *   - One table of a pack failed: all is rolled back, and each gets a transaction of its own.
 *   - Anything else is that table's problem, and the restore goes on.
 *
 * When the connection is lost, what a transaction had to do is done again, unless it turns out to
 * have been committed (lost.h): each step below that ends in COMMIT is a struct step.
 *
 * A bad chunk is another case: unchecked rows are never sent, and the restore ends.
 */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "restore/load/kept.h"
#include "restore/load/load.h"
#include "restore/load/loaders.h"
#include "restore/load/lost.h"

/* What one transaction does, from its begin to its end. */
struct step {
    int (*run)(struct restore *, struct worker *, const struct step *, struct err *);
    const struct table_job  *job;
    struct table_job *const *pack; /* instead, n of them */
    size_t                   first, n;
    const char              *sql;
    bool                     elsewhere; /* the rows may go into other tables, too */
};

static void
note(struct restore *r, const struct step *s, const char *xid)
{
    const size_t n = s->pack != NULL ? s->n : 1;

    for (size_t i = 0; i < n; i++) {
        const struct table_job *job = s->pack != NULL ? s->pack[i] : s->job;
        const bool              part = s->pack == NULL && s->n > 0;

        kept_note(r, job, part ? s->first : 0, part ? s->n : job->table->n_ranges,
                  s->elsewhere ? NULL : xid);
    }
}

static int
surely(struct restore *r, struct worker *w, const struct step *s, struct err *e)
{
    bool committed = false;
    char xid[sizeof w->xid];
    int  rc;

    do {
        w->counted_rows = w->counted_bytes = 0;
        w->xid[0] = '\0'; /* the last step's, which is not this one's if it never begins */
        rc = s->run(r, w, s, e);
        memcpy(xid, w->xid, sizeof xid);
        if (rc != 0 && !lost_again(r, w, &committed, e)) {
            return rc;
        }
        if (rc != 0 && !committed) {
            load_uncount(r, w);
        }
    } while (rc != 0 && !committed);
    note(r, s, xid);
    return 0;
}

/* The outermost table through which a leaf's rows can be loaded; NULL when it is not a
 * partition. */
static char *
root_of(struct worker *w, const struct table_job *job)
{
    struct err  ignored = ERR_INIT;
    const char *params[] = {job->qualified};

    return pg_value(w->rows, &ignored,
                    "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM "
                    "pg_catalog.pg_class c JOIN "
                    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = "
                    "pg_catalog.pg_partition_root($1::pg_catalog.regclass) AND c.oid <> "
                    "$1::pg_catalog.regclass",
                    1, params);
}

/* A failed COPY: nothing of it is in the table.  0: the restore goes on, the table is a problem. */
static int
copy_failed(struct restore *r, struct worker *w, const struct table_job *job, struct err *e)
{
    struct err ignored = ERR_INIT;

    if (problem_is_fatal(w->rows, e)) {
        return err_wrap(e, "table %s", job->qualified);
    }
    (void)pg_exec(w->rows, &ignored, "ROLLBACK");
    problem_add(&r->problems, "TABLE DATA", job->table->schema, job->table->name, e);
    err_clear(e);
    return 0;
}

static int
ranges_step(struct restore *r, struct worker *w, const struct step *s, struct err *e)
{
    int rc;

    if (loader_use(r, w, s->job->loader, e) != 0) {
        return -1;
    }
    do {
        rc = lost_transaction(w, e) == 0 &&
                load_copy(r, w, s->job->table, s->first, s->n, s->sql, e) == 0
            ? pg_exec(w->rows, e, "COMMIT")
            : -1;
    } while (rc != 0 && loader_widen(w, e));
    return rc;
}

/*
 * A leaf refuses rows that were in it: collations order differently here, or a hash does.
 * The partitioned table chooses the right one.
 */
static int
retry_through_root(struct restore *r, struct worker *w, const struct table_job *job, size_t first,
                   size_t n, struct err *e)
{
    struct err ignored = ERR_INIT;
    char      *root, *sql;
    int        rc;

    (void)pg_exec(w->rows, &ignored, "ROLLBACK");
    load_uncount(r, w);
    if ((root = root_of(w, job)) == NULL) {
        return copy_failed(r, w, job, e);
    }
    log_info("table %s: rows do not belong into this partition any more, loading them through %s",
             job->qualified, root);
    sql = load_copy_sql(job->table, root, false);
    rc = surely(
        r, w,
        &(struct step){
            .run = ranges_step, .job = job, .first = first, .n = n, .sql = sql, .elsewhere = true},
        e);
    free(sql);
    free(root);
    return rc == 0 ? 0 : copy_failed(r, w, job, e);
}

static int
refused(struct restore *r, struct worker *w, const struct table_job *job, size_t first, size_t n,
        struct err *e)
{
    /* check_violation: the partition's, or a constraint of its own, which then fails again.  The
     * text may be in any language. */
    return strcmp(e->sqlstate, "23514") == 0 ? retry_through_root(r, w, job, first, n, e)
                                             : copy_failed(r, w, job, e);
}

int
load_ranges(struct load_run *l, struct worker *w, const struct load_task *t, struct err *e)
{
    char       *sql = load_copy_sql(t->job->table, t->job->table->load_via, false);
    struct step s = {.run = ranges_step,
                     .job = t->job,
                     .first = t->first,
                     .n = t->n,
                     .sql = sql,
                     .elsewhere = t->job->table->load_via != NULL};
    int         rc = surely(l->r, w, &s, e);

    free(sql);
    return rc == 0 ? 0 : refused(l->r, w, t->job, t->first, t->n, e);
}

/* Rows of another leaf may have come in through the root already (retry_through_root()): then
 * nothing may be emptied.  The lock comes first, so that rows of running transactions are seen. */
static int
empty_for_freeze(struct worker *w, const struct table_job *job, bool *freeze, struct err *e)
{
    char *sql = xasprintf("SELECT EXISTS (SELECT FROM ONLY %s)", job->qualified);
    char *any = NULL;
    int   rc = -1;

    if (pg_execf(w->rows, e, "LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE", job->qualified) == 0 &&
        (any = pg_value(w->rows, e, sql, 0, NULL)) != NULL) {
        *freeze = *any == 'f';
        rc = *freeze ? pg_execf(w->rows, e, "TRUNCATE ONLY %s", job->qualified) : 0;
    }
    free(any);
    free(sql);
    return rc;
}

/* A loader that is not a member of the owner may write, but not truncate. */
static bool
may_empty(const struct table_job *job)
{
    return job->loader == NULL || job->loader->owner != NULL;
}

/* Rows of a configuration table that come from both CREATE EXTENSION and the backup would be there
 * twice. */
static int
begin_whole(struct worker *w, const struct table_job *job, bool *freeze, struct err *e)
{
    const struct manifest_table *t = job->table;

    *freeze = false;
    if (lost_transaction(w, e) != 0) {
        return -1;
    }
    if (t->extension != NULL) {
        return pg_execf(w->rows, e, "DELETE FROM ONLY %s %s", job->qualified,
                        t->condition == NULL ? "" : t->condition);
    }
    return may_empty(job) ? empty_for_freeze(w, job, freeze, e) : 0;
}

static int
whole_once(struct restore *r, struct worker *w, const struct step *s, struct err *e)
{
    bool  freeze;
    char *sql = NULL;
    int   rc = begin_whole(w, s->job, &freeze, e);

    if (rc == 0) {
        sql = load_copy_sql(s->job->table, NULL, freeze);
        rc = load_copy(r, w, s->job->table, 0, s->n, sql, e) == 0 ? pg_exec(w->rows, e, "COMMIT")
                                                                  : -1;
    }
    free(sql);
    return rc;
}

static int
whole_step(struct restore *r, struct worker *w, const struct step *s, struct err *e)
{
    int rc;

    if (loader_use(r, w, s->job->loader, e) != 0) {
        return -1;
    }
    do {
        rc = whole_once(r, w, s, e);
    } while (rc != 0 && loader_widen(w, e));
    return rc;
}

int
load_whole(struct load_run *l, struct worker *w, const struct load_task *t, struct err *e)
{
    const struct step s = {.run = whole_step, .job = t->job, .n = t->n};

    return surely(l->r, w, &s, e) == 0 ? 0 : refused(l->r, w, t->job, 0, t->n, e);
}

static int
copy_small(struct restore *r, struct worker *w, const struct table_job *job, struct err *e)
{
    const struct manifest_table *t = job->table;
    char                        *sql;
    int                          rc;

    if (t->extension != NULL &&
        pg_execf(w->rows, e, "DELETE FROM ONLY %s %s", job->qualified,
                 t->condition == NULL ? "" : t->condition) != 0) {
        return -1;
    }
    if (t->n_ranges == 0) {
        return 0;
    }
    sql = load_copy_sql(t, NULL, false);
    rc = load_copy(r, w, t, 0, t->n_ranges, sql, e);
    free(sql);
    return rc;
}

static int
small_step(struct restore *r, struct worker *w, const struct step *s, struct err *e)
{
    int rc;

    if (loader_use(r, w, s->job->loader, e) != 0) {
        return -1;
    }
    do {
        rc = lost_transaction(w, e) == 0 && copy_small(r, w, s->job, e) == 0
            ? pg_exec(w->rows, e, "COMMIT")
            : -1;
    } while (rc != 0 && loader_widen(w, e));
    return rc;
}

/* Tables of one loader one by one, after the common transaction has failed. */
static int
load_singly(struct restore *r, struct worker *w, struct table_job *const *v, size_t n,
            struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct step s = {.run = small_step, .job = v[i]};

        if (surely(r, w, &s, e) != 0 && refused(r, w, v[i], 0, v[i]->table->n_ranges, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
together_step(struct restore *r, struct worker *w, const struct step *s, struct err *e)
{
    int rc = loader_use(r, w, s->pack[0]->loader, e) == 0 ? lost_transaction(w, e) : -1;

    for (size_t i = 0; rc == 0 && i < s->n; i++) {
        rc = copy_small(r, w, s->pack[i], e);
    }
    return rc == 0 ? pg_exec(w->rows, e, "COMMIT") : -1;
}

/* Tables of one loader in one transaction. */
static int
load_together(struct restore *r, struct worker *w, struct table_job *const *v, size_t n,
              struct err *e)
{
    const struct step s = {.run = together_step, .pack = v, .n = n};
    struct err        ignored = ERR_INIT;

    if (surely(r, w, &s, e) == 0) {
        return 0;
    }
    if (problem_is_fatal(w->rows, e)) {
        return err_wrap(e, "small tables from %s on", v[0]->qualified);
    }
    load_uncount(r, w);
    (void)pg_exec(w->rows, &ignored, "ROLLBACK");
    return load_singly(r, w, v, n, e);
}

int
load_pack(struct load_run *l, struct worker *w, const struct load_task *t, struct err *e)
{
    for (size_t from = 0, to; from < t->n_pack; from = to) {
        for (to = from + 1; to < t->n_pack && t->pack[to]->loader == t->pack[from]->loader; to++) {
        }
        if (load_together(l->r, w, t->pack + from, to - from, e) != 0) {
            return -1;
        }
    }
    return 0;
}
