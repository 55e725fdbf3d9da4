#include "pg/rows/largeobject.h"

#include <stdlib.h>

static const char *const page_columns[] = {"loid", "pageno", "data"};

/* A recursive query per object, so that memory holds one page and not one page of every object. */
static const char pages_by_function[] =
    "COPY (SELECT m.oid, p.pageno, p.data FROM pg_catalog.pg_largeobject_metadata m, LATERAL ("
    "WITH RECURSIVE page(pageno, data) AS ("
    "SELECT 0, pg_catalog.lo_get(m.oid, 0, 2048) "
    "UNION ALL "
    "SELECT pageno + 1, pg_catalog.lo_get(m.oid, (pageno + 1)::pg_catalog.int8 * 2048, 2048) "
    "FROM page WHERE pg_catalog.length(data) = 2048) "
    "SELECT pageno, data FROM page WHERE pg_catalog.length(data) > 0) p ORDER BY 1, 2) TO STDOUT "
    "(FORMAT binary)";

/* Joins and a CASE: functions and subqueries for each object cost four times as much with 200,000
 * objects without ACL, comment and label.  An ACL of NULL is the default, '{}' one where everything
 * is revoked, even from the owner. */
static const char metadata[] =
    "COPY (SELECT m.oid, pg_catalog.pg_get_userbyid(m.lomowner), "
    "CASE WHEN m.lomacl IS NOT NULL THEN NULLIF(COALESCE((SELECT pg_catalog.array_agg(a ORDER BY "
    "a::pg_catalog.text) "
    "FROM pg_catalog.unnest(m.lomacl) a)::pg_catalog.text, '{}'), "
    "(SELECT pg_catalog.array_agg(a ORDER BY a::pg_catalog.text) "
    "FROM pg_catalog.unnest(pg_catalog.acldefault('L', m.lomowner)) a)::pg_catalog.text) END, "
    "d.description, l.labels "
    "FROM pg_catalog.pg_largeobject_metadata m "
    "LEFT JOIN pg_catalog.pg_description d ON d.objoid = m.oid AND d.objsubid = 0 "
    "AND d.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass "
    "LEFT JOIN (SELECT s.objoid, pg_catalog.array_agg(x ORDER BY s.provider, n) AS labels FROM "
    "pg_catalog.pg_seclabel s, "
    "LATERAL (VALUES (1, s.provider), (2, s.label)) v(n, x) "
    "WHERE s.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass GROUP BY s.objoid) l ON "
    "l.objoid = m.oid "
    "ORDER BY m.oid) TO STDOUT";

int
lo_pages_table(PGconn *conn, bool by_function, struct scan_table *out, struct err *e)
{
    PGresult *res;

    *out = (struct scan_table){
        .copy = {.schema = "pg_catalog", .name = "pg_largeobject", .binary = true}};
    if (by_function) {
        out->sql = pages_by_function;
        return 0;
    }
    res = pg_query(conn, e,
                   "SELECT pg_catalog.pg_relation_size(c.oid) / "
                   "pg_catalog.current_setting('block_size')::pg_catalog.int8, "
                   "pg_catalog.pg_table_size(c.oid) "
                   "FROM pg_catalog.pg_class c WHERE c.oid = "
                   "'pg_catalog.pg_largeobject'::pg_catalog.regclass",
                   0, NULL);
    if (res == NULL)
        return err_wrap(e, "large objects");
    out->copy.columns = page_columns;
    out->copy.n_columns = sizeof page_columns / sizeof page_columns[0];
    out->heap_blocks = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
    out->bytes = strtoull(PQgetvalue(res, 0, 1), NULL, 10);
    out->rangeable = true;
    PQclear(res);
    return 0;
}

void
lo_metadata_table(struct scan_table *out)
{
    *out = (struct scan_table){.copy = {.schema = "pg_catalog", .name = "pg_largeobject_metadata"},
                               .sql = metadata};
}
