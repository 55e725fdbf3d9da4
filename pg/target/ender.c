#include "pg/target/ender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAUSE_NS = 10 * 1000 * 1000 };

/* $1: the backend that locks; $2: the session that stays till the end, or 0. */
#define LOCKED                                                                                     \
    "pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON l.pid = $1::pg_catalog.int4 AND " \
    "l.granted AND l.mode = 'AccessExclusiveLock' AND a.datid = l.objid AND " ENDER_ON_DATABASE

static const char end_them[] = "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM " LOCKED
                               " JOIN pg_catalog.pg_roles u ON u.oid = a.usesysid WHERE a.pid <> "
                               "$2::pg_catalog.int4 AND " ENDER_MAY;
static const char only_last[] =
    "SELECT pg_catalog.count(*) FILTER (WHERE a.pid <> $2::pg_catalog.int4) = 0 FROM " LOCKED
    " HAVING pg_catalog.count(*) > 0";

static void
end_last(struct ender *x, const char *const *params)
{
    struct err ignored = ERR_INIT;
    char      *alone = pg_value(x->conn, &ignored, only_last, 2, params);

    if (alone != NULL && *alone == 't') {
        pg_close(*x->last);
        *x->last = NULL;
    }
    free(alone);
}

static void *
run(void *arg)
{
    struct ender         *x = arg;
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    char                  stays[16] = "0";

    while (!atomic_load(&x->done)) {
        struct err  ignored = ERR_INIT;
        const char *params[] = {x->pid, stays};
        bool        has_last = x->last != NULL && *x->last != NULL;

        (void)snprintf(stays, sizeof stays, "%d", has_last ? PQbackendPID(*x->last) : 0);
        PQclear(pg_query(x->conn, &ignored, end_them, 2, params));
        if (has_last) {
            end_last(x, params);
        }
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

int
ender_start(struct ender *x, const struct pg_target *here, PGconn *locker, PGconn **last,
            struct err *e)
{
    *x = (struct ender){.last = last};
    (void)snprintf(x->pid, sizeof x->pid, "%d", PQbackendPID(locker));
    if ((x->conn = pg_connect(here, PG_RESTORING, "pgassay-restore", e)) == NULL) {
        return -1;
    }
    if (pthread_create(&x->thread, NULL, run, x) != 0) {
        pg_close(x->conn);
        x->conn = NULL;
        return err_set(e, ERR_IO, "no thread can be started");
    }
    return 0;
}

void
ender_stop(struct ender *x)
{
    if (x->conn != NULL) {
        atomic_store(&x->done, true);
        (void)pthread_join(x->thread, NULL);
        pg_close(x->conn);
        x->conn = NULL;
    }
}
