/*
 * catalog_sql.h - the queries of catalog.c.  Internal to pg/.
 */
#ifndef PG_SNAPSHOT_CATALOG_SQL_H
#define PG_SNAPSHOT_CATALOG_SQL_H

extern const char catalog_sql_facts[];        /* superuser, in recovery, encoding, large objects */
extern const char catalog_sql_tables[];       /* by schema and name */
extern const char catalog_sql_columns[];      /* in the tables' order, by attnum */
extern const char catalog_sql_load_via[];     /* OID, schema and name of the ancestor */
extern const char catalog_sql_foreign_code[]; /* OID */
extern const char catalog_sql_sizes[];        /* OID, heap blocks, bytes */
extern const char catalog_sql_rough_sizes[];  /* the same */
extern const char catalog_sql_sequences[];
extern const char catalog_sql_matviews[];

#endif
