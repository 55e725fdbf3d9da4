#include "restore/load/lost.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/human.h"
#include "core/log.h"
#include "pg/target/halfmade.h"
#include "restore/job/target_server.h"

/* LOST_MAX: a worker's connections, before it gives up.  NETWORK_S: until one can be made; a server
 * that needs longer to answer has started anew.  WAIT_S: until a session has ended. */
enum { LOST_MAX = 10, NETWORK_S = 10, WAIT_S = 60, STEP_MS = 200 };

static const char lost[] = "a connection to the server was lost, and what it did is done again";

/* What begins anew with a crash: processes are started, and the reset of statistics is forgotten.
 * The second is asked only where the role may not see the first: below 15 the server asks a
 * process for it, and waits ten seconds for one that cannot be reached (scratch servers have no
 * network, not even of their own). */
static const char server_sql[] =
    "SELECT pg_catalog.concat_ws(' ', pg_catalog.pg_postmaster_start_time(), COALESCE((SELECT "
    "backend_start FROM pg_catalog.pg_stat_activity WHERE backend_type = 'checkpointer'), (SELECT "
    "stats_reset FROM pg_catalog.pg_stat_bgwriter)))";

int
lost_begin(struct restore *r, struct err *e)
{
    free(r->incarnation);
    r->incarnation = pg_value(r->conn, e, server_sql, 0, NULL);
    r->pid = PQbackendPID(r->conn);
    r->maintenance_pid = PQbackendPID(r->maintenance);
    return r->incarnation == NULL ? -1 : 0;
}

int
lost_transaction(struct worker *w, struct err *e)
{
    char *xid;

    w->xid[0] = '\0';
    if (pg_exec(w->rows, e, "BEGIN") != 0 ||
        (xid = pg_value(w->rows, e, "SELECT pg_catalog.pg_current_xact_id()", 0, NULL)) == NULL) {
        return -1;
    }
    (void)snprintf(w->xid, sizeof w->xid, "%s", xid);
    free(xid);
    return 0;
}

/* Nobody has ended it on purpose: then it says why (57P01, for one). */
static bool
is_lost(const PGconn *conn, const struct err *e)
{
    return e->kind == ERR_PG && conn != NULL && PQstatus(conn) != CONNECTION_OK &&
        (e->sqlstate[0] == '\0' || strncmp(e->sqlstate, "08", 2) == 0);
}

static int
wait_a_little(double until, struct err *e)
{
    if (cancel_check(e) != 0) {
        return -1;
    }
    if (clock_seconds() > until) {
        return err_set(e, ERR_PG, "it takes too long");
    }
    usleep(STEP_MS * 1000);
    return 0;
}

static PGconn *
connect_again(struct restore *r, PGconn *(*make)(struct restore *, struct err *), struct err *e)
{
    const double until = clock_seconds() + NETWORK_S;
    struct err   why = ERR_INIT;
    PGconn      *conn;

    while ((conn = make(r, e)) == NULL && e->kind == ERR_PG) {
        if (wait_a_little(until, &why) != 0) {
            *e = why.kind == ERR_INTERRUPTED ? why : *e;
            return NULL;
        }
        err_clear(e);
    }
    return conn;
}

static int
check_same_server(struct restore *r, PGconn *conn, struct err *e)
{
    char *now = pg_value(conn, e, server_sql, 0, NULL);
    int   rc = now == NULL ? -1 : 0;

    if (rc == 0 && (r->incarnation == NULL || strcmp(now, r->incarnation) != 0)) {
        err_set(e, ERR_IO, "the server has started anew meanwhile, and may have lost rows");
        rc = err_hint(e, "the same command once more");
    }
    free(now);
    return rc;
}

PGconn *
lost_connect(struct restore *r, struct err *e)
{
    PGconn *conn = target_connect(r, e);

    if (conn != NULL || e->kind != ERR_PG || !e->transient) {
        return conn;
    }
    log_warn("a connection to the server could not be made, and is tried again (%s)", e->text);
    err_clear(e);
    if ((conn = connect_again(r, target_connect, e)) != NULL && r->incarnation != NULL &&
        check_same_server(r, conn, e) != 0) {
        pg_close(conn);
        return NULL;
    }
    return conn;
}

/* The lost session: not another one that has got its number.  All sessions of a run have one name
 * (pg_application_name()). */
static int
end_session(PGconn *conn, int pid, struct err *e)
{
    static const char sql[] =
        "SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) FROM "
        "pg_catalog.pg_stat_activity WHERE pid = $1::pg_catalog.int4 AND datname = "
        "pg_catalog.current_database() AND application_name = (SELECT application_name FROM "
        "pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid())";
    const double until = clock_seconds() + WAIT_S;
    char         text[16];
    const char  *params[] = {text};

    (void)snprintf(text, sizeof text, "%d", pid);
    for (;;) {
        char *n = pg_value(conn, e, sql, 1, params);
        bool  gone = n != NULL && strcmp(n, "0") == 0;

        if (n == NULL) {
            return -1;
        }
        free(n);
        if (gone) {
            return 0;
        }
        if (wait_a_little(until, e) != 0) {
            return err_wrap(e, "ending the lost session %d", pid);
        }
    }
}

