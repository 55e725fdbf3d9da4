/*
 * wait.h - waiting for a server without being deaf to SIGINT: what conn.c and copy.c are built on.  Internal to pg/.
 */
#ifndef PG_WAIT_H
#define PG_WAIT_H

#include <poll.h>

#include "pg/conn.h"

/* Until the socket is ready for one of events (POLLIN, POLLOUT), which are returned; -1 with
 * ERR_INTERRUPTED when cancel.h is raised, ERR_PG when the connection is gone. */
int pg_await(PGconn *, short events, struct err *);

/* The statement's result after PQsendQuery(): the last one, or NULL and *e from the first that failed.
 * One that begins a COPY is returned at once. */
PGresult *pg_finish(PGconn *, struct err *);

/* Has the server stop what it does, and reads until it has; what happens on the way is of no interest.  Takes
 * a COPY out of either direction to its end.  Gives up after some seconds (the connection is of no use then). */
void pg_cancel_drain(PGconn *);

#endif
