/*
 * wait.h - waiting for a server without being deaf to SIGINT: what conn.c and copy.c are built on.
 * Internal to pg/.
 */
#ifndef PG_CONN_WAIT_H
#define PG_CONN_WAIT_H

#include <poll.h>

#include "pg/conn/conn.h"

/* Until the socket is ready for one of events (POLLIN, POLLOUT), which are returned.  0 after a
 * second without: whoever waits looks again, since libpq leaves what came unread where it finds no
 * memory for it, and the server may wait for us.  -1 with ERR_INTERRUPTED when cancel.h is raised,
 * ERR_PG when the connection is gone. */
int pg_await(PGconn *, short events, struct err *);

/* The result of the next statement after PQsendQuery(): NULL and *e when it failed (then nothing
 * is left to be read), or when there is none. */
PGresult *pg_next(PGconn *, struct err *);

/* The last result of all that is left: NULL and *e from the first statement that failed, NULL
 * and an empty *e when nothing was left.  One that begins a COPY is returned at once. */
PGresult *pg_finish(PGconn *, struct err *);

/* Has the server stop what it does, and reads until it has; what happens on the way is of no
 * interest.  Takes a COPY out of either direction to its end.  Gives up after some seconds (the
 * connection is of no use then). */
void pg_cancel_drain(PGconn *);

#endif
