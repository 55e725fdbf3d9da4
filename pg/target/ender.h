/*
 * ender.h - ends the sessions in a database that another connection has locked, on a thread and a
 * connection of its own.
 *
 * ALTER DATABASE ... RENAME takes a lock for which new sessions wait, and then waits up to five
 * seconds until no session is left.  Nobody is ended before the lock is held: until then the rename
 * may have to give up.  Autovacuum's workers, which have no user, are ended by the server itself; a
 * session that only a superuser may end is skipped.
 */
#ifndef PG_TARGET_ENDER_H
#define PG_TARGET_ENDER_H

#include <pthread.h>
#include <stdatomic.h>

#include "pg/conn/conn.h"

/* A condition on pg_roles u, a session's user: may this role end it?  One refusal would end
 * none. */
#define ENDER_MAY                                                                                  \
    "((SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) OR (NOT u.rolsuper " \
    "AND (pg_catalog.pg_has_role(u.oid, 'USAGE') OR pg_catalog.pg_has_role('pg_signal_backend', "  \
    "'USAGE'))))"

/* A condition on pg_locks l: a lock on a database. */
#define ENDER_ON_DATABASE                                                                          \
    "(l.locktype = 'object' AND l.classid = 'pg_catalog.pg_database'::pg_catalog.regclass)"

struct ender {
    PGconn     *conn;
    char        pid[16]; /* of the backend that locks */
    PGconn    **last;    /* a session in that database which ends when no other is left; or NULL */
    atomic_bool done;
    pthread_t   thread;
};

/* here: where to connect; locker: the connection that is going to rename.  *last (last NULL: none)
 * belongs to the thread until ender_stop(), and is NULL when it has been closed. */
int  ender_start(struct ender *, const struct pg_target *here, PGconn *locker, PGconn **last,
                 struct err *);
void ender_stop(struct ender *); /* accepts a zeroed one, and one that did not start */

#endif
