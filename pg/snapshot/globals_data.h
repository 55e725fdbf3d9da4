/*
 * globals_data.h - roles, memberships, their settings, tablespaces, privileges on parameters as
 * data: compared by verify on a server (inventory_compare(), "globals").
 */
#ifndef PG_SNAPSHOT_GLOBALS_DATA_H
#define PG_SNAPSHOT_GLOBALS_DATA_H

#include "pg/snapshot/snapshot.h"

/* Into s->globals_data.  Passwords when s->passwords: as SHA-256 of the value in pg_authid, so that
 * they can be compared but not read.  A part that may not be read is empty, with a warning, and
 * s->globals becomes false. */
int globals_data_read(struct snapshot *s, PGconn *now, struct err *);

#endif
