#include "restore/part/live_session.h"

#include <stdlib.h>
#include <string.h>

PGconn *
live_session(struct restore *r, struct err *e)
{
    struct pg_target t = r->server;
    PGconn          *conn;

    t.dbname = r->name;
    if ((conn = pg_connect(&t, PG_RESTORING, "pgassay-restore", e)) == NULL) {
        err_wrap(e, "connecting to database \"%s\"", r->name);
    } else if (pg_execf(conn, e, "SET lock_timeout = '%ds'", r->o->lock_timeout_s) != 0) {
        pg_close(conn);
        conn = NULL;
    }
    return conn;
}

/* A prepared transaction has no session. */
static const char holder_sql[] =
    "SELECT format('table %I.%I is locked by ', n.nspname, c.relname) || CASE "
    "WHEN a.pid IS NOT NULL THEN format('process %s (user \"%s\", application \"%s\", %s)', a.pid, "
    "a.usename, a.application_name, a.state) "
    "WHEN p.gid IS NOT NULL THEN format('the prepared transaction %L', p.gid) "
    "ELSE 'another session' END "
    "FROM pg_locks l JOIN pg_class c ON c.oid = l.relation "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
    "LEFT JOIN pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' "
    "AND x.virtualtransaction = l.virtualtransaction "
    "LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid "
    "WHERE l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND c.relkind IN ('r', 'p') "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
    "ORDER BY l.mode = 'AccessShareLock', a.xact_start NULLS FIRST LIMIT 1";

void
live_name_holder(struct restore *r, struct err *e)
{
    struct err ignored = ERR_INIT;
    PGconn    *conn;
    char      *who;

    if (strcmp(e->sqlstate, "55P03") != 0) { /* lock_not_available */
        return;
    }
    conn = live_session(r, &ignored);
    who = conn == NULL ? NULL : pg_value(conn, &ignored, holder_sql, 0, NULL);
    err_hint(e, "%s%slet it end, or wait longer: --lock-timeout SECONDS", who == NULL ? "" : who,
             who == NULL ? "" : "; ");
    free(who);
    pg_close(conn);
}

const char *
live_other_encoding(const struct restore *r, PGconn *conn)
{
    const char *was = json_opt_str(r->manifest->database, "encoding", NULL);
    const char *is = PQparameterStatus(conn, "server_encoding");

    return was == NULL || is == NULL || strcmp(was, is) == 0 ? NULL : was;
}

int
live_session_begin(struct restore *r, PGconn *conn, const char *isolation, struct err *e)
{
    return pg_execf(conn, e,
                    "SET synchronous_commit = on; BEGIN ISOLATION LEVEL %s; SET CONSTRAINTS ALL "
                    "DEFERRED%s",
                    isolation,
                    r->o->disable_triggers ? "; SET LOCAL session_replication_role = replica" : "");
}

void
live_hint_reference(const char *option, struct err *e)
{
    char *server = xstrdup(e->hint);

    err_hint(e, "%s once more, for the table that it refers to%s%s%s", option,
             *server == '\0' ? "" : " (", server, *server == '\0' ? "" : ")");
    free(server);
}
