/*
 * lost.h - a connection to the server that is lost while rows are loaded: what it was doing is done
 * again on another one.
 *
 * A session that is gone is ended on the server, too, where nobody may have noticed yet, and waited
 * for.  Whether its last transaction had been committed is then asked by the transaction's number.
 * So rows are neither missing nor there twice.
 *
 * Commits are not waited for while loading (synchronous_commit is off).  They outlive any session,
 * but not a crash of the server: then nothing is done again, and the restore ends.  Nor is it if
 * somebody has ended the session on purpose.
 */
#ifndef RESTORE_LOAD_LOST_H
#define RESTORE_LOAD_LOST_H

#include "restore/job/restore.h"

/* Before rows are loaded: which server this is.  -1: ERR_PG. */
int lost_begin(struct restore *, struct err *);

/* BEGIN on the session for rows, noting the transaction's number. */
int lost_transaction(struct worker *, struct err *);

/* A session in the new database; one that a network keeps from being made is tried again.  Once
 * rows are loaded, only on the same server.  NULL: ERR_PG, ERR_IO, ERR_INTERRUPTED. */
PGconn *lost_connect(struct restore *, struct err *);

/* After an error of a worker's, which may also have been that a session of its loader could not be
 * made.  True: its connection was lost, and it has a new one; *committed (NULL: there was no
 * lost_transaction()) says whether the last transaction has taken effect, and what was done without
 * one may have (restore.resumes is set).  False: the error stands. */
bool lost_again(struct restore *, struct worker *, bool *committed, struct err *);

/* The same for the main connection, and for statements that take effect at once or not at all. */
bool lost_main_again(struct restore *, struct err *);

/* Between phases: the main connection, and the one outside of the new database with its locks, are
 * made anew if they are lost. */
int lost_mend(struct restore *, struct err *);

#endif
