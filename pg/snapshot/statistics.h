/*
 * statistics.h - what the planner knows of tables, as pg_stats shows it.
 *
 * A restore into a server >= 18 hands it to pg_restore_attribute_stats() in place of ANALYZE, which
 * would have to read rows.  So it must be worth as much: only tables whose statistics are complete
 * and fresh, by what autovacuum calls so, and large enough for ANALYZE to take longer (below 32
 * pages it does not).  Left out is what those functions do not take, and what pg_stats does not
 * show: tables with extended statistics, and columns of types with statistics of their own kind.
 *
 * Columns of domains, composite types and user-defined ranges are left out on both sides
 * (STATISTICS_FINE): reading a value of such a type may run the functions of a CHECK, which
 * ANALYZE does with the rights of the table's owner, and those functions would not.
 */
#ifndef PG_SNAPSHOT_STATISTICS_H
#define PG_SNAPSHOT_STATISTICS_H

#include "pg/conn/conn.h"

/* SQL: do values of type ty (pg_type; element: that of its elements, or NULL) take nobody's code?
 * Types that initdb made, enums, base types, and arrays of these.  16384: see catalog_sql.c. */
#define STATISTICS_FINE(ty, element)                                                               \
    "(" ty ".oid < 16384 OR " ty ".typtype = 'e' OR (" ty ".typtype = 'b' AND (" ty                \
    ".typelem = 0 OR " element ".oid < 16384 OR " element ".typtype = 'e' OR (" element            \
    ".typtype = 'b' AND " element ".typelem = 0))))"

/* The statistics of one table: n bytes, a JSON object (docs/repository-format.md). */
typedef int statistics_fn(void *ctx, uint32_t oid, const char *json, size_t n, struct err *);

/* In the session's transaction, which outlives a failure of the server's: such a one is said, and
 * what comes after it is left out.  Tables by schema and name, as in the catalog.  -1: the
 * callback's error, or the transaction is gone. */
int statistics_read(PGconn *, statistics_fn *, void *ctx, struct err *);

#endif
