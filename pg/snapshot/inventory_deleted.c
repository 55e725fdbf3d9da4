/*
 * inventory_deleted.c - built-in objects that somebody has removed: they leave no row, so what is
 * there is recorded, and compared with what another database of the same major version has.
 *
 * Text search configurations and dictionaries, and views, can be dropped like anybody's, and their
 * OIDs depend on the build: these are recorded by name.  The others are in catalogs whose OIDs are
 * fixed for a major version, and can only be deleted from there: they are recorded by OID, as
 * ranges, which are a tenth of their names.
 */
#include "pg/snapshot/inventory_sql.h"

#define BY_OID(what, catalog)                                                                      \
    "SELECT '" what "' AS what, 'pg_catalog." catalog                                              \
    "'::regclass AS classid, x.oid, NULL AS name, NULL AS kind FROM pg_catalog." catalog           \
    " x WHERE x.oid < " FIRST_USER_OID
#define BY_NAME(what, catalog, prefix, kind, condition)                                            \
    "SELECT '" what "', 'pg_catalog." catalog                                                      \
    "'::regclass, x.oid, format('%I.%I', n.nspname, x."                                            \
    "" prefix "name), '" kind "' FROM pg_catalog." catalog                                         \
    " x JOIN pg_catalog.pg_namespace n ON n.oid = x." prefix                                       \
    "namespace WHERE x.oid < " FIRST_USER_OID condition

#define CASTS            BY_OID("casts", "pg_cast")
#define OPERATORS        BY_OID("operators", "pg_operator")
#define FAMILY_OPERATORS BY_OID("operators of families", "pg_amop")
#define FAMILY_FUNCTIONS BY_OID("functions of families", "pg_amproc")
#define CONFIGURATIONS                                                                             \
    BY_NAME("text search configurations", "pg_ts_config", "cfg", "text search configuration", "")
#define DICTIONARIES                                                                               \
    BY_NAME("text search dictionaries", "pg_ts_dict", "dict", "text search dictionary", "")
#define VIEWS BY_NAME("views", "pg_class", "rel", "view", " AND x.relkind = 'v'")

#define AND_ALSO         " UNION ALL "
#define FAMILIES         FAMILY_OPERATORS AND_ALSO FAMILY_FUNCTIONS
#define BUILTINS_BY_OID  CASTS AND_ALSO OPERATORS AND_ALSO FAMILIES
#define BUILTINS_BY_NAME CONFIGURATIONS AND_ALSO DICTIONARIES AND_ALSO VIEWS
#define BUILTINS         "builtins AS MATERIALIZED (" BUILTINS_BY_OID AND_ALSO BUILTINS_BY_NAME ")"

#define WITH_BUILTINS "WITH " BUILTINS ", "

const char inventory_counts_sql[] = WITH_BUILTINS
    "ranges AS (SELECT y.what, min(y.oid) AS lo, max(y.oid) AS hi FROM (SELECT "
    "b.what, b.oid::bigint AS oid, b.oid::bigint - row_number() OVER (PARTITION BY b.what ORDER BY "
    "b.oid) AS range FROM builtins b WHERE b.name IS NULL) y GROUP BY y.what, y.range)"
    " SELECT b.what AS name, count(*) AS rows, string_agg(b.name, ' ' ORDER BY b.name) AS names, "
    "(SELECT string_agg(CASE WHEN r.lo = r.hi THEN r.lo::text ELSE r.lo || '-' || r.hi END, ',' "
    "ORDER BY r.lo) FROM ranges r WHERE r.what = b.what) AS oids FROM builtins b GROUP BY b.what "
    "ORDER BY 1";

/* here: this database has it and the other one has not; else the other way round. */
const char inventory_deleted_sql[] = WITH_BUILTINS
    "other AS MATERIALIZED (SELECT o.value ->> 'name' AS what, o.value ->> "
    "'names' AS names, o.value ->> 'oids' AS oids FROM jsonb_array_elements(" INVENTORY_OTHER
    "::jsonb) o), names AS MATERIALIZED (SELECT o.what, n.name FROM other o CROSS JOIN LATERAL "
    "regexp_split_to_table(o.names, ' ') n (name)), ranges AS MATERIALIZED (SELECT o.what, "
    "substring(r.range FROM '^[0-9]+')::bigint AS lo, substring(r.range FROM '[0-9]+$')::bigint AS "
    "hi FROM other o CROSS JOIN LATERAL regexp_split_to_table(o.oids, ',') r (range))"
    " SELECT i.type AS kind, i.identity AS name, true AS here, format('SELECT "
    "pg_catalog.set_config(''allow_system_table_mods'', ''on'', true); DROP %s %s;', "
    "upper(b.kind), b.name) AS sql FROM builtins b JOIN other o ON o.what = b.what CROSS JOIN "
    "LATERAL pg_catalog.pg_identify_object(b.classid, b.oid, 0) i WHERE b.name IS NOT NULL AND "
    "o.names IS NOT NULL AND NOT EXISTS (SELECT FROM names n WHERE n.what = b.what AND n.name = "
    "b.name)"
    " UNION ALL SELECT i.type, i.identity, true, NULL FROM builtins b JOIN other o ON o.what = "
    "b.what CROSS JOIN LATERAL pg_catalog.pg_identify_object(b.classid, b.oid, 0) i WHERE b.name "
    "IS NULL AND o.oids IS NOT NULL AND NOT EXISTS (SELECT FROM ranges r WHERE r.what = b.what AND "
    "b.oid::bigint BETWEEN r.lo AND r.hi)"
    " UNION ALL SELECT (SELECT b.kind FROM builtins b WHERE b.what = n.what LIMIT 1), n.name, "
    "false, NULL FROM names n WHERE NOT EXISTS (SELECT FROM builtins b WHERE b.what = n.what AND "
    "b.name = n.name)"
    " UNION ALL SELECT 'one of the ' || r.what || ',', 'OID ' || x.oid, false, NULL FROM ranges r "
    "CROSS JOIN LATERAL generate_series(r.lo, r.hi) x (oid) WHERE NOT EXISTS (SELECT FROM builtins "
    "b WHERE b.what = r.what AND b.oid::bigint = x.oid) ORDER BY 1, 2";
