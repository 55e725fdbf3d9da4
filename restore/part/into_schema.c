#include "restore/part/into_schema.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/log.h"
#include "core/progress.h"
#include "pg/target/halfmade.h"
#include "restore/job/entries.h"
#include "restore/load/finish.h"
#include "restore/load/load.h"
#include "restore/load/lost.h"
#include "restore/part/into_schema_impl.h"
#include "restore/part/live_session.h"

enum { DROP_TIMEOUT_MS = 60000 };

/* ---- the schema ---------------------------------------------------------------------------- */

/* Held by this session; for a half-made schema it shows whether its maker still runs. */
static bool
lock_schema(const struct into *i, const char *schema)
{
    char *name = xasprintf("schema %s", schema);
    bool  locked = halfmade_lock(i->live, name);

    free(name);
    return locked;
}

static bool
is_half_made(PGconn *conn, const char *schema)
{
    struct err  ignored = ERR_INIT;
    const char *params[] = {schema};
    char       *text = pg_value(conn, &ignored,
                                "SELECT pg_catalog.obj_description(oid, 'pg_namespace') FROM "
                                      "pg_catalog.pg_namespace WHERE nspname = $1",
                                1, params);
    bool        half = text != NULL && strcmp(text, INTO_HALF_MADE) == 0;

    free(text);
    return half;
}

static int
drop_leftover(const struct into *i, struct err *e)
{
    if (i->r->o->dry_run) {
        return 0;
    }
    if (pg_execf(i->live, e, "DROP SCHEMA %s CASCADE", i->ident) != 0) {
        return err_wrap(e, "removing what a restore that was killed has left in schema \"%s\"",
                        i->schema);
    }
    log_warn("removed schema \"%s\", left over from a restore that was killed", i->schema);
    return 0;
}

/* Half made, of other names. */
static const char leftovers_sql[] =
    "SELECT nspname FROM pg_catalog.pg_namespace WHERE pg_catalog.obj_description(oid, "
    "'pg_namespace') = $1 AND nspname <> $2 ORDER BY 1";

/* Those of other names may still be in the making. */
static int
name_leftovers(const struct into *i, struct err *e)
{
    const char *params[] = {INTO_HALF_MADE, i->schema};
    PGresult   *res = pg_query(i->live, e, leftovers_sql, 2, params);

    for (int k = 0; res != NULL && k < PQntuples(res); k++) {
        const char *name = PQgetvalue(res, k, 0);

        if (lock_schema(i, name)) {
            log_warn(
                "schema \"%s\" is left over from a restore that was killed: DROP SCHEMA, or "
                "restore into it once more",
                name);
        }
    }
    PQclear(res);
    return res == NULL ? -1 : 0;
}

static int
check_schema(const struct into *i, struct err *e)
{
    const char *params[] = {i->schema};
    char       *there = pg_value(i->live, e,
                                 "SELECT pg_catalog.count(*) FROM pg_catalog.pg_namespace WHERE "
                                       "nspname = $1",
                                 1, params);
    bool        exists = there != NULL && strcmp(there, "0") != 0;

    if (there == NULL) {
        return -1;
    }
    free(there);
    if (!lock_schema(i, i->schema)) {
        return into_schema_busy(i->live, i->schema, e);
    }
    if (exists && is_half_made(i->live, i->schema)) {
        return drop_leftover(i, e);
    }
    if (exists) {
        err_set(e, ERR_EXISTS, "schema \"%s\" exists in database \"%s\"", i->schema, i->r->name);
        return err_hint(e, "an existing schema is never touched: --into-schema takes a new name");
    }
    return 0;
}

/* The obstacles, in words. */
static const char rights_sql[] =
    "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'the target server is a standby' "
    "WHEN NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') "
    "THEN 'no right to create a schema in the database' WHEN NOT (rolsuper OR rolcreatedb) "
    "THEN 'no right to create a working database (CREATEDB)' ELSE '' END FROM "
    "pg_catalog.pg_roles WHERE rolname = current_user";

static int
check_rights(const struct into *i, struct err *e)
{
    char *missing = pg_value(i->live, e, rights_sql, 0, NULL);
    int   rc = missing == NULL ? -1 : 0;

    if (missing != NULL && *missing != '\0') {
        rc = err_set(e, ERR_PG, "%s", missing);
    }
    free(missing);
    return rc;
}

/* ---- which tables -------------------------------------------------------------------------- */

static bool
is_plain(const void *ctx, const void *element)
{
    const struct manifest_table *t = element;

    (void)ctx;
    return (t->kind == 'r' || t->kind == 'p') && t->extension == NULL;
}

