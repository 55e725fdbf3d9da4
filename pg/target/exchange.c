#include "pg/target/exchange.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "core/mem.h"
#include "pg/target/halfmade.h"

enum {
    PAUSE_NS = 10 * 1000 * 1000,
    ASK_TRIES = 20,
    ASK_PAUSE_NS = 500 * 1000 * 1000,
    ASK_MS = 10000
};

/* Who ends the sessions, on a thread and a connection of its own. */
struct ender {
    PGconn     *conn;
    char       *oid[2]; /* of the databases; NULL: none */
    atomic_int  n;      /* that many of them */
    atomic_bool done;
    pthread_t   thread;
};

static void
pause_ns(long ns)
{
    struct timespec t = {.tv_nsec = ns};

    (void)nanosleep(&t, NULL);
}

/* All at once where that is allowed; a session that only a superuser may end spoils that, and is
 * left to whoever looks at the error. */
static void
end_sessions(PGconn *conn, const char *oid)
{
    struct err  ignored = ERR_INIT;
    const char *params[] = {oid};
    PGresult   *res = pg_query(conn, &ignored,
                               "SELECT pg_catalog.pg_terminate_backend(pid) FROM "
                                 "pg_catalog.pg_stat_activity WHERE datid = $1::pg_catalog.oid",
                               1, params);

    if (res == NULL && strcmp(ignored.sqlstate, "42501") == 0) {
        PGresult *pids = pg_query(conn, &ignored,
                                  "SELECT pid FROM pg_catalog.pg_stat_activity WHERE datid = "
                                  "$1::pg_catalog.oid",
                                  1, params);

        for (int i = 0; pids != NULL && i < PQntuples(pids); i++) {
            const char *pid[] = {PQgetvalue(pids, i, 0)};

            PQclear(pg_query(conn, &ignored,
                             "SELECT pg_catalog.pg_terminate_backend($1::pg_catalog.int4)", 1,
                             pid));
        }
        PQclear(pids);
    }
    PQclear(res);
}

static void *
ender_run(void *arg)
{
    struct ender *x = arg;

    while (!atomic_load(&x->done)) {
        for (int i = 0; i < atomic_load(&x->n); i++) {
            end_sessions(x->conn, x->oid[i]);
        }
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

/* The second step, as one string: once the server has it, it ends without us. */
static char *
switch_sql(PGconn *conn, const struct exchange *x, const char *between, struct err *e)
{
    char *name = pg_ident(x->name), *aside = x->aside == NULL ? NULL : pg_ident(x->aside);
    char *comment = comment_sql(conn, name, x->comment, e);
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

/* Who is still in one of them, for the error. */
static void
say_who(struct ender *x, struct err *e)
{
    static const char sql[] =
        "SELECT pg_catalog.string_agg(pg_catalog.format('process %s of %s (%s)', pid, usename, "
        "coalesce(nullif(application_name, ''), backend_type)), ', ') FROM (SELECT * FROM "
        "pg_catalog.pg_stat_activity WHERE datid IN ($1::pg_catalog.oid, $2::pg_catalog.oid) "
        "LIMIT 5) s";
    const char *params[] = {x->oid[0], x->oid[1] == NULL ? x->oid[0] : x->oid[1]};
    struct err  ignored = ERR_INIT;
    char       *who = pg_value(x->conn, &ignored, sql, 2, params);

    if (who != NULL) {
        err_hint(e, "who could not be ended: %s", who);
    }
    free(who);
}

/* 0: the name is the new one's.  1: it is not.  -1: the server does not answer. */
static int
ask(const struct pg_target *server, PGconn *conn, const char *name, const char *oid)
{
    struct err e = ERR_INIT;
    PGconn    *again = NULL;
    char      *literal, *sql;
    int        rc = -1;

    /* Also after a signal, which a query would obey: hence pg_tidy(), which tells no rows. */
    for (int i = 0; i < ASK_TRIES && rc < 0; i++) {
        PGconn *c = PQstatus(conn) == CONNECTION_OK ? conn : again;

        if (c == NULL) {
            pg_close(again);
            err_clear(&e);
            c = again = pg_connect(server, PG_RESTORING, "pgassay-restore", &e);
        }
        if (c != NULL && (literal = pg_literal(c, name)) != NULL) {
            sql = xasprintf(
                "ROLLBACK; SELECT 1 / pg_catalog.count(*) FROM pg_catalog.pg_database "
                "WHERE datname = %s AND oid = %s",
                literal, oid);
            err_clear(&e);
            rc = pg_tidy(c, ASK_MS, &e, sql) == 0  ? 0
                : strcmp(e.sqlstate, "22012") == 0 ? 1 /* division by zero */
                                                   : -1;
            free(sql);
            free(literal);
        }
        if (rc < 0) {
            pause_ns(ASK_PAUSE_NS);
        }
    }
    pg_close(again);
    return rc;
}

/* After an error: has it happened all the same? */
static int
settle(const struct pg_target *server, PGconn *conn, const struct exchange *x, struct ender *ender,
       struct err *e)
{
    switch (ask(server, conn, x->name, ender->oid[0])) {
    case 0:
        err_clear(e);
        return 0;
    case 1:
        if (strcmp(e->sqlstate, "55006") == 0) {
            say_who(ender, e);
        }
        return err_wrap(e, "giving database \"%s\" the name \"%s\"", x->take, x->name);
    default:
        err_wrap(e, "whether database \"%s\" has got the name \"%s\" is not known", x->take,
                 x->name);
        e->kind = ERR_IO;
        return err_hint(e, "the same command, or --status, tells when the server is back");
    }
}

static int
rename_both(PGconn *conn, struct ender *ender, struct exchange *x, struct err *e)
{
    char  *free_name = halfmade_name(x->name, "switching"), *between = pg_ident(free_name);
    char  *take = pg_ident(x->take), *sql = switch_sql(conn, x, between, e);
    int    rc = -1;
    double began;

    if (sql != NULL &&
        pg_execf(conn, e,
                 "BEGIN; SET LOCAL lock_timeout = '10s'; SET LOCAL synchronous_commit = 'on'; "
                 "ALTER DATABASE %s RENAME TO %s",
                 take, between) == 0) {
        began = clock_seconds();
        atomic_store(&ender->n, ender->oid[1] == NULL ? 1 : 2);
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
    struct ender     ender = {.n = 1};
    int              rc = -1;

    here.dbname = PQdb(conn);
    if ((ender.oid[0] = oid_of(conn, x->take, e)) != NULL &&
        (x->aside == NULL || (ender.oid[1] = oid_of(conn, x->name, e)) != NULL) &&
        (ender.conn = pg_connect(&here, PG_RESTORING, "pgassay-restore", e)) != NULL) {
        if (pthread_create(&ender.thread, NULL, ender_run, &ender) != 0) {
            rc = err_set(e, ERR_IO, "no thread can be started");
        } else {
            rc = rename_both(conn, &ender, x, e);
            atomic_store(&ender.done, true);
            (void)pthread_join(ender.thread, NULL);
            rc = rc == 0 ? 0 : settle(&here, conn, x, &ender, e);
        }
    }
    pg_close(ender.conn);
    free(ender.oid[0]);
    free(ender.oid[1]);
    return rc;
}
