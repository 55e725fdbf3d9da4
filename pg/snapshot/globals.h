/*
 * globals.h - objects of the cluster, not of one database: roles, memberships, tablespaces,
 * settings.
 *
 * pg_dumpall has no snapshot, so globals are read after pg_dump, and every role that owns or has
 * rights on something in the snapshot must be among them.
 */
#ifndef PG_SNAPSHOT_GLOBALS_H
#define PG_SNAPSHOT_GLOBALS_H

#include "pg/snapshot/snapshot.h"

/* pg_dumpall --globals-only into s->globals_sql, and roles and tablespaces as data into
 * s->globals_data.  Passwords are left out when the role may not read pg_authid; globals that
 * cannot be read at all are a warning, not an error.  now: a connection without an open
 * transaction. */
int globals_read(struct snapshot *, PGconn *now, struct err *);

/* Owners and grantees that are missing from the globals: one role name each.  snap: a session whose
 * transaction is on the snapshot. */
int globals_missing(struct snapshot *, PGconn *snap, struct strlist *missing, struct err *);

#endif
