#include "pg/snapshot/catalog_sql.h"

/* pg_dump's definition of user objects: not temporary, not below pg_* or information_schema. */
#define USERS_OWN                                                                                  \
    "c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> "                    \
    "'information_schema'"

#define RELATIONS "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"

/* Relations that belong to an extension, and those of them whose contents a dump must carry. */
#define MEMBERS                                                                                    \
    " LEFT JOIN (SELECT objid FROM pg_catalog.pg_depend WHERE classid = "                          \
    "'pg_catalog.pg_class'::regclass"                                                              \
    "   AND refclassid = 'pg_catalog.pg_extension'::regclass AND deptype = 'e') member ON "        \
    "member.objid = c.oid"                                                                         \
    " LEFT JOIN (SELECT e.extname, u.relid, u.condition FROM pg_catalog.pg_extension e,"           \
    "   unnest(e.extconfig, e.extcondition) u(relid, condition)) config ON config.relid = c.oid"

#define IN_ORDER " ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\""

const char catalog_sql_facts[] =
    "SELECT r.rolsuper, pg_catalog.pg_is_in_recovery(), pg_catalog.getdatabaseencoding(),"
    " (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata)"
    " FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";

const char catalog_sql_tables[] =
    "SELECT c.oid, c.relfilenode, n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner), "
    "c.relkind, c.relpersistence,"
    " am.amname, member.objid IS NOT NULL, config.extname, NULLIF(config.condition, '')"
    " FROM " RELATIONS " LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam" MEMBERS
    " WHERE c.relkind IN ('r', 'p', 'f') AND " USERS_OWN IN_ORDER;

/*
 * The types whose binary form is the same in every release (tried from 13 to 19), and types built
 * on them.  Left out, among others: tsquery (an empty one does not load), int2vector and oidvector
 * (likewise), reg* (OIDs), xml (its declaration is rewritten), composites, user-defined ranges, and
 * types of extensions, which are unknown.
 */
#define BINARY_TYPES                                                                               \
    "'{bool,char,name,int2,int4,int8,float4,float8,numeric,money,text,varchar,bpchar,bytea,date,"  \
    "time,timetz,timestamp,"                                                                       \
    "timestamptz,interval,bit,varbit,uuid,json,jsonb,jsonpath,inet,cidr,macaddr,macaddr8,point,"   \
    "line,lseg,box,path,polygon,"                                                                  \
    "circle,oid,xid,xid8,cid,tid,pg_lsn,pg_snapshot,txid_snapshot,tsvector,refcursor,int4range,"   \
    "int8range,numrange,"                                                                          \
    "tsrange,tstzrange,daterange,int4multirange,int8multirange,nummultirange,tsmultirange,"        \
    "tstzmultirange,"                                                                              \
    "datemultirange}'::name[]"

/*
 * 16384: the first OID that initdb does not assign; 10000: below it OIDs are the same in every
 * release. An array's binary form holds its element type's OID, which changes for an enum or domain
 * in a restore: the rows would load, but never have the same fingerprint.  So arrays of those
 * travel as text.
 */
const char catalog_sql_columns[] =
    "WITH RECURSIVE builds(base, made) AS ("
    "   SELECT typbasetype, oid FROM pg_catalog.pg_type WHERE typtype = 'd'"
    "   UNION ALL"
    "   SELECT oid, typarray FROM pg_catalog.pg_type"
    "    WHERE typarray <> 0 AND typtype IN ('b', 'r', 'm') AND oid < 10000"
    "), fine(oid) AS ("
    "   SELECT oid FROM pg_catalog.pg_type WHERE typtype = 'e' OR (oid < 16384"
    "      AND typnamespace = 'pg_catalog'::regnamespace AND typname = ANY (" BINARY_TYPES
    "))"
    "   UNION"
    "   SELECT made FROM fine JOIN builds ON base = fine.oid"
    ") SELECT c.oid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attgenerated, "
    "a.attnotnull,"
    " fine.oid IS NOT NULL"
    " FROM " RELATIONS
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid LEFT JOIN fine ON fine.oid = a.atttypid"
    " WHERE c.relkind IN ('r', 'p', 'f') AND " USERS_OWN
    " AND a.attnum > 0 AND NOT a.attisdropped" IN_ORDER ", a.attnum";

/*
 * Enums are hashed by OID, and OIDs change in a restore: a row may then belong in another
 * partition.  The operator class shows this (as in pg_dump), also through expressions and domains.
 * Arrays, records and ranges hash their elements: elements of types that initdb made are safe, for
 * others (and expressions) it is unknown.
 */
const char catalog_sql_load_via[] =
    "WITH RECURSIVE moving AS ("
    "   SELECT DISTINCT p.partrelid FROM pg_catalog.pg_partitioned_table p,"
    "      unnest(p.partattrs::int2[], p.partclass::oid[]) k(attnum, opclass)"
    "      JOIN pg_catalog.pg_opclass o ON o.oid = k.opclass"
    "    WHERE p.partstrat = 'h' AND o.opcnamespace = 'pg_catalog'::regnamespace AND (o.opcname = "
    "'enum_ops'"
    "       OR (o.opcname IN ('array_ops', 'record_ops', 'range_ops', 'multirange_ops') AND NOT "
    "EXISTS ("
    "          SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = p.partrelid AND a.attnum = "
    "k.attnum"
    "             AND a.atttypid < 16384)))"
    "), below(top, relid, depth) AS ("
    "   SELECT partrelid, partrelid, 0 FROM moving"
    "   UNION ALL"
    "   SELECT top, i.inhrelid, depth + 1 FROM below JOIN pg_catalog.pg_inherits i ON i.inhparent "
    "= below.relid"
    ") SELECT DISTINCT ON (relid) relid, n.nspname, c.relname"
    " FROM below JOIN " RELATIONS " ON c.oid = top WHERE depth > 0 ORDER BY relid, depth DESC";

