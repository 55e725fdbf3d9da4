#include "pg/target/exchange.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/quote.h"
#include "pg/target/halfmade.h"

enum {
    PAUSE_NS = 10 * 1000 * 1000,
    ASK_TRIES = 60,
    ASK_PAUSE_NS = 500 * 1000 * 1000,
    ASK_MS = 10000
};

/* Ends the sessions, on a thread and a connection of its own. */
struct ender {
    PGconn     *conn;
    char        pid[16]; /* of the other connection's backend */
    atomic_bool done;
    pthread_t   thread;
};

static void
pause_ns(long ns)
{
    struct timespec t = {.tv_nsec = ns};

    (void)nanosleep(&t, NULL);
}

/* A condition on pg_roles u, a session's user: may this role end it?  One refusal would end
 * none. */
#define MAY_END                                                                                    \
    "((SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) OR (NOT u.rolsuper " \
    "AND (pg_catalog.pg_has_role(u.oid, 'USAGE') OR pg_catalog.pg_has_role('pg_signal_backend', "  \
    "'USAGE'))))"

/* A condition on pg_locks l: a lock on a database. */
#define ON_DATABASE                                                                                \
    "(l.locktype = 'object' AND l.classid = 'pg_catalog.pg_database'::pg_catalog.regclass)"

/* Ends the sessions in a database that the other connection has locked, and none before: while it
 * waits for the lock, it may still have to give up.  Autovacuum's workers, which have no user, are
 * ended by the server itself. */
static void *
ender_run(void *arg)
{
    static const char sql[] =
        "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_locks l JOIN "
        "pg_catalog.pg_stat_activity a ON a.datid = l.objid JOIN pg_catalog.pg_roles u ON u.oid = "
        "a.usesysid WHERE l.pid = $1::pg_catalog.int4 AND l.granted AND l.mode = "
        "'AccessExclusiveLock' AND " ON_DATABASE " AND " MAY_END;
    struct ender *x = arg;
    const char   *params[] = {x->pid};

    while (!atomic_load(&x->done)) {
        struct err ignored = ERR_INIT;

        PQclear(pg_query(x->conn, &ignored, sql, 1, params));
        pause_ns(PAUSE_NS);
    }
    return NULL;
}

static char *
oid_of(PGconn *conn, const char *name, struct err *e)
{
    const char *params[] = {name};
    char *oid = pg_value(conn, e, "SELECT oid FROM pg_catalog.pg_database WHERE datname = $1", 1,
                         params);

    if (oid == NULL && e->kind == ERR_NOT_FOUND) {
        err_set(e, ERR_NOT_FOUND, "there is no database \"%s\"", name);
    }
    return oid;
}

/* "COMMENT ON DATABASE x IS 'y';"; allocated. */
static char *
comment_sql(PGconn *conn, const char *ident, const char *comment, struct err *e)
{
    char *literal = comment == NULL ? xstrdup("NULL") : pg_literal(conn, comment), *sql = NULL;

    if (literal == NULL) {
        err_set(e, ERR_PG, "the comment of database %s cannot be quoted", ident);
    } else {
        sql = xasprintf("COMMENT ON DATABASE %s IS %s;", ident, literal);
    }
    free(literal);
    return sql;
}

/* The second step, as one string: once the server has it, it completes without the client. */
static char *
switch_sql(PGconn *conn, const struct exchange *x, const char *between, struct err *e)
{
    char *name = pg_ident(x->name), *aside = x->aside == NULL ? NULL : pg_ident(x->aside);
    char *comment = x->keep_comment ? xstrdup("") : comment_sql(conn, name, x->comment, e);
    char *old = x->aside == NULL ? xstrdup("") : comment_sql(conn, aside, x->aside_comment, e);
    char *away = x->aside == NULL ? xstrdup("")
                                  : xasprintf("ALTER DATABASE %s RENAME TO %s;", name, aside);
    char *sql = NULL;

    if (comment != NULL && old != NULL) {
        sql = xasprintf(
            "%s %s ALTER DATABASE %s RENAME TO %s; ALTER DATABASE %s "
            "ALLOW_CONNECTIONS true; %s COMMIT",
            away, old, between, name, name, comment);
    }
    free(name);
    free(aside);
    free(comment);
    free(old);
    free(away);
    return sql;
}

/* Names the sessions that block the lock, or are still in one of the databases. */
static void
say_who(PGconn *conn, const char *oid, const char *name)
{
    static const char sql[] =
        "SELECT pg_catalog.string_agg(pg_catalog.format('process %s of %s (%s)', pid, usename, "
        "coalesce(nullif(application_name, ''), backend_type)), ', ') FROM (SELECT a.* FROM "
        "pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_database d ON d.oid = "
        "$1::pg_catalog.oid OR d.datname = $2 WHERE a.pid <> pg_catalog.pg_backend_pid() AND "
        "(a.datid = d.oid OR EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND "
        "l.granted AND l.objid = d.oid AND " ON_DATABASE ")) LIMIT 5) s";
    const char *params[] = {oid, name};
    struct err  ignored = ERR_INIT;
    char       *who = pg_value(conn, &ignored, sql, 2, params);

    if (who != NULL) {
        log_error("in the way, and not to be ended: %s", who);
    }
    free(who);
}

/* The lock that the transaction holds until its end, on the database that is to get the name. */
#define EXCHANGING 0x70676173LL /* "pgas" */

/* The query after an error.  If the connection is lost, its backend may still be at work: it is
 * ended, and its transaction waited for; only then is the answer final.  No row: division by zero.
 * One string, so one transaction. */
