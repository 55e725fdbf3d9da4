#include "pg/snapshot/statistics.h"

#include <stdlib.h>

#include "core/log.h"

/*
 * Which tables.  A partitioned one has no pages, its rows are those that ANALYZE has estimated (of
 * 14 and later; before that none, and it is left out).  Stale: as autovacuum's defaults have it.  A
 * standby does not know how stale, and has them as fresh as its primary's autovacuum keeps them;
 * a restore also compares the number of rows (restore/load/statistics.c).
 *
 * own: statistics of its own rows; family: of these and its children's.
 */
#define TABLES                                                                                     \
    "WITH want AS MATERIALIZED (SELECT c.oid, n.nspname, c.relname, c.reltuples,"                  \
    " c.relkind = 'r' AS own, c.relkind = 'p' OR EXISTS (SELECT FROM pg_catalog.pg_inherits i"     \
    "   WHERE i.inhparent = c.oid) AS family"                                                      \
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"         \
    " WHERE ((c.relkind = 'r' AND c.relpages >= 32 AND c.reltuples > 0)"                           \
    "     OR (c.relkind = 'p' AND c.reltuples >= 1000))"                                           \
    " AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%'"                                 \
    " AND n.nspname <> 'information_schema'"                                                       \
    " AND NOT (pg_catalog.pg_is_in_recovery() AND EXISTS (SELECT FROM pg_catalog.pg_class u"       \
    "   WHERE u.relpersistence = 'u' AND (u.oid = c.oid OR u.oid IN (SELECT p.relid FROM "         \
    "pg_catalog.pg_partition_tree(c.oid) p))))"                                                    \
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = "                       \
    "'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"                     \
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_statistic_ext x WHERE x.stxrelid = c.oid)"         \
    " AND pg_catalog.pg_stat_get_mod_since_analyze(c.oid) <= 50 + c.reltuples * 0.1"               \
    " ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\")"

/* Each by an index: never all of pg_stats.  A column of a table by its name, one of an index by its
 * number, as the server makes up its name. */
#define COLUMNS(ranges)                                                                            \
    "SELECT pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object("         \
    "'column', CASE WHEN h.index IS NULL THEN a.attname END, 'index', h.index,"                    \
    " 'attnum', CASE WHEN h.index IS NOT NULL THEN a.attnum END,"                                  \
    " 'inherited', f.inherited, 'null_frac', s.null_frac, 'avg_width', s.avg_width,"               \
    " 'n_distinct', s.n_distinct, 'most_common_vals', s.most_common_vals::text,"                   \
    " 'most_common_freqs', s.most_common_freqs::text,"                                             \
    " 'histogram_bounds', s.histogram_bounds::text, 'correlation', s.correlation,"                 \
    " 'most_common_elems', s.most_common_elems::text,"                                             \
    " 'most_common_elem_freqs', s.most_common_elem_freqs::text,"                                   \
    " 'elem_count_histogram', s.elem_count_histogram::text" ranges                                 \
    "))"                                                                                           \
    "   ORDER BY h.index COLLATE \"C\" NULLS FIRST, a.attnum, f.inherited)"                        \
    "   FILTER (WHERE s.attname IS NOT NULL) AS columns,"                                          \
    " pg_catalog.bool_and(fine AND (s.attname IS NOT NULL OR a.attgenerated = 'v' OR "             \
    "a.attstattarget IS NOT DISTINCT FROM 0)) AS whole"                                            \
    " FROM (SELECT w.oid, w.relname AS name, NULL::name AS index"                                  \
    "   UNION ALL SELECT i.indexrelid, c.relname, c.relname FROM pg_catalog.pg_index i"            \
    "     JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"                                      \
    "    WHERE i.indrelid = w.oid AND i.indexprs IS NOT NULL AND w.own) h"                         \
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = h.oid AND a.attnum > 0 AND NOT "              \
    "a.attisdropped AND (h.index IS NULL OR EXISTS (SELECT FROM pg_catalog.pg_index i"             \
    "   WHERE i.indexrelid = h.oid AND i.indkey[a.attnum - 1] = 0))"                               \
    " JOIN pg_catalog.pg_type ty ON ty.oid = a.atttypid"                                           \
    " LEFT JOIN pg_catalog.pg_type el ON el.oid = ty.typelem"                                      \
    " JOIN (VALUES (false), (true)) f(inherited)"                                                  \
    "   ON CASE WHEN f.inherited THEN w.family AND h.index IS NULL ELSE w.own END"                 \
    " CROSS JOIN LATERAL (SELECT ty.typanalyze::oid < 16384 AND " STATISTICS_FINE("ty", "el")

#define LOOKUP                                                                                     \
    " LEFT JOIN LATERAL (SELECT * FROM pg_catalog.pg_stats s WHERE s.schemaname = w.nspname"       \
    "   AND s.tablename = h.name AND s.attname = a.attname AND s.inherited = f.inherited"          \
    "   OFFSET 0) s ON true"

#define READ(ranges, fine)                                                                         \
    "DECLARE pgassay_statistics NO SCROLL CURSOR FOR " TABLES                                      \
    " SELECT w.oid, pg_catalog.json_build_object('rows', w.reltuples, 'columns', t.columns)"       \
    " FROM want w CROSS JOIN LATERAL (" COLUMNS(ranges) fine                                       \
        " AS fine) fine" LOOKUP ") t WHERE t.whole AND t.columns IS NOT NULL"

static const char read_17[] = READ(
    ", 'range_length_histogram', s.range_length_histogram::text,"
    " 'range_empty_frac', s.range_empty_frac,"
    " 'range_bounds_histogram', s.range_bounds_histogram::text",
    "");
/* pg_stats does not show the statistics of ranges. */
static const char read_below_17[] = READ("", " AND ty.typtype NOT IN ('r', 'm')");

static int
fetch_all(PGconn *conn, statistics_fn *fn, void *ctx, bool *ours, struct err *e)
{
    for (;;) {
        PGresult *r = pg_query(conn, e, "FETCH 32 FROM pgassay_statistics", 0, NULL);
        int       n = r == NULL ? -1 : PQntuples(r), rc = n < 0 ? -1 : 0;

        for (int i = 0; rc == 0 && i < n; i++) {
            rc = fn(ctx, (uint32_t)strtoul(PQgetvalue(r, i, 0), NULL, 10), PQgetvalue(r, i, 1),
                    (size_t)PQgetlength(r, i, 1), e);
            *ours = rc != 0;
        }
        PQclear(r);
        if (rc != 0 || n == 0) {
            return rc;
        }
    }
}

int
statistics_read(PGconn *conn, statistics_fn *fn, void *ctx, struct err *e)
{
    bool       ours = false;
    struct err again = ERR_INIT;

    if (pg_exec(conn, e, "SAVEPOINT pgassay_statistics") != 0) {
        return -1;
    }
    if (pg_exec(conn, e, pg_version(conn) >= 170000 ? read_17 : read_below_17) == 0 &&
        fetch_all(conn, fn, ctx, &ours, e) == 0) {
        return pg_exec(conn, e, "CLOSE pgassay_statistics; RELEASE pgassay_statistics");
    }
    if (ours || e->kind != ERR_PG || PQtransactionStatus(conn) != PQTRANS_INERROR ||
        pg_exec(conn, &again, "ROLLBACK TO pgassay_statistics; RELEASE pgassay_statistics") != 0) {
        return -1;
    }
    log_info("the planner's statistics are not in the backup, a restore will gather them: %s",
             e->text);
    err_clear(e);
    return 0;
}
