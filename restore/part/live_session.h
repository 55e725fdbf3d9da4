/*
 * live_session.h - sessions in the existing database that a part goes into.
 */
#ifndef RESTORE_PART_LIVE_SESSION_H
#define RESTORE_PART_LIVE_SESSION_H

#include "restore/job/restore.h"

/* One more connection to the database; no wait for a lock in it is longer than --lock-timeout. */
PGconn *live_session(struct restore *, struct err *);

/* After an error: when it was a wait for a lock, its hint names who holds it, if he still does. */
void live_name_holder(struct restore *, struct err *);

/* The encoding of the backup's rows and definitions, if the database has another; NULL. */
const char *live_other_encoding(const struct restore *, PGconn *);

/* Begins the transaction that changes live tables: its commit is durable, deferrable constraints
 * are checked at its end, and with --disable-triggers no trigger fires. */
int live_session_begin(struct restore *, PGconn *, const char *isolation, struct err *);

/* A foreign key was violated: option brings the other table, too, which the server has named, or
 * not. */
void live_hint_reference(const char *option, struct err *);

#endif