static char *
ask_sql(PGconn *conn, const char *pid, const char *name, const char *oid)
{
    char *literal = pg_literal(conn, name);
    char *sql = literal == NULL
        ? NULL
        : xasprintf(
              "ROLLBACK; SET LOCAL lock_timeout = '5s'; SELECT "
              "pg_catalog.pg_terminate_backend(l.pid) FROM pg_catalog.pg_locks l JOIN "
              "pg_catalog.pg_stat_activity a ON a.pid = l.pid JOIN pg_catalog.pg_roles u ON u.oid "
              "= a.usesysid WHERE l.pid = %s AND l.pid <> pg_catalog.pg_backend_pid() AND "
              "l.locktype = 'advisory' AND l.classid = %lld AND l.objid = %s AND " MAY_END
              "; SELECT pg_catalog.pg_advisory_xact_lock((%lld::pg_catalog.int8 << 32) + %s); "
              "SELECT 1 / pg_catalog.count(*) FROM pg_catalog.pg_database WHERE datname = %s AND "
              "oid = %s",
              pid, EXCHANGING, oid, EXCHANGING, oid, literal, oid);

    free(literal);
    return sql;
}

/* 0: the new database has the name.  1: it does not.  -1: the server does not answer. */
static int
ask(const struct pg_target *server, PGconn *conn, const char *pid, const char *name,
    const char *oid)
{
    struct err e = ERR_INIT;
    PGconn    *again = NULL;
    char      *sql;
    int        rc = -1;

    /* Also after a signal, which would interrupt a query: hence pg_tidy(), which returns no
     * rows. */
    for (int i = 0; i < ASK_TRIES && rc < 0; i++) {
        PGconn *c = PQstatus(conn) == CONNECTION_OK ? conn : again;

        if (c == NULL || PQstatus(c) != CONNECTION_OK) {
            pg_close(again);
            err_clear(&e);
            c = again = pg_connect(server, PG_RESTORING, "pgassay-restore", &e);
        }
        if (c != NULL && (sql = ask_sql(c, pid, name, oid)) != NULL) {
            err_clear(&e);
            rc = pg_tidy(c, ASK_MS, &e, sql) == 0  ? 0
                : strcmp(e.sqlstate, "22012") == 0 ? 1 /* division by zero */
                                                   : -1;
            free(sql);
        }
        if (rc < 0) {
            pause_ns(ASK_PAUSE_NS);
        }
    }
    pg_close(again);
    return rc;
}

/* After an error: checks whether the exchange has happened nevertheless. */
static int
settle(const struct pg_target *server, PGconn *conn, struct exchange *x, const struct ender *ender,
       const char *oid, struct err *e)
{
    switch (ask(server, conn, ender->pid, x->name, oid)) {
    case 0:
        err_clear(e);
        return 0;
    case 1:
        if (strcmp(e->sqlstate, "55006") == 0 || strcmp(e->sqlstate, "55P03") == 0) {
            say_who(conn, oid, x->name);
        }
        return err_wrap(e, "giving database \"%s\" the name \"%s\"", x->take, x->name);
    default:
        err_wrap(e, "whether database \"%s\" has got the name \"%s\" is not known", x->take,
                 x->name);
        x->unknown = true;
        e->kind = ERR_IO;
        return quote_hint(e, "when the server is back: ", "pgassay", "restore", x->name,
                          "--status");
    }
}

/* New sessions must not wait long for another session's lock: hence the timeout. */
static int
rename_both(PGconn *conn, struct exchange *x, const char *oid, struct err *e)
{
    char  *free_name = halfmade_name(x->name, "switching"), *between = pg_ident(free_name);
    char  *take = pg_ident(x->take), *sql = switch_sql(conn, x, between, e);
    int    rc = -1;
    double began;

    if (sql != NULL &&
        pg_execf(conn, e,
                 "BEGIN; SET LOCAL lock_timeout = '3s'; SET LOCAL synchronous_commit = 'on'; "
                 "SELECT pg_catalog.pg_advisory_xact_lock((%lld::pg_catalog.int8 << 32) + %s); "
                 "ALTER DATABASE %s RENAME TO %s",
                 EXCHANGING, oid, take, between) == 0) {
        began = clock_seconds();
        rc = pg_exec(conn, e, sql);
        x->outage_seconds = clock_seconds() - began;
    }
    free(sql);
    free(take);
    free(between);
    free(free_name);
    return rc;
}

int
exchange_run(const struct pg_target *server, PGconn *conn, struct exchange *x, struct err *e)
{
    struct pg_target here = *server;
    struct ender     ender = {0};
    char            *oid = oid_of(conn, x->take, e);
    int              rc = -1;

    here.dbname = PQdb(conn);
    (void)snprintf(ender.pid, sizeof ender.pid, "%d", PQbackendPID(conn));
    if (oid != NULL &&
        (ender.conn = pg_connect(&here, PG_RESTORING, "pgassay-restore", e)) != NULL) {
        if (pthread_create(&ender.thread, NULL, ender_run, &ender) != 0) {
            rc = err_set(e, ERR_IO, "no thread can be started");
        } else {
            rc = rename_both(conn, x, oid, e);
            atomic_store(&ender.done, true);
            (void)pthread_join(ender.thread, NULL);
            rc = rc == 0 ? 0 : settle(&here, conn, x, &ender, oid, e);
        }
    }
    pg_close(ender.conn);
    free(oid);
    return rc;
}
