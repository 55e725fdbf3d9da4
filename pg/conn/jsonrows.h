/*
 * jsonrows.h - query results as JSON.  Internal to pg/.
 *
 * Column names become keys.  boolean, int2, int4, int8 and oid become their JSON types, SQL
 * null becomes null, everything else text (bytes that are not UTF-8: {"b64": …}).
 */
#ifndef PG_CONN_JSONROWS_H
#define PG_CONN_JSONROWS_H

#include "core/json.h"
#include "pg/conn/conn.h"

/* An array of objects, a row each. */
json_t *pg_rows_json(PGconn *, const char *sql, struct err *);
/* An object: the only row. */
json_t *pg_row_json(PGconn *, const char *sql, struct err *);
/* An array of the first column's values. */
json_t *pg_column_json(PGconn *, const char *sql, struct err *);

#endif