static int
ask_transaction(PGconn *conn, const char *xid, bool *committed, struct err *e)
{
    const double until = clock_seconds() + WAIT_S;
    const char  *params[] = {xid};

    for (;;) {
        char *status = pg_value(conn, e, "SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8)", 1,
                                params);
        bool  ended = status != NULL && strcmp(status, "in progress") != 0;

        if (status == NULL) {
            return -1;
        }
        *committed = strcmp(status, "committed") == 0;
        free(status);
        if (ended) {
            return 0;
        }
        if (wait_a_little(until, e) != 0) {
            return -1;
        }
    }
}

struct lost_session {
    int   pid, as_pid;
    bool *committed; /* the transaction is asked for; NULL: not */
};

static int
take_new(struct restore *r, struct worker *w, const struct lost_session *s, struct err *e)
{
    pg_close(w->conn);
    if ((w->rows = w->conn = connect_again(r, target_connect, e)) == NULL) {
        return -1;
    }
    w->pid = PQbackendPID(w->conn);
    if (check_same_server(r, w->conn, e) != 0 || end_session(w->conn, s->pid, e) != 0 ||
        (s->as_pid > 0 && end_session(w->conn, s->as_pid, e) != 0)) {
        return -1;
    }
    return s->committed != NULL && w->xid[0] != '\0'
        ? ask_transaction(w->conn, w->xid, s->committed, e)
        : 0;
}

bool
lost_again(struct restore *r, struct worker *w, bool *committed, struct err *e)
{
    const struct lost_session s = {w->pid, w->as == NULL ? 0 : w->as_pid, committed};

    if (committed != NULL) {
        *committed = false;
    }
    if (!is_lost(w->conn, e) && !is_lost(w->as, e) && !w->as_unmade) {
        return false;
    }
    log_warn("%s (%s)", lost, e->text);
    pg_close(w->as);
    w->as = NULL;
    w->as_loader = NULL;
    w->as_unmade = w->widened = false;
    do { /* the new one may be lost, too */
        if (w->n_lost++ == LOST_MAX) {
            return false;
        }
        err_clear(e);
        if (take_new(r, w, &s, e) == 0) {
            w->xid[0] = '\0';
            r->resumes = true;
            return true;
        }
    } while (is_lost(w->conn, e));
    /* Nothing goes on with it. */
    pg_close(w->conn);
    w->rows = w->conn = NULL;
    return false;
}

/* ---- connections that wait ---- */

static PGconn *
connect_maintenance(struct restore *r, struct err *e)
{
    return target_server_connect(&r->server, e);
}

static bool
answers(PGconn *conn)
{
    struct err ignored = ERR_INIT;

    return conn != NULL && pg_exec(conn, &ignored, "SELECT") == 0;
}

static int
mend_maintenance(struct restore *r, struct err *e)
{
    const int pid = r->maintenance_pid;

    pg_close(r->maintenance);
    if ((r->maintenance = connect_again(r, connect_maintenance, e)) == NULL) {
        return -1;
    }
    r->maintenance_pid = PQbackendPID(r->maintenance);
    /* Its locks go with it; one that has not noticed would hold them as long as it lives. */
    if (end_session(r->maintenance, pid, e) != 0) {
        return -1;
    }
    for (double until = clock_seconds() + WAIT_S; !halfmade_lock(r->maintenance, r->name);) {
        if (wait_a_little(until, e) != 0) {
            return e->kind == ERR_INTERRUPTED ? -1 : halfmade_busy(r->maintenance, r->name, e);
        }
    }
    (void)halfmade_lock(r->maintenance, r->working_name);
    return 0;
}

static int
mend_main(struct restore *r, struct err *e)
{
    const int pid = r->pid;

    do { /* likewise */
        err_clear(e);
        pg_close(r->conn);
        if ((r->conn = connect_again(r, target_connect, e)) == NULL) {
            return -1;
        }
        r->pid = PQbackendPID(r->conn);
        if (check_same_server(r, r->conn, e) == 0 && end_session(r->conn, pid, e) == 0) {
            return 0;
        }
    } while (is_lost(r->conn, e) && r->n_lost++ < LOST_MAX);
    pg_close(r->conn);
    r->conn = NULL;
    return -1;
}

int
lost_mend(struct restore *r, struct err *e)
{
    if (cancel_check(e) != 0) {
        return -1;
    }
    if (!answers(r->maintenance)) {
        log_warn("the connection that waited outside of the new database was lost: another one");
        if (mend_maintenance(r, e) != 0) {
            return -1;
        }
    }
    if (r->conn != NULL && !answers(r->conn)) {
        log_warn("the connection that waited in the new database was lost: another one");
        return mend_main(r, e);
    }
    return 0;
}

bool
lost_main_again(struct restore *r, struct err *e)
{
    struct err why = ERR_INIT;

    if (!is_lost(r->conn, e) || r->n_lost++ == LOST_MAX) {
        return false;
    }
    log_warn("%s (%s)", lost, e->text);
    if (mend_main(r, &why) != 0) {
        *e = why;
        return false;
    }
    r->resumes = true;
    err_clear(e);
    return true;
}