static bool
never(const void *ctx, const void *element)
{
    (void)ctx;
    (void)element;
    return false;
}

static int
choose_tables(const struct into *i, struct err *e)
{
    struct manifest *m = i->r->manifest;
    struct strlist   names = {0};
    int              rc = 0;

    manifest_keep(m, "tables", is_plain, NULL);
    manifest_keep(m, "matviews", never, NULL);
    m->lo_count = 0;
    if (m->n_tables == 0) {
        return err_set(e, ERR_USAGE, "there is no table in what is to go into schema \"%s\"",
                       i->schema);
    }
    for (size_t k = 0; k < m->n_tables; k++) {
        strlist_add(&names, m->tables[k].name);
    }
    strlist_sort(&names);
    for (size_t k = 1; rc == 0 && k < names.n; k++) {
        if (strcmp(names.v[k - 1], names.v[k]) == 0) {
            err_set(e, ERR_USAGE, "two tables are called \"%s\": one schema cannot hold both",
                    names.v[k]);
            rc = err_hint(e, "choose with -t SCHEMA.TABLE or -n SCHEMA");
        }
    }
    strlist_free(&names);
    return rc;
}

/* ---- the live database --------------------------------------------------------------------- */

/* When it is on disk, all that was done before is. */
static int
comment(const struct into *i, const char *text, struct err *e)
{
    char *literal = pg_literal(i->live, text);
    int   rc = literal == NULL
          ? err_set(e, ERR_PG, "cannot quote a comment")
          : pg_execf(i->live, e, "SET LOCAL synchronous_commit = on; COMMENT ON SCHEMA %s IS %s",
                     i->ident, literal);

    free(literal);
    return rc;
}

/* In one transaction: it never exists without the mark that it is half made. */
static int
make_schema(struct into *i, struct err *e)
{
    struct err ignored = ERR_INIT;

    if (pg_execf(i->live, e, "BEGIN; CREATE SCHEMA %s", i->ident) != 0 ||
        comment(i, INTO_HALF_MADE, e) != 0 || pg_exec(i->live, e, "COMMIT") != 0) {
        i->made = e->kind == ERR_INTERRUPTED; /* the COMMIT may have completed */
        (void)pg_tidy(i->live, DROP_TIMEOUT_MS, &ignored, "ROLLBACK");
        return err_wrap(e, "schema \"%s\"", i->schema);
    }
    i->made = true;
    return 0;
}

/* Not partitions: they move with the partitioned table. */
static const char analyze_sql[] =
    "SELECT pg_catalog.format('ANALYZE %s', c.oid::pg_catalog.regclass) FROM "
    "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
    "n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition";

static int
analyze(const struct into *i, struct err *e)
{
    const char *params[] = {i->schema};
    PGresult   *res = i->r->o->no_analyze ? NULL : pg_query(i->r->conn, e, analyze_sql, 1, params);
    int         rc = res == NULL && !i->r->o->no_analyze ? -1 : 0;

    for (int k = 0; rc == 0 && res != NULL && k < PQntuples(res); k++) {
        rc = pg_exec(i->r->conn, e, PQgetvalue(res, k, 0));
    }
    PQclear(res);
    return rc;
}

/* It has waited since it made the schema, and may be lost. */
static int
mend_live(struct into *i, struct err *e)
{
    struct err ignored = ERR_INIT;

    if (pg_exec(i->live, &ignored, "SELECT") == 0) {
        return 0;
    }
    pg_close(i->live);
    if ((i->live = live_session(i->r, e)) == NULL) {
        return -1;
    }
    (void)lock_schema(i, i->schema);
    return 0;
}

static int
finish(struct into *i, struct err *e)
{
    struct restore *r = i->r;
    char            when[32];
    char           *text = NULL;
    int             rc;

    restore_phase(r, "keys, sequences, privileges");
    if (entries_run(r, r->conn, &r->post, e) != 0 || finish_sequences(r, r->conn, e) != 0 ||
        entries_run(r, r->conn, &r->acl, e) != 0) {
        return -1;
    }
    restore_phase(r, "statistics");
    if (analyze(i, e) != 0) {
        return err_wrap(e, "collecting statistics");
    }
    if (r->o->put_back) {
        restore_phase(r, "places");
        return put_back(i, e);
    }
    text = xasprintf("tables of backup %s of \"%s\", as they were at %s", r->label->id,
                     r->label->dbname, time_rfc3339(r->label->snapshot, when, sizeof when));
    rc = mend_live(i, e) == 0 ? comment(i, text, e) : -1;
    free(text);
    return rc;
}

