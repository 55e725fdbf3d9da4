#include "restore/part/undelete.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/print.h"
#include "core/progress.h"
#include "pg/archive/sqlsplit.h"
#include "restore/part/live_session.h"
#include "restore/part/live_triggers.h"
#include "restore/part/narrow.h"
#include "restore/part/undelete_impl.h"
#include "restore/part/undelete_sql.h"

enum { ROLLBACK_TIMEOUT_MS = 60000 };

static bool
applies(const struct options *o, const char *what)
{
    return o->apply != NULL && !o->dry_run &&
        (strcmp(o->apply, what) == 0 || strcmp(o->apply, "both") == 0);
}

/* Nothing else that was found is wanted, and nothing of live rows but their keys. */
static bool
only_deleted(const struct options *o)
{
    return o->apply != NULL && strcmp(o->apply, "deleted") == 0 && o->where == NULL;
}

/* ---- comparing ----------------------------------------------------------------------------- */

static int
check_table(const struct undelete *u, const struct live_table *t, struct err *e)
{
    size_t written = 0;

    for (size_t i = 0; i < t->n_columns; i++) {
        written += t->columns[i].written;
        if (t->columns[i].live_type == NULL) {
            restore_warn(u->r,
                         xasprintf("table %s has no column \"%s\" any more: it is not compared",
                                   t->qualified, t->columns[i].name));
        }
    }
    if (written == 0) {
        return err_set(e, ERR_USAGE, "table %s has no columns to compare", t->qualified);
    }
    return 0;
}

static int
stage_rows(const struct undelete *u, struct found *f, struct err *e)
{
    f->staged = true;
    return live_stage(u->r, u->conn, f->t, f->stage, e);
}

/* Before the transaction: then the snapshot of the comparison is recent. */
static int
stage_early(const struct undelete *u, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < u->tables.n; i++) {
        rc = u->v[i].narrow ? 0 : stage_rows(u, &u->v[i], e);
    }
    return rc;
}

/* The locks come before the snapshot: a TRUNCATE in between would be seen by neither. */
static int
begin(const struct undelete *u, struct err *e)
{
    int rc = live_session_begin(u->r, u->conn, "REPEATABLE READ", e);

    for (size_t i = 0; rc == 0 && i < u->tables.n; i++) {
        const struct live_table *t = &u->tables.v[i];

        rc = pg_execf(u->conn, e, "LOCK TABLE %s%s IN ACCESS SHARE MODE", t->only, t->qualified);
    }
    return rc;
}

static int
narrow(const struct undelete *u, struct found *f, struct err *e)
{
    struct narrow_wanted wanted = {.backup = f->stage, .live = f->live, .by_key = f->only_keys};
    enum narrow_outcome  outcome;
    int                  rc = narrow_run(u->r, u->conn, f->t, wanted, &outcome, e);

    if (rc == 0 && outcome == NARROW_UNREAD) {
        wanted.by_key = false;
        rc = narrow_run(u->r, u->conn, f->t, wanted, &outcome, e);
    }
    f->narrowed = outcome == NARROW_DONE;
    f->only_keys = wanted.by_key && f->narrowed;
    return rc;
}

static int
stage_late(const struct undelete *u, struct found *f, struct err *e)
{
    if (f->narrow && narrow(u, f, e) != 0) {
        return -1;
    }
    return f->staged || f->narrowed ? 0 : stage_rows(u, f, e);
}

static int
count(const struct undelete *u, struct found *f, struct err *e)
{
    char *sql = xasprintf(
        "SELECT pg_catalog.count(*) FILTER (WHERE pgassay_state = 'deleted'), "
        "pg_catalog.count(*) FILTER (WHERE pgassay_state = 'changed'), "
        "pg_catalog.count(*) FILTER (WHERE pgassay_state = 'added') FROM "
        "pg_temp.%s",
        f->diff);
    PGresult *res = pg_query(u->conn, e, sql, 0, NULL);

    free(sql);
    if (res == NULL) {
        return -1;
    }
    f->deleted = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
    f->changed = strtoull(PQgetvalue(res, 0, 1), NULL, 10);
    f->added = strtoull(PQgetvalue(res, 0, 2), NULL, 10);
    PQclear(res);
    return 0;
}

