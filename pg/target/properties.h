/*
 * properties.h - a database's own owner, comment, labels, settings, privileges.
 *
 * From the manifest, and not by `pg_restore --create`: that prints them under the source's name,
 * with psql commands between them, and fails if the name holds a line end.
 */
#ifndef PG_TARGET_PROPERTIES_H
#define PG_TARGET_PROPERTIES_H

#include "core/json.h"
#include "core/mem.h"
#include "pg/conn/conn.h"

struct properties_options {
    bool no_owner, no_privileges;
};

/* Appends the statements that give database name the properties (the manifest's "database"
 * section, inventory_database(); NULL: none).  Not IS_TEMPLATE: a template cannot be dropped
 * again.  Not CONNECTION LIMIT, which keeps others out until the end.  Both come with the name. */
int properties_sql(PGconn *, const json_t *properties, const char *name,
                   const struct properties_options *, struct strlist *out, struct err *);

#endif
