/*
 * inventory_sql.h - common parts of the queries of inventory_omitted.c and inventory_beyond.c.
 */
#ifndef PG_SNAPSHOT_INVENTORY_SQL_H
#define PG_SNAPSHOT_INVENTORY_SQL_H

/* OIDs below it: made by initdb. */
#define FIRST_USER_OID "16384"

/*
 * The number of the transaction with which initdb ended: rows of system catalogs with a higher one
 * were modified later.  (xmin stays readable after freezing, since 9.4.)  Numbers and not ages are
 * compared: initdb's are the first of the cluster, some hundred, and a later row has one of these
 * only if it was written just after the counter began anew, while ages turn around after two
 * thousand million transactions.
 *
 * initdb makes the views of information_schema last, one every two transactions (a dozen lie
 * between two of them), and there are at least forty more before anybody else can connect.  So it
 * is the last of them before a gap: one that somebody has replaced lies behind it.  Without these
 * views (information_schema was made anew) it is the row of pg_catalog, a little earlier.
 */
#define INITDB_GAP "32"
#define INITDB_END                                                                                 \
    "(SELECT COALESCE(max(c.x), (SELECT n.xmin::text::bigint FROM pg_catalog.pg_namespace n "      \
    "WHERE n.nspname = 'pg_catalog')) FROM (SELECT r.x, bool_and(r.gap <= " INITDB_GAP             \
    ") OVER (ORDER BY r.x) AS unbroken FROM (SELECT w.xmin::text::bigint AS x, "                   \
    "COALESCE(w.xmin::text::bigint - lag(w.xmin::text::bigint) OVER (ORDER BY "                    \
    "w.xmin::text::bigint), 0) AS gap FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class v "    \
    "ON v.oid = w.ev_class WHERE v.relnamespace = to_regnamespace('information_schema') AND "      \
    "v.oid < " FIRST_USER_OID ") r) c WHERE c.unbroken)"

/* A query that begins with it has the number as initdb, and the list of the other side of a
 * comparison as also. */
#define WITH_OTHER_AND_INITDB                                                                      \
    "WITH also AS MATERIALIZED (SELECT o.value ->> 'kind' AS kind, o.value ->> 'name' AS name "    \
    "FROM jsonb_array_elements(" INVENTORY_OTHER                                                   \
    "::jsonb) o), initdb AS MATERIALIZED (SELECT " INITDB_END " AS last)"
#define AFTER_INITDB(row) row ".xmin::text::bigint > (SELECT i.last FROM initdb i)"

/* The membership m in the extension e. */
#define MEMBER(classid, objid)                                                                     \
    " JOIN (pg_catalog.pg_depend m JOIN pg_catalog.pg_extension e ON e.oid = m.refobjid AND "      \
    "m.refclassid = 'pg_catalog.pg_extension'::regclass AND m.deptype = 'e') ON m.classid = '"     \
    "" classid "'::regclass AND m.objid = " objid

/* Neither CREATE EXTENSION nor an update, which make members, nor ALTER EXTENSION wrote the row. */
#define NOT_BY_EXTENSION(row)                                                                      \
    row ".xmin <> e.xmin AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend s WHERE s.refobjid = "   \
        "e.oid AND s.refclassid = 'pg_catalog.pg_extension'::regclass AND s.deptype = 'e' AND "    \
        "s.xmin = " row ".xmin)"

/* Replaced by a JSON array, as a literal: the list of the other side of a comparison, whose
 * elements are all listed on this side, too. */
#define INVENTORY_OTHER ":other"

/* inventory_beyond.c: kind, name, extension and version, or NULL; state or digest, to be compared;
 * changed: as far as visible on this side; sql, or NULL. */
extern const char inventory_beyond_sql[];
extern const char inventory_broken_sql[]; /* kind, name, state */
/* inventory_deleted.c: name, rows; names or oids of all of them.  And against such a list: kind,
 * name, here, and sql, or NULL. */
extern const char inventory_counts_sql[];
extern const char inventory_deleted_sql[];

#endif