/*
 * Planning a query of a table evaluates constant parts of the expressions of its indexes and
 * extended statistics: functions run in the reader's session.  Built-in ones are not recorded as
 * dependencies.  The owner of a function may change it, also one of an extension.
 */
const char catalog_sql_foreign_code[] =
    "WITH trusted AS MATERIALIZED (SELECT oid FROM pg_catalog.pg_roles"
    "   WHERE rolsuper OR (rolname = current_user AND rolname = session_user)"
    "), computing(relid, class, oid) AS ("
    "   SELECT indrelid, 'pg_catalog.pg_class'::regclass, indexrelid FROM pg_catalog.pg_index"
    "    WHERE indexprs IS NOT NULL OR indpred IS NOT NULL"
    "   UNION ALL"
    "   SELECT stxrelid, 'pg_catalog.pg_statistic_ext'::regclass, oid FROM "
    "pg_catalog.pg_statistic_ext"
    "), uses(relid, class, oid) AS ("
    "   SELECT c.relid, d.refclassid, d.refobjid FROM computing c JOIN pg_catalog.pg_depend d"
    "      ON d.classid = c.class AND d.objid = c.oid"
    "), calls(relid, oid) AS ("
    "   SELECT relid, oid FROM uses WHERE class = 'pg_catalog.pg_proc'::regclass"
    "   UNION"
    "   SELECT u.relid, o.oprcode FROM uses u JOIN pg_catalog.pg_operator o ON o.oid = u.oid"
    "    WHERE u.class = 'pg_catalog.pg_operator'::regclass"
    ") SELECT DISTINCT c.relid FROM calls c JOIN pg_catalog.pg_proc p ON p.oid = c.oid"
    " WHERE p.proowner NOT IN (SELECT oid FROM trusted)";

/* Heap and TOAST alone: pg_table_size() would open the TOAST table's index too, which doubles
 * the time for 10,000 small tables.  Reading a size waits for a session with (or waiting for) an
 * exclusive lock, unless this session holds a lock already: such tables are left out, and count as
 * empty. */
#define SIZES(heap)                                                                                \
    "WITH locks AS MATERIALIZED (SELECT relation, mode, pid = pg_catalog.pg_backend_pid() AS "     \
    "ours FROM pg_catalog.pg_locks"                                                                \
    "    WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_catalog.pg_database "      \
    "WHERE datname = current_database())),"                                                        \
    " busy AS (SELECT relation FROM locks WHERE NOT ours AND mode = 'AccessExclusiveLock'"         \
    "    EXCEPT SELECT relation FROM locks WHERE ours)"                                            \
    " SELECT c.oid, heap / pg_catalog.current_setting('block_size')::int8,"                        \
    " heap + CASE WHEN heap > 0 AND known IS NULL AND c.reltoastrelid <> 0 THEN "                  \
    "pg_catalog.pg_relation_size(c.reltoastrelid) ELSE 0 END"                                      \
    " FROM " RELATIONS " CROSS JOIN LATERAL (SELECT " heap                                         \
    " AS known OFFSET 0) k"                                                                        \
    " CROSS JOIN LATERAL (SELECT COALESCE(known, pg_catalog.pg_relation_size(c.oid)) AS heap "     \
    "OFFSET 0) size"                                                                               \
    " WHERE c.relkind = 'r' AND " USERS_OWN                                                        \
    " AND c.oid NOT IN (SELECT relation FROM busy WHERE relation IS NOT NULL)"

const char catalog_sql_sizes[] = SIZES("NULL::int8");

/* To read a size, the server opens the table, which is most of the work.  A table that was small
 * when it was last vacuumed or analysed, and has not been written to since, is so still. */
const char catalog_sql_rough_sizes[] = SIZES(
    "CASE WHEN c.relpages BETWEEN 1 AND 128 AND "
    "pg_catalog.pg_stat_get_mod_since_analyze(c.oid) = 0 THEN c.relpages * "
    "pg_catalog.current_setting('block_size')::int8 END");

/* On a standby an unlogged sequence cannot be read (and has no useful state). */
const char catalog_sql_sequences[] = "SELECT c.oid, n.nspname, c.relname FROM " RELATIONS MEMBERS
                                     " WHERE c.relkind = 'S' AND " USERS_OWN
                                     " AND (member.objid IS NULL OR config.relid IS NOT NULL)"
                                     " AND (c.relpersistence = 'p' OR NOT "
                                     "pg_catalog.pg_is_in_recovery())" IN_ORDER;

/* Remote: it reads a foreign table, directly or through views and partitions. */
const char catalog_sql_matviews[] =
    "WITH RECURSIVE reads(reader, what) AS ("
    "   SELECT r.ev_class, d.refobjid FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d ON "
    "d.objid = r.oid"
    "    WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = "
    "'pg_catalog.pg_class'::regclass"
    "   UNION ALL"
    "   SELECT inhparent, inhrelid FROM pg_catalog.pg_inherits"
    "), remote(oid) AS ("
    "   SELECT oid FROM pg_catalog.pg_class WHERE relkind = 'f'"
    "   UNION"
    "   SELECT reader FROM remote JOIN reads ON what = remote.oid"
    ") SELECT c.oid, n.nspname, c.relname, c.relispopulated, c.oid IN (SELECT oid FROM remote)"
    " FROM " RELATIONS MEMBERS " WHERE c.relkind = 'm' AND " USERS_OWN
    " AND member.objid IS NULL" IN_ORDER;
