/*
 * take.c - one try at reading the database: snapshot, baseline, archive and globals, rows.
 */
#include <stdlib.h>
#include <string.h>

#include "backup/job.h"
#include "backup/statistics.h"
#include "core/log.h"
#include "core/progress.h"
#include "pg/conn/tools.h"

/* A try at it, on one snapshot after another.  The definitions come in a thread of their own. */
struct pass {
    struct job             *j;
    struct snapshot_options so;
    struct facts_tables     work;
    struct statistics       statistics;
    struct scan_plan        plan; /* where the rows are, and where they go */
    struct engine          *engine;
    struct unread          *unread;
    struct facts_defined    defined;
    bool                    disagrees; /* defined is of another table list */
};

static int
select_part(struct job *j, struct err *e)
{
    PGconn *conn = pg_connect(&j->target, PG_READING, "pgassay-backup", e);
    int     rc = conn == NULL ? -1 : selection_make(&j->o, conn, &j->selection, e);

    pg_close(conn);
    return rc;
}

static int
read_archive(const struct snapshot *s, struct archive *a, struct err *e)
{
    struct pg_tool         pg_restore;
    struct archive_options options = {0};
    int                    rc;

    /* As new as the pg_dump that wrote it: both were found by the same rule. */
    if (pg_tool_find("pg_restore", pg_version(s->conn), &pg_restore, e) != 0) {
        return -1;
    }
    options.pg_restore = pg_restore.path;
    rc = archive_open_bytes(a, s->archive.data, s->archive.len, &options, e);
    pg_tool_free(&pg_restore);
    return rc == 0 ? 0 : err_wrap(e, "read back the schema archive");
}

/* While rows are read: by the worker that comes after theirs.  Then the buffers can be freed. */
static int
store_texts(struct job *j, struct snapshot *snap, struct manifest *m, struct err *e)
{
    struct buf *archive = &snap->archive, *globals = &snap->globals_sql;
    const int   worker = j->o.jobs;

    if (!j->o.data_only &&
        chunks_put(j->fanout, worker, m, archive, &m->archive, &m->n_archive, &m->cap_archive, e) !=
            0) {
        return err_wrap(e, "store the schema archive");
    }
    if (chunks_put(j->fanout, worker, m, globals, &m->globals_sql, &m->n_globals_sql,
                   &m->cap_globals_sql, e) != 0) {
        return err_wrap(e, "store the globals");
    }
    buf_free(archive);
    buf_free(globals);
    return 0;
}

/* snapshot_options.defined */
static int
take_definitions(void *pass, struct snapshot *s, struct err *e)
{
    struct pass   *p = pass;
    struct archive a = {0};
    int            rc;

    facts_defined_free(&p->defined);
    p->disagrees = false;
    p->defined.m = manifest_new();
    rc = read_archive(s, &a, e);
    if (rc == 0) {
        rc = facts_define(s, &p->j->selection, &a, &p->defined, e);
        p->disagrees = rc != 0 && e->transient;
    }
    archive_close(&a);
    return rc == 0 ? store_texts(p->j, s, p->defined.m, e) : -1;
}

static uint64_t
planned_bytes(const struct scan_plan *p)
{
    uint64_t n = 0;

    for (size_t i = 0; i < p->n; i++) {
        n += p->v[i].known ? 0 : p->v[i].bytes;
    }
    return n;
}

/* A standby cancels queries that conflict with replay, and the next try may succeed.  A primary's
 * coordinator was terminated on purpose. */
static bool
lost_on_standby(struct job *j, struct err *e)
{
    return snapshot_lost(&j->snapshot, e) && j->snapshot.catalog.in_recovery;
}

static int
explain(struct job *j, struct err *e)
{
    j->again = lost_on_standby(j, e);
    if (strcmp(e->sqlstate, "42501") == 0 && strstr(e->text, "large object") != NULL) {
        err_hint(e,
                 "pg_read_all_data does not reach large objects: GRANT SELECT ON LARGE OBJECT ... "
                 "to the role, for each; or connect as their owner or a superuser; or, for this "
                 "database, ALTER DATABASE ... SET lo_compat_privileges = on");
    } else if (strcmp(e->sqlstate, "42501") == 0 && e->hint[0] == '\0') {
        err_hint(e,
                 "the role must read every row: GRANT pg_read_all_data to it, and ALTER ROLE … "
                 "BYPASSRLS where "
                 "policies stand");
    }
    return -1;
}

/* What was taken over before, since all was read, may be as wrong. */
static void
warn_of_differences(struct job *j)
{
    const struct strlist *v = &j->unread.differs;

    for (size_t i = 0; i < v->n; i++) {
        strlist_take(&j->manifest->warnings,
                     xasprintf("table %s: its rows have changed where %s say that nothing has: "
                               "backups since the last one that read all may have its former "
                               "rows; from now on all rows are read",
                               v->v[i], unread_source(j->unread.by)));
    }
}