/* One statement, whatever --where contains. */
static int
run(const struct undelete *u, char *sql, uint64_t *rows, struct err *e)
{
    PGresult *res = sql == NULL ? NULL : pg_query(u->conn, e, sql, 0, NULL);
    int       rc = 0;

    if (sql == NULL) {
        rc = err_set(e, ERR_PG, "a name cannot be quoted");
    } else if (res == NULL) {
        rc = -1;
    } else if (rows != NULL) {
        *rows = strtoull(PQcmdTuples(res), NULL, 10);
    }
    PQclear(res);
    free(sql);
    return rc;
}

/* Whose fault is it?  The same statement without --where would have been right. */
static int
explain_where(const struct undelete *u, const struct found *f, struct err *e)
{
    /* 42: the statement is wrong, 22: a value; 21: more than one row of a subquery. */
    bool its = u->r->o->where != NULL &&
        ((strncmp(e->sqlstate, "42", 2) == 0 && strcmp(e->sqlstate, "42501") != 0) ||
         strncmp(e->sqlstate, "22", 2) == 0 || strncmp(e->sqlstate, "21", 2) == 0);

    return its ? err_wrap(e, "--where \"%s\", of table %s", u->r->o->where, f->t->qualified)
               : err_wrap(e, "comparing table %s", f->t->qualified);
}

/* For what seems to be deleted, see narrow.h. */
static int
look_again(const struct undelete *u, const struct found *f, struct err *e)
{
    return pg_execf(u->conn, e, "ANALYZE pg_temp.%s", f->diff) == 0
        ? run(u, undelete_key_there_sql(f->t, f->diff), NULL, e)
        : -1;
}

static int
compare(const struct undelete *u, struct found *f, struct err *e)
{
    const char *live = f->narrowed ? f->live : NULL;
    char       *sql;

    if (f->only_keys) {
        sql = undelete_key_diff_sql(f->t, f->stage, live, f->diff);
    } else {
        sql = undelete_diff_sql(f->t, f->stage, live, f->diff, u->r->o->where);
    }
    if (run(u, sql, NULL, e) != 0 || (f->only_keys && look_again(u, f, e) != 0) ||
        count(u, f, e) != 0) {
        return explain_where(u, f, e);
    }
    sql = undelete_show_sql(f->t, f->diff, u->r->o->show, f->only_keys);
    f->shown = pg_query(u->conn, e, sql, 0, NULL);
    free(sql);
    return f->shown == NULL ? -1 : 0;
}

/* ---- bringing back ------------------------------------------------------------------------- */

static int
check_rows(const struct found *f, const char *what, uint64_t want, uint64_t have, struct err *e)
{
    return want == have ? 0
                        : err_set(e, ERR_PG,
                                  "table %s: %" PRIu64 " of %" PRIu64
                                  " rows were %s: a trigger or a rule keeps the others back",
                                  f->t->qualified, have, want, what);
}

static int
insert_deleted(const struct undelete *u, struct found *f, struct err *e)
{
    return f->deleted == 0 ||
            (run(u, undelete_insert_sql(f->t, f->diff), &f->inserted, e) == 0 &&
             check_rows(f, "inserted", f->deleted, f->inserted, e) == 0)
        ? 0
        : err_wrap(e, "bringing back deleted rows of %s", f->t->qualified);
}

static int
update_some(const struct undelete *u, struct found *f, bool respelt, struct err *e)
{
    char    *sql = undelete_update_sql(f->t, f->diff, respelt);
    uint64_t rows = 0;
    int      rc = sql == NULL ? 0 : run(u, sql, &rows, e);

    f->updated += rows;
    return rc;
}

static int
update_changed(const struct undelete *u, struct found *f, struct err *e)
{
    return f->changed == 0 ||
            (update_some(u, f, false, e) == 0 && update_some(u, f, true, e) == 0 &&
             check_rows(f, "updated", f->changed, f->updated, e) == 0)
        ? 0
        : err_wrap(e, "bringing back changed rows of %s", f->t->qualified);
}

