/*
 * inventory_sql.h - common parts of the queries of inventory_omitted.c and inventory_beyond.c.
 */
#ifndef PG_SNAPSHOT_INVENTORY_SQL_H
#define PG_SNAPSHOT_INVENTORY_SQL_H

/* OIDs below it: made by initdb. */
#define FIRST_USER_OID "16384"

/*
 * The age of one of the last objects that initdb makes and that nobody changes, the rule of
 * information_schema.user_mappings: younger rows of system catalogs were modified later.  (xmin
 * stays readable after freezing, since 9.4.)
 */
#define INITDB_AGE                                                                                 \
    "(SELECT age(w.xmin) FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class v ON v.oid = "      \
    "w.ev_class WHERE v.relname = 'user_mappings' AND v.relnamespace = "                           \
    "to_regnamespace('information_schema'))"

/* Replaced by a JSON array, as a literal: the list of the other side of a comparison, whose
 * elements are all listed on this side, too. */
#define INVENTORY_OTHER ":other"

/* inventory_beyond.c: kind, name, extension and version, or NULL; state or digest, to be compared;
 * changed: as far as visible on this side; sql, or NULL. */
extern const char inventory_beyond_sql[];
extern const char inventory_broken_sql[]; /* kind, name, state */
extern const char inventory_counts_sql[]; /* name, rows */

#endif
