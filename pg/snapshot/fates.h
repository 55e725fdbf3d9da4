/*
 * fates.h - a pattern in a server's commit log, by which a later session sees that this is still
 * the history in which it was left.
 *
 * A few transactions that do nothing but get an id, and half of which are rolled back, by chance
 * which.  What a server does not know of each as it was noted has lost, in a crash or because it
 * was put back to a former state, what came after, or the log of that time; ids that others have
 * got since then do not end by the same pattern, but for one chance in 300 million.
 *
 * The last one is committed: its record in WAL comes after those of all that had ended before
 * fates_leave() was called.  While it is known, these are, too: also commits that nobody waited for
 * (synchronous_commit = off).
 */
#ifndef PG_SNAPSHOT_FATES_H
#define PG_SNAPSHOT_FATES_H

#include "pg/conn/conn.h"

enum { FATES = 32 };
struct fates {
    uint64_t id[FATES];
    uint8_t  committed[FATES]; /* 0: rolled back */
};

/* In a session of its own.  FATES transaction ids are used, and two small records of WAL for each;
 * nobody waits for a disk. */
int fates_leave(const struct pg_target *, struct fates *, struct err *);
/* 0: all are as they were noted; else *why says that the server is not what it was. */
int fates_match(PGconn *, const struct fates *, struct err *why);

#endif
