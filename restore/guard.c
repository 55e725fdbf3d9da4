#include "restore/guard.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "pg/snapshot/ddlcheck.h"
#include "pg/target/ender.h"

enum { TRIES = 10, LOCK_BATCH = 200 };

static const char tables[] =
    "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c JOIN "
    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND "
    "c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema') UNION ALL "
    "SELECT 'pg_catalog.pg_largeobject' FROM pg_catalog.pg_roles WHERE rolname = current_user AND "
    "rolsuper ORDER BY 1";

/* Those who hold what conflicts with the locks. */
static const char end_writers[] =
    "SELECT pg_catalog.pg_terminate_backend(pid) FROM (SELECT DISTINCT a.pid FROM "
    "pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid JOIN "
    "pg_catalog.pg_roles u ON u.oid = a.usesysid WHERE l.granted AND l.locktype = 'relation' AND "
    "l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
    "pg_catalog.current_database()) AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', "
    "'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') AND a.pid <> "
    "pg_catalog.pg_backend_pid() AND " ENDER_MAY ") w";

static int
lock_all(PGconn *conn, const PGresult *names, struct err *e)
{
    struct buf sql = BUF_INIT(BUF_NO_LIMIT);
    int        rc = pg_exec(conn, e,
                            "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL lock_timeout = '1s'");

    for (int i = 0; rc == 0 && i < PQntuples(names); i++) {
        bool first = i % LOCK_BATCH == 0,
             last = i % LOCK_BATCH == LOCK_BATCH - 1 || i + 1 == PQntuples(names);

        rc = buf_printf(&sql, e, "%s ONLY %s%s", first ? "LOCK TABLE" : ",",
                        PQgetvalue(names, i, 0), last ? " IN SHARE MODE" : "");
        if (rc == 0 && last) {
            rc = pg_exec(conn, e, buf_str(&sql));
            buf_clear(&sql);
        }
    }
    buf_free(&sql);
    /* The snapshot of definitions begins here: LOCK takes none. */
    return rc == 0 ? pg_exec(conn, e, "SELECT") : -1;
}

static bool
goes_on(const struct err *e)
{
    return strcmp(e->sqlstate, "55P03") == 0 || /* a lock was not to be had in time */
        strcmp(e->sqlstate, "42P01") == 0 ||    /* a table was dropped meanwhile */
        strcmp(e->sqlstate, "40P01") == 0;      /* deadlock */
}

static int
lock_and_end(PGconn *conn, struct err *e)
{
    int rc = -1;

    for (int i = 0; rc != 0 && i < TRIES; i++) {
        struct err ignored = ERR_INIT;
        PGresult  *names;

        err_clear(e);
        if ((names = pg_query(conn, e, tables, 0, NULL)) == NULL) {
            return -1;
        }
        rc = lock_all(conn, names, e);
        PQclear(names);
        if (rc != 0) {
            (void)pg_exec(conn, &ignored, "ROLLBACK");
            if (!goes_on(e)) {
                break;
            }
            PQclear(pg_query(conn, &ignored, end_writers, 0, NULL));
        }
    }
    return rc;
}

static int
explain(struct err *e)
{
    err_wrap(e, "keeping others from writing while the safety backup is taken");
    if (strcmp(e->sqlstate, "53200") == 0) { /* out_of_memory: of the shared lock table */
        return err_hint(e, "raise max_locks_per_transaction, or --no-safety-backup");
    }
    if (strcmp(e->sqlstate, "42501") == 0) { /* insufficient_privilege */
        return err_hint(e, "connect as the owner of all tables, or as a superuser");
    }
    return -1;
}

/* Only a superuser can lock them. */
static int
check_large_objects(PGconn *conn, struct err *e)
{
    static const char sql[] =
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata) AND NOT rolsuper FROM "
        "pg_catalog.pg_roles WHERE rolname = current_user";
    char *found = pg_value(conn, e, sql, 0, NULL);
    int   rc = found == NULL ? -1 : 0;

    if (rc == 0 && *found == 't') {
        rc = err_set(e, ERR_AUTH,
                     "the database holds large objects, and only a superuser can keep others from "
                     "writing to them while the safety backup is taken");
        err_hint(e, "restore as a superuser, or --no-safety-backup");
    }
    free(found);
    return rc;
}

PGconn *
guard_open(const struct pg_target *server, struct err *e)
{
    PGconn *conn = pg_connect(server, PG_RESTORING, "pgassay-restore", e);

    if (conn != NULL && check_large_objects(conn, e) != 0) {
        pg_close(conn);
        return NULL;
    }
    if (conn != NULL && lock_and_end(conn, e) != 0) {
        (void)explain(e);
        pg_close(conn);
        conn = NULL;
    }
    return conn;
}

int
guard_check(PGconn *guard, const struct pg_target *server, struct err *e)
{
    struct strlist what = {0};
    PGconn        *now = pg_connect(server, PG_RESTORING, "pgassay-restore", e);
    int rc = now == NULL || check_large_objects(now, e) != 0 ? -1 : ddl_moved(guard, now, &what, e);

    if (rc == 0 && what.n > 0) {
        rc = err_set(e, ERR_BUSY, "definitions changed while the safety backup was taken (%s)",
                     what.v[0]);
        err_hint(e, "nothing else has changed; once more, when nobody changes any");
    }
    strlist_free(&what);
    pg_close(now);
    return rc;
}
