/*
 * locks.h - ACCESS SHARE locks on everything that will be read, and whether there is room for them.
 */
#ifndef PG_SNAPSHOT_LOCKS_H
#define PG_SNAPSHOT_LOCKS_H

#include "pg/snapshot/snapshot.h"

/* True when the coordinator's locks and pg_dump's (both hold n) may not fit into the server's
 * lock table. */
int locks_short(PGconn *, size_t n, bool *is_short, struct err *);

/* How many tables of the catalog the options want. */
size_t tables_wanted(const struct snapshot_options *, const struct catalog *);

/* LOCK TABLE ONLY … IN ACCESS SHARE MODE for every wanted ordinary and partitioned table, in the
 * caller's transaction, before it has a snapshot if the caller is careful (LOCK takes none).
 * Waits at most lock_timeout_ms. ERR_BUSY names a locked table and the holder (after
 * that the transaction is rolled back); ERR_PG with SQLSTATE 42P01 for a table that has gone. */
int tables_lock(PGconn *, const struct snapshot_options *, const struct catalog *, struct err *);

/* The error of a pg_dump that ran without our locks: when it waited for one in vain, the same
 * ERR_BUSY, on a connection that is in no transaction.  Always -1. */
int locks_explain_dump(PGconn *, const struct snapshot_options *, struct err *);

#endif
