/*
 * globals.h - what belongs to the cluster, not to one database: roles, memberships, tablespaces,
 * settings.
 *
 * pg_dumpall knows no snapshot, so globals are read after pg_dump, and every role that owns or may
 * use something in the snapshot must be found in them.
 */
#ifndef PG_SNAPSHOT_GLOBALS_H
#define PG_SNAPSHOT_GLOBALS_H

#include "pg/snapshot/snapshot.h"

/* pg_dumpall --globals-only into s->globals_sql, and roles and tablespaces as data into
 * s->globals_data.  Passwords are left out when the role may not read pg_authid; globals that
 * cannot be read at all are a warning, not an error.  now: a connection without an open
 * transaction. */
int globals_read(struct snapshot *, PGconn *now, struct err *);

/* Owners and grantees that the snapshot sees and the globals do not hold: one role name each. */
int globals_missing(struct snapshot *, struct strlist *missing, struct err *);

#endif