/* What this database gives whoever may use new tables, by default privileges, is not the backup's:
 * an entry says only what differs from PostgreSQL's own default. */
static const char ungranted_sql[] =
    "SELECT pg_catalog.format('REVOKE ALL ON %1$s %2$s FROM %3$s; GRANT ALL ON %1$s %2$s TO %4$I', "
    "CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::pg_catalog.regclass, "
    "(SELECT pg_catalog.string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE "
    "pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END, ', ') FROM "
    "pg_catalog.aclexplode(c.relacl) a), pg_catalog.pg_get_userbyid(c.relowner)) FROM "
    "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
    "n.nspname = $1 AND pg_catalog.cardinality(c.relacl) > 0";

static int
ungrant(const struct into *i, struct err *e)
{
    const char *params[] = {i->schema};
    PGresult   *res = i->r->o->no_privileges ? NULL
                                             : pg_query(i->r->conn, e, ungranted_sql, 1, params);
    int         rc = res == NULL && !i->r->o->no_privileges ? -1 : 0;

    for (int k = 0; rc == 0 && res != NULL && k < PQntuples(res); k++) {
        rc = pg_exec(i->r->conn, e, PQgetvalue(res, k, 0));
    }
    PQclear(res);
    return rc == 0 ? 0 : err_wrap(e, "privileges in schema \"%s\"", i->schema);
}

static int
fill(struct into *i, struct err *e)
{
    struct restore *r = i->r;

    free(r->working_name);
    r->working_name = xstrdup(r->name); /* where workers connect to */
    restore_phase(r, "tables");
    if (make_schema(i, e) != 0 || (r->conn = target_connect(r, e)) == NULL ||
        entries_run(r, r->conn, &r->pre, e) != 0 || ungrant(i, e) != 0) {
        return -1;
    }
    restore_phase(r, "rows, indexes");
    return lost_begin(r, e) == 0 && load_run(r, 0, e) == 0 && lost_mend(r, e) == 0 ? finish(i, e)
                                                                                   : -1;
}

static void
remove_schema(struct into *i)
{
    struct restore *r = i->r;
    struct err      why = ERR_INIT;
    char           *sql = xasprintf("DROP SCHEMA IF EXISTS %s CASCADE", i->ident);

    for (int k = 0; k < r->o->jobs; k++) {
        pg_close(r->workers[k].conn);
        r->workers[k].conn = NULL;
    }
    pg_close(r->conn);
    r->conn = NULL;
    if (r->o->keep_failed) {
        log_warn("schema %s is kept as far as it came; to remove it: DROP SCHEMA %s CASCADE",
                 i->ident, i->ident);
    } else if (PQstatus(i->live) != CONNECTION_OK ||
               pg_tidy(i->live, DROP_TIMEOUT_MS, &why, sql) != 0) {
        log_hinted(LOG_ERROR, "the same command once more removes it, and begins anew",
                   "could not remove the half-made schema %s: %s", i->ident,
                   why.kind == ERR_NONE ? "the connection is lost" : why.text);
    }
    free(sql);
}

/* Definitions and rows would be taken for text in the database's own. */
static int
check_encoding(const struct into *i, struct err *e)
{
    const char *other = live_other_encoding(i->r, i->live);

    if (other == NULL) {
        return 0;
    }
    err_set(e, ERR_PG, "the backup's text is in %s, and database \"%s\" in %s", other, i->r->name,
            PQparameterStatus(i->live, "server_encoding"));
    return err_hint(e,
                    "--to brings the tables back in a database of their own; --data-only brings "
                    "rows into tables that exist, converted");
}

int
into_schema_run(struct restore *r, struct err *e)
{
    struct into i = {.r = r, .schema = r->o->put_back ? INTO_PASSING : r->o->into_schema};
    int         rc = -1;

    i.ident = pg_ident(i.schema);
    if ((i.live = live_session(r, e)) == NULL || check_encoding(&i, e) != 0 ||
        choose_tables(&i, e) != 0 || check_rights(&i, e) != 0 || check_schema(&i, e) != 0 ||
        name_leftovers(&i, e) != 0 || (r->o->put_back && put_back_look(&i, e) != 0)) {
        goto out;
    }
    if (!r->o->dry_run) {
        report_begin(r);
        progress_start("restoring", plan_sizes(r).bytes, r->o->quiet);
        rc = into_definitions(&i, e) == 0 ? fill(&i, e) : -1;
        if (rc != 0 && i.made) {
            remove_schema(&i);
        }
    } else {
        rc = 0;
    }
out:
    pg_close(i.live);
    put_back_free(&i);
    free(i.ident);
    return rc;
}