/* Rows are written, and counted; a trigger may have made others of them on their way. */
static int
check_triggers(const struct undelete *u, const struct found *f, struct err *e)
{
    bool  deleted = applies(u->r->o, "deleted"), changed = applies(u->r->o, "changed");
    char *names = NULL, *sql, *unlike;
    char  rows[48];
    int   rc = 0;

    if (f->inserted + f->updated == 0 ||
        live_triggers(u->conn, f->t, f->updated > 0, &names, e) != 0 || names == NULL) {
        return e->kind == ERR_NONE ? 0 : -1;
    }
    if (!f->t->has_key) {
        restore_warn(u->r,
                     xasprintf("table %s: its triggers (%s) may have changed rows that were "
                               "brought "
                               "back; --disable-triggers keeps them from it",
                               f->t->qualified, names));
        free(names);
        return 0;
    }
    sql = undelete_unlike_sql(f->t, f->diff,
                              deleted && changed ? "'deleted', 'changed'"
                                  : deleted      ? "'deleted'"
                                                 : "'changed'");
    unlike = pg_value(u->conn, e, sql, 0, NULL);
    if (unlike == NULL) {
        rc = err_wrap(e, "looking at the rows of %s that were brought back", f->t->qualified);
    } else if (strcmp(unlike, "0") != 0) {
        restore_warn(u->r,
                     xasprintf("table %s: %s of %s that were brought back are not as they were: "
                               "its "
                               "triggers (%s) have changed them; --disable-triggers keeps them "
                               "from it",
                               f->t->qualified, unlike,
                               count_human(f->inserted + f->updated, "row", rows, sizeof rows),
                               names));
    }
    free(sql);
    free(unlike);
    free(names);
    return rc;
}

/* "recovered.orders" as a name is written in SQL. */
static int
read_name(const char *text, char **schema, char **name, struct err *e)
{
    struct sql_script script;
    struct sql_cursor c;
    bool              good = false;

    *schema = *name = NULL;
    if (sql_parse(text, &script, e) == 0 && script.n == 1) {
        c = sql_cursor(&script.v[0]);
        good = sql_simple_name(&c, schema) && sql_sign(&c, '.') && sql_simple_name(&c, name) &&
            c.p == c.end;
    }
    sql_script_free(&script);
    err_clear(e);
    return good ? 0
                : err_set(e, ERR_USAGE,
                          "--into-table \"%s\" is not the name of a table: "
                          "SCHEMA.TABLE",
                          text);
}

/* IF NOT EXISTS asks for the right to create one even where it exists. */
static int
make_schema(const struct undelete *u, const char *schema, struct err *e)
{
    const char *params[] = {schema};
    char       *there = pg_value(u->conn, e,
                                 "SELECT pg_catalog.count(*) FROM pg_catalog.pg_namespace WHERE "
                                       "nspname = $1",
                                 1, params);
    char       *ident = pg_ident(schema);
    int         rc = there == NULL ? -1 : 0;

    if (there != NULL && strcmp(there, "0") == 0) {
        rc = pg_execf(u->conn, e, "CREATE SCHEMA %s", ident);
    }
    free(there);
    free(ident);
    return rc;
}

static int
keep_apart(const struct undelete *u, struct found *f, struct err *e)
{
    char *schema = NULL, *name = NULL, *into = NULL;
    int   rc = read_name(u->r->o->into_table, &schema, &name, e);

    if (rc == 0) {
        into = pg_qualified(schema, name);
        rc = make_schema(u, schema, e) == 0
            ? run(u, undelete_keep_sql(f->t, f->diff, into), &f->kept, e)
            : -1;
        rc = rc == 0 ? check_rows(f, "written", f->deleted + f->changed, f->kept, e)
                     : err_wrap(e, "table %s", into);
    }
    free(into);
    free(schema);
    free(name);
    return rc;
}

/* Row by row, in bounded memory. */
static int
print_statements(const struct undelete *u, char *query, struct err *e)
{
    char     *sql = query == NULL ? NULL
                                  : xasprintf("DECLARE pgassay_sql NO SCROLL CURSOR FOR %s", query);
    PGresult *res = NULL;
    int       rc = run(u, sql, NULL, e), n = 1;

    free(query);
    while (rc == 0 && n > 0) {
        res = pg_query(u->conn, e, "FETCH 1000 FROM pgassay_sql", 0, NULL);
        n = res == NULL ? 0 : PQntuples(res);
        rc = res == NULL ? -1 : 0;
        for (int i = 0; i < n; i++) {
            print_raw(stdout, PQgetvalue(res, i, 0));
            print_raw(stdout, "\n");
        }
        PQclear(res);
    }
    return rc == 0 ? pg_exec(u->conn, e, "CLOSE pgassay_sql") : -1;
}

