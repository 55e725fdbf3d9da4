/*
 * newdb.h - CREATE DATABASE as described by a backup's manifest, for any version of the target
 * server.
 *
 * Always from template0.  LOCALE_PROVIDER is known from 15 on, builtin from 17 (docs/postgresql.md,
 * "Restore order"). Owner, settings, comment and privileges are set by properties_sql().
 */
#ifndef PG_TARGET_NEWDB_H
#define PG_TARGET_NEWDB_H

#include "core/json.h"
#include "pg/conn/conn.h"

/* properties: the manifest's "database" section (inventory_database()); NULL or missing keys: the
 * server's defaults.  tablespace NULL: the server's default one.  ERR_EXISTS when there is a
 * database of that name. */
int newdb_create(PGconn *, const json_t *properties, const char *name, const char *tablespace,
                 struct err *);

#endif