static int
read_rows(struct pass *p, struct err *e)
{
    struct job         *j = p->j;
    struct scan_options options = {
        .jobs = j->o.jobs,
        .fingerprint_key = j->manifest->fingerprint_key,
        .sink = &engine_sink,
        .busy = fanout_is_first(j->fanout),
    };
    /* A part, or an old dump, must not take the place of what is kept of the database. */
    const bool full = strcmp(j->selection.scope, "full") == 0 && j->run->import == NULL;
    const struct deltas_options deltas = {.db = j->name,
                                          .fingerprint_key = j->manifest->fingerprint_key,
                                          .whole = j->o.whole,
                                          .kept_max = full ? (uint64_t)j->o.delta_state_mib * MIB
                                                           : 0,
                                          .forget = j->o.delta_state_mib == 0};
    int                         rc;

    if (scan_plan(&j->snapshot, p->work.v, p->work.n, &p->plan, e) != 0) {
        return explain(j, e);
    }
    j->deltas = deltas_begin(j->fanout, &deltas);
    options.ctx = p->engine = engine_new(j->manifest, j->fanout, j->deltas, &p->plan, j->o.jobs);
    p->unread = unread_find(&(struct unread_options){.snapshot = &j->snapshot,
                                                     .taken = &p->so,
                                                     .jobs = j->o.jobs,
                                                     .tables = p->work.v,
                                                     .n = p->work.n,
                                                     .plan = &p->plan,
                                                     .engine = p->engine,
                                                     .deltas = j->deltas,
                                                     .read_all = j->o.read_all,
                                                     .every = j->o.read_all_every});
    progress_start(j->name, planned_bytes(&p->plan), j->o.quiet);
    rc = scan_run(&j->snapshot, &p->so, &p->plan, &options, e);
    progress_end();
    if (rc != 0) {
        return explain(j, e);
    }
    return engine_settle(p->engine, e);
}

/* What came of a snapshot. */
static void
forget(struct pass *p)
{
    struct job *j = p->j;

    unread_free(p->unread);
    engine_free(p->engine);
    scan_plan_free(&p->plan);
    facts_tables_free(&p->work);
    statistics_free(&p->statistics);
    p->unread = NULL;
    p->engine = NULL;
    deltas_end(j->deltas);
    j->deltas = NULL;
    unread_sums_free(&j->unread);
    manifest_free(j->manifest);
    j->manifest = NULL;
}

/* snapshot_options.meanwhile */
static int
take_rows(void *pass, struct snapshot *s, struct err *e)
{
    struct pass *p = pass;
    struct job  *j = p->j;

    forget(p);
    j->again = false;
    j->manifest = manifest_new();
    memcpy(j->manifest->fingerprint_key, fanout_fingerprint_key(j->fanout),
           sizeof j->manifest->fingerprint_key);
    j->manifest->has_fingerprint_key = true;
    if (facts_make(s, &j->selection, j->manifest, &p->work, e) != 0) {
        j->again = lost_on_standby(j, e);
        return -1;
    }
    return statistics_take(j, &p->statistics, e) == 0 ? read_rows(p, e) : explain(j, e);
}

/* Rows and definitions are there. */
static int
join(struct pass *p, struct err *e)
{
    struct job *j = p->j;

    if (facts_join(&j->snapshot, &j->selection, &p->defined, j->manifest, e) != 0) {
        return -1;
    }
    statistics_record(&p->statistics, j->manifest);
    unread_keep(p->unread, &j->unread);
    warn_of_differences(j);
    return engine_record(p->engine, e);
}

static int
take_once(struct job *j, struct err *e)
{
    struct pass p = {.j = j};
    int         rc;

    j->again = false;
    if (select_part(j, e) != 0) {
        return -1;
    }
    p.so = (struct snapshot_options){
        .target = &j->target,
        .lock_timeout_ms = j->o.lock_timeout_s * 1000,
        .wants = selection_wants,
        .ctx = &j->selection,
        .meanwhile = take_rows,
        .defined = take_definitions,
        .work = &p,
        .dump_args = (const char *const *)j->selection.dump_args,
    };
    rc = snapshot_take(&p.so, &j->snapshot, e) == 0 ? join(&p, e) : -1;
    j->again = j->again || (rc != 0 && p.disagrees);
    unread_free(p.unread);
    engine_free(p.engine);
    scan_plan_free(&p.plan);
    facts_tables_free(&p.work);
    statistics_free(&p.statistics);
    facts_defined_free(&p.defined);
    return rc;
}

/* Chunks that a failed try stored are reused by the next one. */
int
job_take(struct job *j, struct err *e)
{
    enum { TRIES = 3 };

    for (int n = 1;; n++) {
        if (take_once(j, e) == 0) {
            return 0;
        }
        if (!j->again || n == TRIES) {
            return -1;
        }
        log_info("starting over with a new snapshot: %s", e->text);
        err_clear(e);
        snapshot_end(&j->snapshot);
        selection_free(&j->selection);
        deltas_end(j->deltas);
        j->deltas = NULL;
        unread_sums_free(&j->unread);
        manifest_free(j->manifest);
        j->manifest = NULL;
    }
}

int
job_plan(struct job *j, uint64_t *relation_bytes, struct err *e)
{
    struct pg_tool tool = {0};
    PGconn        *conn = NULL;
    int            rc = -1;

    *relation_bytes = 0;
    if (select_part(j, e) != 0 ||
        (conn = pg_connect(&j->target, PG_READING, "pgassay-backup", e)) == NULL ||
        pg_tool_find("pg_dump", pg_version(conn), &tool, e) != 0 ||
        pg_exec(conn, e, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") != 0 ||
        catalog_read(conn, CATALOG_SIZES, &j->snapshot.catalog, e) != 0) {
        goto out;
    }
    j->label = label_new();
    for (size_t i = 0; i < j->snapshot.catalog.n_tables; i++) {
        const struct cat_table *t = &j->snapshot.catalog.tables[i];

        if (t->kind == 'r' && selection_wants(&j->selection, t) && !t->extension_member) {
            j->label->tables++;
            *relation_bytes += j->o.schema_only || !selection_wants_rows(&j->selection, t)
                ? 0
                : t->table_bytes;
        }
    }
    rc = 0;
out:
    pg_tool_free(&tool);
    pg_close(conn);
    return rc;
}
