/*
 * wait.h - waiting for a server so that SIGINT can interrupt, for conn.c and copy.c.  Internal to
 * pg/.
 */
#ifndef PG_CONN_WAIT_H
#define PG_CONN_WAIT_H

#include <poll.h>

#include "pg/conn/conn.h"

/* Until the socket is ready for one of events (POLLIN, POLLOUT), which are returned.  0 after a
 * second without: the caller then checks again, since libpq leaves data unread if it has no memory
 * for it, and the server may be waiting.  -1 with ERR_INTERRUPTED when cancel.h is raised, ERR_PG
 * when the connection is gone. */
int pg_await(PGconn *, short events, struct err *);

/* The result of the next statement after PQsendQuery(): NULL and *e when it failed (then nothing
 * is left to be read), or when there is none. */
PGresult *pg_next(PGconn *, struct err *);

/* The last result of all that is left: NULL and *e from the first statement that failed, NULL
 * and an empty *e when nothing was left.  One that begins a COPY is returned at once. */
PGresult *pg_finish(PGconn *, struct err *);

/* Fills *e from a connection that was not made; it must have been verbose from its beginning (the
 * SQLSTATE is in the text only then, and is taken out of it).  Returns -1. */
int pg_refused(PGconn *, struct err *);

/* Cancels the current statement, and reads until it has ended; errors meanwhile are ignored. Ends a
 * COPY in either direction. Gives up after some seconds (the connection is then unusable). */
void pg_cancel_drain(PGconn *);

#endif
