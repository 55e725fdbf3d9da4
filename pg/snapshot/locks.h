/*
 * locks.h - ACCESS SHARE locks on everything that will be read, and whether the lock table is large
 * enough.
 */
#ifndef PG_SNAPSHOT_LOCKS_H
#define PG_SNAPSHOT_LOCKS_H

#include "pg/snapshot/snapshot.h"

/* True when the coordinator's locks and pg_dump's (both hold n) may not fit into the server's
 * lock table. */
int locks_short(PGconn *, size_t n, bool *is_short, struct err *);

/* The number of tables of the catalog that the options select. */
size_t tables_wanted(const struct snapshot_options *, const struct catalog *);

/* LOCK TABLE ONLY … IN ACCESS SHARE MODE for every wanted ordinary and partitioned table, in the
 * caller's transaction, which should not have a snapshot yet (LOCK takes none).  Waits at most
 * lock_timeout_ms. ERR_BUSY names a locked table and the holder (after that the transaction is
 * rolled back); ERR_PG with SQLSTATE 42P01 for a table that was dropped. */
int tables_lock(PGconn *, const struct snapshot_options *, const struct catalog *, struct err *);

/* The error of a pg_dump that ran before the coordinator's locks: when it timed out waiting for a
 * lock, the same ERR_BUSY, on a connection that is in no transaction.  Always -1. */
int locks_explain_dump(PGconn *, const struct snapshot_options *, struct err *);

#endif
