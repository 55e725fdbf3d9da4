#include "pg/snapshot/locks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"

/* Tables named in one LOCK statement: enough to save round trips, few enough for a readable
 * server log. */
enum { LOCK_BATCH = 200 };

static bool
lockable(const struct snapshot_options *o, const struct cat_table *t)
{
    bool member = t->extension_member && t->extension == NULL;

    return (t->kind == 'r' || t->kind == 'p') && !member &&
        (o->wants == NULL || o->wants(o->ctx, t));
}

size_t
tables_wanted(const struct snapshot_options *o, const struct catalog *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_tables; i++) {
        n += lockable(o, &c->tables[i]);
    }
    return n;
}

int
locks_short(PGconn *conn, size_t n, bool *is_short, struct err *e)
{
    /* Size of the shared lock table: PostgreSQL manual, max_locks_per_transaction. */
    char *slots = pg_value(conn, e,
                           "SELECT current_setting('max_locks_per_transaction')::bigint * "
                           "(current_setting('max_connections')::bigint + "
                           "current_setting('max_prepared_transactions')::bigint)",
                           0, NULL);

    if (slots == NULL) {
        return -1;
    }
    *is_short = 2 * (unsigned long long)n >= strtoull(slots, NULL, 10);
    free(slots);
    return 0;
}

static int
is_busy(struct err *e)
{
    e->transient = true;
    return err_hint(e, "let that transaction end, or raise --lock-timeout");
}

/* Turns a lock timeout into one line that names the blocking session.  False: there is none now. */
static bool
name_blocker(PGconn *conn, int timeout_ms, struct err *e)
{
    struct err ignored = ERR_INIT;
    PGresult  *r;
    bool       found;

    (void)pg_exec(conn, &ignored, "ROLLBACK");
    r = pg_query(conn, &ignored,
                 "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), l.pid, a.usename, "
                 "a.application_name, a.state, "
                 "l.granted "
                 "FROM pg_catalog.pg_locks l "
                 "JOIN pg_catalog.pg_class c ON c.oid = l.relation "
                 "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                 "LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "
                 "WHERE l.mode = 'AccessExclusiveLock' AND c.relkind IN ('r', 'p') AND l.pid IS "
                 "DISTINCT FROM "
                 "pg_catalog.pg_backend_pid() "
                 "AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
                 "pg_catalog.current_database()) "
                 "ORDER BY l.granted DESC, a.xact_start LIMIT 1",
                 0, NULL);
    found = r != NULL && PQntuples(r) == 1;
    if (found) {
        err_set(e, ERR_BUSY,
                "could not lock table %s within %d ms: process %s (user \"%s\", application "
                "\"%s\", %s) %s",
                PQgetvalue(r, 0, 0), timeout_ms, PQgetvalue(r, 0, 1), PQgetvalue(r, 0, 2),
                PQgetvalue(r, 0, 3), PQgetisnull(r, 0, 4) ? "state unknown" : PQgetvalue(r, 0, 4),
                PQgetvalue(r, 0, 5)[0] == 't' ? "holds an exclusive lock on it"
                                              : "waits for an exclusive lock on it");
        (void)is_busy(e);
    }
    PQclear(r);
    return found;
}

int
locks_explain_dump(PGconn *conn, const struct snapshot_options *o, struct err *e)
{
    if (strstr(e->text, "statement timeout") != NULL && strstr(e->text, "LOCK TABLE") != NULL) {
        (void)name_blocker(conn, o->lock_timeout_ms, e);
    }
    return -1;
}

static int
explain_lock_error(PGconn *conn, const struct snapshot_options *o, struct err *e)
{
    if (strcmp(e->sqlstate, "55P03") == 0) { /* lock_not_available */
        if (!name_blocker(conn, o->lock_timeout_ms, e)) {
            err_set(e, ERR_BUSY, "could not lock every table within %d ms", o->lock_timeout_ms);
            (void)is_busy(e);
        }
        return -1;
    }
    if (strcmp(e->sqlstate, "53200") == 0) { /* out_of_memory: of the shared lock table */
        err_wrap(e, "lock all tables");
        return err_hint(e,
                        "raise max_locks_per_transaction in postgresql.conf and restart the "
                        "server");
    }
    if (strcmp(e->sqlstate, "42501") == 0) { /* insufficient_privilege */
        return err_hint(e,
                        "GRANT pg_read_all_data to the role (PostgreSQL 14+), or leave the table "
                        "out with -T");
    }
    return -1;
}

/* lock_timeout counts for each table of a LOCK anew: for all of them, statement_timeout. */
static int
set_timeout(PGconn *conn, int ms, struct err *e)
{
    return pg_execf(conn, e, "SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d", ms,
                    ms);
}

/* One LOCK, until the deadline (clock_seconds()). */
static int
lock_some(PGconn *conn, const struct snapshot_options *o, const char *sql, double deadline,
          struct err *e)
{
    enum { MS = 1000 };
    int left_ms = (int)((deadline - clock_seconds()) * MS) + 1; /* no less than there is */

    if (set_timeout(conn, left_ms < 1 ? 1 : left_ms, e) != 0) {
        return -1;
    }
    if (pg_exec(conn, e, sql) == 0) {
        return 0;
    }
    /* Canceled: by that timeout, or by somebody. */
    if (strcmp(e->sqlstate, "57014") == 0 && clock_seconds() >= deadline) {
        (void)snprintf(e->sqlstate, sizeof e->sqlstate, "55P03");
    }
    return explain_lock_error(conn, o, e);
}

int
tables_lock(PGconn *conn, const struct snapshot_options *o, const struct catalog *c, struct err *e)
{
    struct buf sql = BUF_INIT(4 * MIB);
    double     deadline = clock_seconds() + (double)o->lock_timeout_ms / 1000;
    size_t     in_batch = 0;
    int        rc = 0;

    for (size_t i = 0; rc == 0 && i <= c->n_tables; i++) {
        bool last = i == c->n_tables;

        if (!last && lockable(o, &c->tables[i])) {
            char *name = pg_qualified(c->tables[i].schema, c->tables[i].name);

            rc = buf_printf(&sql, e, "%s ONLY %s", in_batch++ == 0 ? "LOCK TABLE" : ",", name);
            free(name);
        }
        if (rc == 0 && (in_batch == LOCK_BATCH || (last && in_batch > 0))) {
            rc = buf_puts(&sql, " IN ACCESS SHARE MODE", e) != 0
                ? -1
                : lock_some(conn, o, buf_str(&sql), deadline, e);
            buf_clear(&sql);
            in_batch = 0;
        }
    }
    if (rc == 0) {
        rc = set_timeout(conn, 0, e);
    }
    buf_free(&sql);
    return rc;
}
