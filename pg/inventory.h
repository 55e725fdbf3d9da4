/*
 * inventory.h - facts about server and database as JSON: recorded at backup time, compared by verify.
 *
 * Each function runs a few catalog queries on the given connection and returns a new reference, or NULL.
 * Shapes: docs/repository-format.md.  Keys that a comparison must ignore or treat in a special way are listed in inventory.c.
 */
#ifndef PG_INVENTORY_H
#define PG_INVENTORY_H

#include <jansson.h>

#include "core/mem.h"
#include "pg/conn.h"

json_t *inventory_server(PGconn *, struct err *);      /* version, version_num, system_identifier (hex), standby, block size, settings that matter */
json_t *inventory_database(PGconn *, struct err *);    /* name, oid, owner, encoding, collate, ctype, provider, locale, collation version, connection limit, comment, acl, size_bytes, settings [] */
json_t *inventory_snapshot(PGconn *, struct err *);    /* time, lsn (hex), xmin/xmax/… */
json_t *inventory_xid(PGconn *, struct err *);         /* age of datfrozenxid and datminmxid, the ten worst tables */
json_t *inventory_extensions(PGconn *, struct err *);  /* name, version, schema, owner, relocatable */
json_t *inventory_omitted(PGconn *, struct err *);     /* what pg_dump does not carry: changed extension members, user objects in pg_catalog, comments on built-ins, subscriptions, database settings … */

/* Differences between two such sections, one sentence each ("extension hstore: version 1.8, was 1.7"). */
void    inventory_compare(const char *what, const json_t *want, const json_t *have, struct strlist *out);

#endif
