#include "pg/target/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/quote.h"
#include "pg/target/ender.h"
#include "pg/target/halfmade.h"

enum { ASK_TRIES = 60, ASK_PAUSE_NS = 500 * 1000 * 1000, ASK_MS = 10000 };

static void
pause_ns(long ns)
{
    struct timespec t = {.tv_nsec = ns};

    (void)nanosleep(&t, NULL);
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

/* The second step when nothing takes the name. */
static char *
give_up_sql(PGconn *conn, const struct exchange *x, struct err *e)
{
    char *name = pg_ident(x->name), *aside = pg_ident(x->aside);
    char *comment = comment_sql(conn, aside, x->aside_comment, e);
    char *sql = comment == NULL
        ? NULL
        : xasprintf("ALTER DATABASE %s RENAME TO %s; %s COMMIT", name, aside, comment);

    free(name);
    free(aside);
    free(comment);
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
        "l.granted AND l.objid = d.oid AND " ENDER_ON_DATABASE ")) LIMIT 5) s";
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
              "l.locktype = 'advisory' AND l.classid = %lld AND l.objid = %s AND " ENDER_MAY
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
    const char *was = x->take != NULL ? x->take : x->name,
               *name = x->take != NULL ? x->name : x->aside;

    switch (ask(server, conn, ender->pid, name, oid)) {
    case 0:
        err_clear(e);
        return 0;
    case 1:
        if (strcmp(e->sqlstate, "55006") == 0 || strcmp(e->sqlstate, "55P03") == 0) {
            say_who(conn, oid, name);
        }
        return err_wrap(e, "giving database \"%s\" the name \"%s\"", was, name);
    default:
        err_wrap(e, "whether database \"%s\" has got the name \"%s\" is not known", was, name);
        x->unknown = true;
        e->kind = ERR_IO;
        return quote_hint(e, "when the server is back: ", "pgassay", "restore", QUOTE_ARG(x->name),
                          "--status");
    }
}

/* The first step.  New sessions must not wait long for another session's lock: hence the timeout.
 */
static int
begin(PGconn *conn, const struct exchange *x, const char *between, const char *oid, struct err *e)
{
    char *take = x->take == NULL ? NULL : pg_ident(x->take);
    char *rename = take == NULL ? xstrdup("")
                                : xasprintf("; ALTER DATABASE %s RENAME TO %s", take, between);
    int   rc = pg_execf(conn, e,
                        "BEGIN; SET LOCAL lock_timeout = '3s'; SET LOCAL synchronous_commit = "
                          "'on'; "
                          "SELECT pg_catalog.pg_advisory_xact_lock((%lld::pg_catalog.int8 << 32) + "
                          "%s); %s%s",
                        EXCHANGING, oid, x->also == NULL ? "" : x->also, rename);

    free(take);
    free(rename);
    return rc;
}

static int
rename_both(PGconn *conn, struct exchange *x, const char *oid, struct err *e)
{
    char  *free_name = halfmade_name(x->name, "switching"), *between = pg_ident(free_name);
    char  *sql = x->take == NULL ? give_up_sql(conn, x, e) : switch_sql(conn, x, between, e);
    int    rc = -1;
    double began;

    if (sql != NULL && begin(conn, x, between, oid, e) == 0) {
        began = clock_seconds();
        rc = pg_exec(conn, e, sql);
        x->outage_seconds = clock_seconds() - began;
    }
    free(sql);
    free(between);
    free(free_name);
    return rc;
}

int
exchange_run(const struct pg_target *server, PGconn *conn, struct exchange *x, struct err *e)
{
    struct pg_target here = *server;
    struct ender     ender = {0};
    char            *oid = oid_of(conn, x->take != NULL ? x->take : x->name, e);
    int              rc = -1;

    here.dbname = PQdb(conn);
    if (oid != NULL && ender_start(&ender, &here, conn, x->last, e) == 0) {
        rc = rename_both(conn, x, oid, e);
        ender_stop(&ender);
        rc = rc == 0 ? 0 : settle(&here, conn, x, &ender, oid, e);
    }
    free(oid);
    return rc;
}