static int
print_sql(const struct undelete *u, struct err *e)
{
    int rc = 0;

    print_raw(stdout, "BEGIN;\n");
    for (size_t i = 0; rc == 0 && i < u->tables.n; i++) {
        const struct found *f = &u->v[i];

        rc = print_statements(u, undelete_inserts_sql(u->conn, f->t, f->diff), e);
    }
    for (size_t i = 0; rc == 0 && i < u->tables.n; i++) {
        const struct found *f = &u->v[i];

        if (f->changed > 0) {
            rc = print_statements(u, undelete_updates_sql(u->conn, f->t, f->diff), e);
        }
    }
    print_raw(stdout, rc == 0 ? "COMMIT;\n" : "ROLLBACK;\n");
    return rc;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int
act(const struct undelete *u, struct err *e)
{
    const struct options *o = u->r->o;
    int                   rc = 0;

    for (size_t i = 0; rc == 0 && applies(o, "deleted") && i < u->tables.n; i++) {
        rc = insert_deleted(u, &u->v[i], e);
    }
    for (size_t i = 0; rc == 0 && applies(o, "changed") && i < u->tables.n; i++) {
        rc = update_changed(u, &u->v[i], e);
    }
    for (size_t i = 0; rc == 0 && i < u->tables.n; i++) {
        rc = check_triggers(u, &u->v[i], e);
    }
    if (rc == 0 && o->into_table != NULL && !o->dry_run) {
        rc = keep_apart(u, &u->v[0], e);
    }
    return rc == 0 && o->as != NULL ? print_sql(u, e) : rc;
}

static int
compare_and_act(const struct undelete *u, struct err *e)
{
    bool changes = (u->r->o->apply != NULL || u->r->o->into_table != NULL) && !u->r->o->dry_run;
    int  rc;

    restore_phase(u->r, "rows of the backup");
    rc = stage_early(u, e) == 0 ? begin(u, e) : -1;
    for (size_t i = 0; rc == 0 && i < u->tables.n; i++) {
        rc = stage_late(u, &u->v[i], e);
    }
    progress_end();
    restore_phase(u->r, "comparing");
    for (size_t i = 0; rc == 0 && i < u->tables.n; i++) {
        rc = compare(u, &u->v[i], e);
    }
    if (rc != 0) {
        return -1;
    }
    if (act(u, e) != 0 || pg_exec(u->conn, e, changes ? "COMMIT" : "ROLLBACK") != 0) {
        if (strcmp(e->sqlstate, "23503") == 0) {
            live_hint_reference("--rows", e);
        } else if (strcmp(e->sqlstate, "40001") == 0) {
            err_hint(e, "somebody has changed these rows meanwhile: run it again");
        }
        return changes ? err_wrap(e, "nothing was changed") : -1;
    }
    return 0;
}

static int
prepare(struct undelete *u, struct err *e)
{
    char *schema = NULL, *name = NULL;

    if (u->r->o->into_table != NULL) {
        int rc = read_name(u->r->o->into_table, &schema, &name, e);

        free(schema);
        free(name);
        if (rc != 0) {
            return -1;
        }
    }
    if ((u->conn = live_session(u->r, e)) == NULL ||
        live_tables_find(u->r, u->conn, &u->tables, e) != 0) {
        return -1;
    }
    if (u->r->o->into_table != NULL && u->tables.n > 1) {
        return err_set(e, ERR_USAGE, "--into-table is for one table, and %zu match", u->tables.n);
    }
    u->v = xcalloc(u->tables.n + 1, sizeof *u->v);
    for (size_t i = 0; i < u->tables.n; i++) {
        struct found *f = &u->v[i];

        f->t = &u->tables.v[i];
        f->narrow = narrow_possible(f->t) && live_other_encoding(u->r, u->conn) == NULL;
        f->only_keys = f->narrow && only_deleted(u->r->o) && narrow_by_key_possible(u->r, f->t);
        (void)snprintf(f->stage, sizeof f->stage, "pgassay_rows_%zu", i);
        (void)snprintf(f->live, sizeof f->live, "pgassay_live_%zu", i);
        (void)snprintf(f->diff, sizeof f->diff, "pgassay_diff_%zu", i);
        if (check_table(u, f->t, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int
undelete_run(struct restore *r, struct err *e)
{
    struct undelete u = {.r = r};
    struct err      ignored = ERR_INIT;
    int             rc = prepare(&u, e);

    if (rc == 0) {
        progress_start("comparing", plan_sizes(r).bytes, r->o->quiet);
        rc = compare_and_act(&u, e);
        if (rc != 0) {
            (void)pg_tidy(u.conn, ROLLBACK_TIMEOUT_MS, &ignored, "ROLLBACK");
        } else {
            undelete_tell(&u);
        }
    }
    for (size_t i = 0; u.v != NULL && i < u.tables.n; i++) {
        PQclear(u.v[i].shown);
    }
    free(u.v);
    live_tables_free(&u.tables);
    pg_close(u.conn);
    return rc;
}
