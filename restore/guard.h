/*
 * guard.h - keeps a database as it is while it is backed up, so that nothing that is written to it
 * is lost when it is dropped.
 *
 * A session in it holds SHARE locks on every table and on the large objects, which only a
 * superuser's can: anybody else's is refused where there are any.  Others may read, and wait to
 * write.  Who has written in a transaction that has not ended is ended: these locks cannot be had
 * otherwise, and all sessions will be.  Definitions that no such lock protects are compared at the
 * end.  Sequences may move on.
 *
 * The locks are the session's: however this tool ends, the database is again as it was.
 */
#ifndef RESTORE_GUARD_H
#define RESTORE_GUARD_H

#include "pg/conn/conn.h"

/* server: dbname is that of the database.  NULL: not to be had, or not allowed. */
PGconn *guard_open(const struct pg_target *server, struct err *);
/* Is everything still as it was?  -1: no (ERR_BUSY), or the session is lost. */
int guard_check(PGconn *guard, const struct pg_target *server, struct err *);

#endif
