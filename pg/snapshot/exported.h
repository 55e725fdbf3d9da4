/*
 * exported.h - a transaction on a snapshot that another session has exported and still holds.
 */
#ifndef PG_SNAPSHOT_EXPORTED_H
#define PG_SNAPSHOT_EXPORTED_H

#include "pg/conn/conn.h"

/* REPEATABLE READ, READ ONLY.  On failure a transaction may be open. */
int exported_begin(PGconn *, const char *id, struct err *);

#endif
