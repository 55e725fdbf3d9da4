/*
 * newdb.h - CREATE DATABASE as a backup's manifest describes it, for whatever version the target
 * server has.
 *
 * Always from template0.  LOCALE_PROVIDER is known from 15 on, builtin from 17 (docs/postgresql.md,
 * "Restore order"). Owner, settings, comment and privileges are not its business:
 * properties_sql() has them.
 */
#ifndef PG_TARGET_NEWDB_H
#define PG_TARGET_NEWDB_H

#include "core/json.h"
#include "pg/conn/conn.h"

/* properties: the manifest's "database" section (inventory_database()); NULL or missing keys: the
 * server's defaults.  tablespace NULL: the server's default one.  ERR_EXISTS when a database of
 * that name is there. */
int newdb_create(PGconn *, const json_t *properties, const char *name, const char *tablespace,
                 struct err *);

#endif
