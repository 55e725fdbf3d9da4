/*
 * likeness.c - what a server and its tables say of themselves.
 */
#include "pg/snapshot/likeness.h"

#include <stdlib.h>
#include <string.h>

void
likeness_digest(const char *text, uint8_t server[SHA256_BYTES])
{
    sha256(text, strlen(text), server);
}

int
likeness_protect(PGconn *conn, struct err *why)
{
    return pg_exec(conn, why, "SAVEPOINT likeness");
}

int
likeness_unprotect(PGconn *conn, int rc, struct err *why)
{
    struct err ignored = ERR_INIT;

    if (rc == 0) {
        return pg_exec(conn, why, "RELEASE SAVEPOINT likeness");
    }
    (void)pg_exec(conn, &ignored, "ROLLBACK TO SAVEPOINT likeness; RELEASE SAVEPOINT likeness");
    return -1;
}

/* Stored generated columns have a fingerprint of their text (scan.h).  The text of these types is
 * the same in every session of ours, as conn/session.c has set what it depends on: bool, bytea,
 * "char", int8, int2, int4, text, json, float4, float8, bpchar, varchar, date, timestamp,
 * timestamptz, numeric, uuid, tsvector, jsonb.  Tables with others are always read. */
#define TEXT_IS_FIXED                                                                              \
    "'{16,17,18,20,21,23,25,114,700,701,1042,1043,1082,1114,1184,1700,2950,3614,3802}'"

/* Columns by number, type and so on: what makes a row of a block's bytes. */
static const char tables_sql[] =
    "SELECT c.oid, CASE c.reltablespace WHEN 0 THEN d.dattablespace ELSE c.reltablespace END,"
    " c.relfilenode, pg_catalog.concat_ws(' ', c.oid, c.relfilenode, c.reltablespace, t.oid,"
    "    t.relfilenode, t.reltablespace, a.columns)"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_am m ON m.oid = c.relam AND m.amname = 'heap'"
    " JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()"
    " LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid"
    " LEFT JOIN LATERAL (SELECT pg_catalog.bool_or(attgenerated = 's' AND atttypid <> "
    "       ALL (" TEXT_IS_FIXED
    "::oid[])) AS unfixed,"
    "    pg_catalog.string_agg(pg_catalog.concat_ws(' ', attnum, attname, atttypid, atttypmod,"
    "       attgenerated, attisdropped, atthasmissing), ',' ORDER BY attnum) AS columns"
    "    FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum > 0) a ON true"
    " WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.relfilenode <> 0"
    "    AND c.oid >= 16384 AND NOT COALESCE(a.unfixed, false)"
    "    AND ($1::pg_catalog.oid[] IS NULL OR c.oid = ANY ($1::pg_catalog.oid[]))";

static uint32_t
oid_at(const PGresult *r, int row, int column)
{
    return (uint32_t)strtoul(PQgetvalue(r, row, column), NULL, 10);
}

int
likeness_tables(PGconn *conn, const char *oids, likeness_table_fn *fn, void *ctx, struct err *why)
{
    PGresult *r;

    if (likeness_protect(conn, why) != 0) {
        return -1;
    }
    r = pg_query(conn, why, tables_sql, 1, &oids);
    for (int i = 0; i < PQntuples(r); i++) {
        fn(ctx,
           &(struct likeness_table){oid_at(r, i, 0), oid_at(r, i, 1), oid_at(r, i, 2),
                                    PQgetvalue(r, i, 3)});
    }
    PQclear(r);
    return likeness_unprotect(conn, r == NULL ? -1 : 0, why);
}
