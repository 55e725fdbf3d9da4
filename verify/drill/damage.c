#include "verify/drill/damage.h"

#include <stddef.h>

/*
 * rel: the user's relations, without members of extensions.  cmp: those whose rows are compared.
 * col: their columns that can be written; unique_key: in a unique index.  idx: indexes of nothing
 * but themselves.  con: constraints that are the table's own.
 *
 * Values are replaced by one of two of their type: a[1], or a[2] where they are that already.
 */
const char damage_given[] =
    "WITH taken AS (SELECT $1::text[]), rel AS (SELECT c.*, n.nspname, c.oid::regclass::text AS q,"
    "   c.relkind = 'r' AND NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_inherits i"
    "     WHERE c.oid IN (i.inhrelid, i.inhparent)) AS alone"
    "  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    "  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema',"
    "   'pgassay_damage') AND NOT EXISTS"
    "   (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid"
    "    AND d.deptype = 'e')),"
    " cmp AS (SELECT rel.*, t.place FROM unnest($2::oid[]) WITH ORDINALITY t(oid, place)"
    "  JOIN rel USING (oid) WHERE NOT relhasrules),"
    " col AS (SELECT cmp.*, a.attname, a.attnum, a.attnotnull, a.atttypid::regtype AS type,"
    "   a.atttypmod, a.attnum = ANY (u.keys) AS unique_key, v.a"
    "  FROM cmp JOIN pg_attribute a ON a.attrelid = cmp.oid, LATERAL (SELECT coalesce(array_agg(k),"
    "    '{}') AS keys FROM pg_index i, unnest(i.indkey::int2[]) k WHERE i.indrelid = cmp.oid AND"
    "    i.indisunique) u, LATERAL (SELECT CASE"
    "     WHEN a.atttypid IN (20, 21, 23, 700, 701, 1700) THEN ARRAY['1', '2']"
    "     WHEN a.atttypid IN (25, 1042, 1043) THEN ARRAY['x', 'y']"
    "     WHEN a.atttypid = 16 THEN ARRAY['true', 'false']"
    "     WHEN a.atttypid IN (1082, 1114, 1184) THEN ARRAY['2001-01-01', '2002-02-02']"
    "     WHEN a.atttypid = 17 THEN ARRAY['\\x01', '\\x02']"
    "     WHEN a.atttypid IN (114, 3802) THEN ARRAY['1', '2']"
    "     WHEN a.atttypid = 1186 THEN ARRAY['1 day', '2 days']"
    "     WHEN a.atttypid = 2950 THEN ARRAY['00000000-0000-0000-0000-000000000001',"
    "      '00000000-0000-0000-0000-000000000002'] END AS a) v"
    "  WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),"
    " idx AS (SELECT i.*, t.nspname, c.relname, c.oid::regclass::text AS q FROM pg_index i"
    "  JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i' JOIN rel t ON t.oid = i.indrelid"
    "  WHERE i.indisvalid AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)"
    "   AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid)),"
    " con AS (SELECT k.oid AS con, k.conname, k.contype, k.convalidated, rel.*"
    "  FROM pg_constraint k JOIN rel ON rel.oid = k.conrelid"
    "  WHERE k.conparentid = 0 AND k.coninhcount = 0 AND NOT relispartition),"
    " fun AS (SELECT p.*, n.nspname, format('%I.%I(%s)', n.nspname, p.proname,"
    "   pg_get_function_identity_arguments(p.oid)) AS q, CASE prokind WHEN 'p' THEN 'PROCEDURE'"
    "   ELSE 'FUNCTION' END AS kind, format('%s(%s)', p.proname, (SELECT string_agg(format_type(t,"
    "   NULL), ', ' ORDER BY o) FROM unnest(proargtypes::oid[]) WITH ORDINALITY x(t, o))) AS name"
    "  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
    "  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND prokind IN ('f', 'p')"
    "   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass"
    "    AND d.objid = p.oid AND d.deptype IN ('e', 'i')))";

#define CLAIM(what, oid)     "ARRAY['" what ":' || " oid "]"
#define FREE(what, oid)      " (NOT " CLAIM(what, oid) " && $1::text[]) "
#define OF(what, oid, table) "ARRAY['" what ":' || " oid ", 'table:' || " table "]"
#define OF_TABLE(what)       OF(what, "oid", "oid")
#define TABLE_DEFINITION                                                                           \
    OF_TABLE("definition")                                                                         \
    ", 'TABLE', nspname, relname::text, 'definition', "
#define DEFINITION_IS_FREE FREE("definition", "oid")

const struct damage damages[] = {
    {"a row removed", "rows", DAMAGE_ANY,
     " SELECT " OF_TABLE("rows") ", '', nspname, relname, 'number of rows',"
                                 " format('DELETE FROM ONLY %1$s WHERE ctid = (SELECT ctid FROM "
                                 "ONLY %1$s LIMIT 1)', q)"
                                 " FROM cmp WHERE" FREE("rows", "oid") "ORDER BY place"},
    /* With other values where they must be unique. */
    {"a row added", "rows", DAMAGE_ANY,
     " SELECT " OF_TABLE("rows") ", '', nspname, relname, 'number of rows',"
                                 " format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT "
                                 "%3$s FROM ONLY %1$s LIMIT 1',"
                                 "  q, string_agg(format('%I', attname), ', ' ORDER BY attnum), "
                                 "string_agg(format(CASE"
                                 "   WHEN NOT unique_key THEN '%1$I' WHEN a[1] = 'x' THEN '%1$I || "
                                 "''~'''"
                                 "   WHEN a[1] = '1' THEN '(SELECT max(%1$I) + 1 FROM ONLY %2$s)'"
                                 "   WHEN a[1] = '2001-01-01' THEN '(SELECT max(%1$I) + interval "
                                 "''1 day'' FROM ONLY %2$s)'"
                                 "   WHEN type = 'uuid'::regtype THEN 'md5(%1$I::text)::uuid' ELSE "
                                 "'%1$I' END, attname, q),"
                                 "   ', ' ORDER BY attnum))"
                                 " FROM col WHERE" FREE("rows", "oid") "GROUP BY oid, nspname, "
                                                                       "relname, q, place"
                                                                       " ORDER BY place"},
    {"a value changed", "rows", DAMAGE_ANY,
     " SELECT " OF_TABLE("rows") ", '', nspname, relname, 'contents',"
                                 " format('UPDATE ONLY %1$s SET %2$I = (CASE %2$I::text WHEN %3$L "
                                 "THEN %4$L ELSE %3$L END)::%5$s"
                                 "  WHERE ctid = (SELECT ctid FROM ONLY %1$s WHERE %2$I IS NOT "
                                 "NULL LIMIT 1)', q, attname, a[1],"
                                 "  a[2], type) FROM col WHERE a IS NOT NULL AND" FREE(
                                     "rows", "oid") "ORDER BY place, unique_key, attnum"},
    {"a value lost", "rows", DAMAGE_ANY,
     " SELECT " OF_TABLE("rows") ", '', nspname, relname, 'contents',"
                                 " format('UPDATE ONLY %1$s SET %2$I = NULL WHERE ctid = (SELECT "
                                 "ctid FROM ONLY %1$s WHERE %2$I"
                                 "  IS NOT NULL LIMIT 1)', q, attname) FROM col WHERE NOT "
                                 "attnotnull AND" FREE("rows", "oid") "ORDER BY place, attnum"},
    /* Of rows that differ elsewhere, too: else the two would only have changed places. */
    {"two rows' values swapped", "rows", DAMAGE_ANY,
     " SELECT " OF_TABLE("rows") ", '', nspname, relname, 'contents',"
                                 " format('WITH a AS (SELECT ctid, %2$I AS v, "
                                 "to_jsonb(pgassay_row) - %3$L AS rest FROM ONLY"
                                 "   %1$s pgassay_row WHERE %2$I IS NOT NULL LIMIT 1), b AS "
                                 "(SELECT ctid, %2$I AS v FROM ONLY"
                                 "   %1$s pgassay_row WHERE %2$I::text <> (SELECT v::text FROM a) "
                                 "AND to_jsonb(pgassay_row) -"
                                 "   %3$L <> (SELECT rest FROM a) LIMIT 1) UPDATE ONLY %1$s t SET "
                                 "%2$I = CASE WHEN t.ctid ="
                                 "   a.ctid THEN b.v ELSE a.v END FROM a, b WHERE t.ctid IN "
                                 "(a.ctid, b.ctid)', q, attname,"
                                 "  attname) FROM col WHERE a IS NOT NULL AND NOT unique_key "
                                 "AND" FREE("rows", "oid") "AND NOT EXISTS (SELECT FROM "
                                                           "pg_attribute x WHERE x.attrelid = oid "
                                                           "AND x.attgenerated <> '')"
                                                           " ORDER BY place, attnum"},
    {"two columns' values swapped", "rows", DAMAGE_ANY,
     " SELECT " CLAIM("rows", "c.oid") " || " CLAIM(
         "table", "c.oid") ", '', c.nspname, c.relname,"
                           " 'contents', format('UPDATE ONLY %1$s SET %2$I = %3$I, %3$I = %2$I "
                           "WHERE ctid = (SELECT ctid"
                           "  FROM ONLY %1$s WHERE %2$I::text <> %3$I::text LIMIT 1)', c.q, "
                           "c.attname, d.attname)"
                           " FROM col c JOIN col d ON d.oid = c.oid AND d.type = c.type AND "
                           "d.atttypmod = c.atttypmod"
                           "  AND d.attnum > c.attnum WHERE" FREE("rows", "c.oid") "ORDER BY "
                                                                                   "c.place, "
                                                                                   "c.unique_key "
                                                                                   "OR "
                                                                                   "d.unique_key, "
                                                                                   "c.attnum, "
                                                                                   "d.attnum"},
    {"a byte of a large object", "large objects", DAMAGE_ANY,
     " SELECT " CLAIM("lo", "loid") ", 'large object', NULL, loid::text, 'pages',"
                                    " format('SELECT lo_put(%1$s, 0, set_byte(b, 0, 255 - "
                                    "get_byte(b, 0))) FROM lo_get(%1$s, 0, 1)"
                                    "  b', loid) FROM pg_largeobject WHERE pageno = 0 AND "
                                    "length(data) > 0 AND" FREE("lo", "loid")},
    {"a large object's comment", "large objects", DAMAGE_ANY,
     " SELECT " CLAIM("lo comment", "oid") ", 'large object', NULL, oid::text, 'comment',"
                                           " format('COMMENT ON LARGE OBJECT %s IS %L', oid, "
                                           "coalesce(obj_description(oid,"
                                           "  'pg_largeobject'), '') || '~') FROM "
                                           "pg_largeobject_metadata WHERE" FREE("lo comment",
                                                                                "oid")},
    {"a large object removed", "large objects", DAMAGE_ANY,
     " SELECT " CLAIM("lo", "oid") " || " CLAIM(
         "lo comment", "oid") ", 'large object', NULL,"
                              " oid::text, 'missing', format('SELECT lo_unlink(%s)', oid) FROM "
                              "pg_largeobject_metadata"
                              " WHERE" FREE("lo", "oid") "AND" FREE("lo comment", "oid")},
    {"a sequence's position", "sequences", DAMAGE_ANY,
     " SELECT " CLAIM("sequence", "oid") ", '', nspname, relname, 'last value',"
                                         " format('DO %L', format('BEGIN EXECUTE %L || (SELECT "
                                         "CASE last_value WHEN %s THEN %s ELSE %2$s"
                                         "  END FROM %4$s); END', 'ALTER SEQUENCE ' || q || ' "
                                         "RESTART WITH ', seqmin, seqmax,"
                                         "  q)) FROM rel JOIN pg_sequence ON seqrelid = oid "
                                         "WHERE" FREE("sequence", "oid")},
    {"a materialized view emptied", "materialized views", DAMAGE_ANY,
     " SELECT " CLAIM("matview",
                      "oid") ", '', nspname, relname, 'state',"
                             " format('REFRESH MATERIALIZED VIEW %s WITH NO DATA', q) FROM rel"
                             " WHERE relkind = 'm' AND relispopulated AND" FREE("matview", "oid")},
    {"NOT NULL", "tables", DAMAGE_ANY,
     " SELECT " OF_TABLE("definition") ", '', nspname, relname, 'column', format('ALTER TABLE %s "
                                       "ALTER"
                                       "  %I %s NOT NULL', q, attname, CASE WHEN attnotnull THEN "
                                       "'DROP' ELSE 'SET' END) FROM rel JOIN"
                                       "  pg_attribute a ON attrelid = rel.oid WHERE alone AND "
                                       "attnum > 0 AND NOT attisdropped AND" DEFINITION_IS_FREE
                                       "ORDER BY attnotnull"},
    {"a column added", "tables", DAMAGE_ANY,
     " SELECT " OF_TABLE("definition") " || " CLAIM("rows", "oid") ", '', nspname, relname, "
                                                                   "'column',"
                                                                   " format('ALTER TABLE %s ADD "
                                                                   "COLUMN pgassay_damage int', q) "
                                                                   "FROM rel WHERE alone "
                                                                   "AND" DEFINITION_IS_FREE
                                                                   "AND" FREE("rows", "oid")},
    {"a table made unlogged", "tables", DAMAGE_ANY,
     " SELECT " OF_TABLE("definition") ", '', nspname, relname, 'persistence',"
                                       " format('ALTER TABLE %s SET UNLOGGED', q) FROM rel WHERE "
                                       "alone AND relpersistence = 'p' AND" DEFINITION_IS_FREE
                                       "ORDER BY pg_relation_size(oid)"},
    {"a table added", "tables", DAMAGE_DEFINITIONS,
     " SELECT ARRAY[]::text[], '', 'pgassay_damage', 'pgassay_table', 'not in the backup',"
     " 'CREATE SCHEMA pgassay_damage CREATE TABLE pgassay_table (a int)'"},
    {"a default", "schema", DAMAGE_ANY,
     " SELECT " TABLE_DEFINITION "format('ALTER TABLE %s ALTER %I DROP DEFAULT', q, attname) FROM "
     "rel"
     " JOIN pg_attribute a ON attrelid = rel.oid  JOIN (SELECT oid AS def, adrelid, adnum FROM"
     "  pg_attrdef) f ON adrelid = oid AND adnum ="
     "  attnum WHERE alone AND attgenerated = '' AND NOT EXISTS (SELECT FROM pg_depend d JOIN"
     "  pg_class s ON s.oid = refobjid AND s.relkind = 'S' WHERE d.classid ="
     "  'pg_attrdef'::regclass AND d.objid = def AND refclassid = 'pg_class'::regclass) "
     "AND" DEFINITION_IS_FREE},
    {"a CHECK removed", "schema", DAMAGE_ANY,
     " SELECT " TABLE_DEFINITION "format('ALTER TABLE %s DROP CONSTRAINT %I', q, conname) FROM con"
     " WHERE contype = 'c' AND alone AND convalidated AND" DEFINITION_IS_FREE},
    /* As it is, not made anew: it would be another one, that nobody has claimed. */
    {"a constraint not validated", "schema", DAMAGE_ANY,
     " SELECT " OF("constraint", "con", "oid") ", 'FK CONSTRAINT', nspname, relname || ' ' || "
                                               "conname, 'definition',"
                                               " format('UPDATE pg_constraint SET convalidated = "
                                               "false WHERE oid = %s', con) FROM con"
                                               " WHERE contype = 'f' AND relkind = 'r' AND "
                                               "convalidated AND" FREE("constraint", "con")},
    {"a key or foreign key removed", "schema", DAMAGE_ANY,
     " SELECT " OF("constraint", "con", "oid") ", CASE contype WHEN 'f' THEN 'FK ' ELSE '' END ||"
                                               " 'CONSTRAINT', nspname, relname || ' ' || conname, "
                                               "'missing',"
                                               " format('ALTER TABLE %s DROP CONSTRAINT %I', q, "
                                               "conname) FROM con WHERE contype IN ('p', 'u',"
                                               "  'x', 'f') AND" FREE("constraint", "con") "ORDER "
                                                                                           "BY "
                                                                                           "contype"
                                                                                           " DESC"},
    {"an index removed", "schema", DAMAGE_ANY,
     " SELECT " OF("index", "indexrelid", "indrelid") ", 'INDEX', nspname, relname, 'missing',"
                                                      " format('DROP INDEX %s', q) FROM idx "
                                                      "WHERE" FREE("index", "indexrelid")},
    {"an index's definition", "schema", DAMAGE_ANY,
     " SELECT " OF("index", "indexrelid", "indrelid") ", 'INDEX', nspname, relname, 'definition',"
                                                      " format('ALTER INDEX %s SET (fillfactor = "
                                                      "37)', q) FROM idx WHERE" FREE("index",
                                                                                     "indexrelid")},
    {"an index that is not valid", "beyond pg_dump", DAMAGE_DATABASE,
     " SELECT " OF("index", "indexrelid", "indrelid") ", '', NULL, format('invalid index %s in"
                                                      " schema %s', relname, nspname), NULL,"
                                                      " format('UPDATE pg_index SET indisvalid = "
                                                      "false WHERE indexrelid = %s', indexrelid) "
                                                      "FROM idx"
                                                      " WHERE" FREE("index", "indexrelid")},
    {"a privilege granted", "schema", DAMAGE_DEFINITIONS,
     " SELECT " OF_TABLE("privileges") ", 'ACL', nspname, 'TABLE ' || quote_ident(relname), NULL,"
                                       " format('GRANT TRUNCATE ON %s TO PUBLIC', q) FROM rel "
                                       "WHERE relkind = 'r' AND NOT EXISTS"
                                       "  (SELECT FROM aclexplode(relacl) x WHERE x.grantee = 0 "
                                       "AND x.privilege_type = 'TRUNCATE')"
                                       " AND" FREE("privileges", "oid")},
    {"a privilege revoked", "schema", DAMAGE_ANY,
     " SELECT " OF_TABLE("privileges") ", 'ACL', nspname, 'TABLE ' || quote_ident(relname), NULL,"
                                       " format('REVOKE %s ON %s FROM %s CASCADE', "
                                       "x.privilege_type, q, CASE x.grantee WHEN 0 THEN"
                                       "  'PUBLIC' ELSE x.grantee::regrole::text END) FROM rel, "
                                       "aclexplode(relacl) x WHERE relkind ="
                                       " 'r' AND x.grantor = relowner AND x.grantee <> relowner "
                                       "AND" FREE("privileges", "oid")},
    {"a trigger disabled", "schema", DAMAGE_ANY,
     " SELECT " OF("trigger", "t.oid", "rel.oid") ", 'TRIGGER', nspname, relname || ' ' || tgname,"
                                                  " 'definition', format('ALTER TABLE %s DISABLE "
                                                  "TRIGGER %I', q, tgname) FROM pg_trigger t JOIN"
                                                  " rel ON rel.oid = tgrelid WHERE NOT "
                                                  "tgisinternal AND tgparentid = 0 AND tgenabled "
                                                  "<> 'D' AND" FREE("trigger", "t.oid")},
    {"a trigger removed", "schema", DAMAGE_ANY,
     " SELECT " OF("trigger", "t.oid", "rel.oid") ", 'TRIGGER', nspname, relname || ' ' || tgname,"
                                                  " 'missing', format('DROP TRIGGER %I ON %s', "
                                                  "tgname, q) FROM pg_trigger t JOIN rel ON "
                                                  "rel.oid ="
                                                  " tgrelid WHERE NOT tgisinternal AND tgparentid "
                                                  "= 0 AND" FREE("trigger", "t.oid")},
    {"a comment", "schema", DAMAGE_DEFINITIONS,
     " SELECT " OF_TABLE("comment") ", 'COMMENT', nspname, 'TABLE ' || quote_ident(relname), NULL,"
                                    " format('COMMENT ON TABLE %s IS %L', q, "
                                    "coalesce(obj_description(oid, 'pg_class'), '') || '~')"
                                    " FROM rel WHERE relkind = 'r' AND" FREE(
                                        "comment", "oid") "ORDER BY obj_description(oid, "
                                                          "'pg_class') IS NULL"},
    {"a policy", "schema", DAMAGE_ANY,
     " SELECT " OF("policy", "p.oid", "rel.oid") ", 'POLICY', nspname, relname || ' ' || polname,"
                                                 " 'definition', format('ALTER POLICY %I ON %s "
                                                 "USING (%s)', polname, q, CASE "
                                                 "pg_get_expr(polqual,"
                                                 "  polrelid) WHEN 'false' THEN 'true' ELSE "
                                                 "'false' END) FROM pg_policy p JOIN rel ON "
                                                 "rel.oid = polrelid WHERE polqual IS NOT"
                                                 " NULL AND" FREE("policy", "p.oid")},
    {"row security", "schema", DAMAGE_DEFINITIONS,
     " SELECT " OF_TABLE("row security") ", 'ROW SECURITY', nspname, relname, NULL, format('ALTER "
                                         "TABLE"
                                         "  %s %s ROW LEVEL SECURITY', q, CASE WHEN relrowsecurity "
                                         "THEN 'DISABLE' ELSE 'ENABLE' END)"
                                         " FROM rel WHERE relkind = 'r' AND" FREE(
                                             "row security", "oid") "ORDER BY NOT relrowsecurity"},
    {"a view's query", "schema", DAMAGE_ANY,
     " SELECT " CLAIM("definition", "oid") ", 'VIEW', nspname, relname, 'definition',"
                                           " format('CREATE OR REPLACE VIEW %s AS SELECT * FROM "
                                           "(%s) pgassay LIMIT 0', q,"
                                           "  rtrim(pg_get_viewdef(oid), ';')) FROM rel WHERE "
                                           "relkind = 'v' AND" DEFINITION_IS_FREE},
    {"a function's body", "schema", DAMAGE_ANY,
     " SELECT " CLAIM("function", "oid") ", kind, nspname, name, 'definition', format('UPDATE "
                                         "pg_proc"
                                         "  SET prosrc = prosrc || ''-- damaged'' WHERE oid = %s', "
                                         "oid) FROM fun WHERE prosrc <> '' AND"
                                         " prolang NOT IN (12, 13) AND" FREE("function", "oid")},
    {"an owner of a function", "schema", DAMAGE_ANY,
     " SELECT " CLAIM("function",
                      "oid") ", kind, nspname, name, 'owner', format('ALTER ROUTINE %s"
                             "  OWNER TO %I', q, (SELECT rolname FROM pg_roles r WHERE r.oid <> "
                             "proowner ORDER BY rolname ~"
                             "  '^pg_', rolname LIMIT 1)) FROM fun WHERE" FREE("function", "oid")},
    {"a value added to an enum", "schema", DAMAGE_ANY,
     " SELECT " CLAIM("type", "t.oid") ", 'TYPE', nspname, typname, 'definition', format('ALTER "
                                       "TYPE"
                                       "  %I.%I ADD VALUE ''pgassay''', nspname, typname) FROM "
                                       "pg_type t JOIN pg_namespace n ON n.oid ="
                                       " typnamespace WHERE typtype = 'e' AND nspname !~ '^pg_' "
                                       "AND NOT EXISTS (SELECT FROM pg_depend"
                                       " d WHERE d.classid = 'pg_type'::regclass AND d.objid = "
                                       "t.oid AND d.deptype = 'e') AND" FREE("type", "t.oid")},
    {"a sequence's definition", "schema", DAMAGE_ANY,
     " SELECT " CLAIM("definition", "oid") ", 'SEQUENCE', nspname, relname, 'definition',"
                                           " format('ALTER SEQUENCE %s CACHE %s', q, seqcache + 1) "
                                           "FROM rel JOIN pg_sequence ON seqrelid ="
                                           " oid WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE "
                                           "d.classid = 'pg_class'::regclass AND"
                                           "  d.objid = seqrelid AND d.deptype = 'i') "
                                           "AND" DEFINITION_IS_FREE},
    /* pg_dump 13 says so with the table, later ones in an entry of its own. */
    {"a partition detached", "schema", DAMAGE_ANY,
     " SELECT " OF_TABLE("definition") ", NULL, nspname, relname, NULL, "
                                       "format('ALTER"
                                       "  TABLE %s DETACH PARTITION %s', inhparent::regclass, q) "
                                       "FROM rel JOIN pg_inherits ON inhrelid"
                                       " = oid WHERE relispartition AND relkind = 'r' "
                                       "AND" DEFINITION_IS_FREE},
    {"a schema added", "schema", DAMAGE_DEFINITIONS,
     " SELECT ARRAY[]::text[], 'SCHEMA', NULL, 'pgassay_damage', 'not in the backup',"
     " 'CREATE SCHEMA IF NOT EXISTS pgassay_damage'"},
    {"a publication added", "schema", DAMAGE_DEFINITIONS,
     " SELECT ARRAY[]::text[], 'PUBLICATION', NULL, 'pgassay_damage', 'not in the backup',"
     " 'CREATE PUBLICATION pgassay_damage'"},
    {"an extension's version", "extensions", DAMAGE_DATABASE,
     " SELECT " CLAIM("extension", "oid") ", 'extension', NULL, extname, 'version', format('UPDATE"
                                          "  pg_extension SET extversion = extversion || ''~'' "
                                          "WHERE oid = %s', oid) FROM pg_extension"
                                          " WHERE" FREE("extension", "oid") "ORDER BY oid"},
    {"a setting of the database", "database", DAMAGE_DATABASE,
     " SELECT ARRAY[]::text[], 'database setting', NULL, 'cpu_tuple_cost', NULL, format('ALTER "
     "DATABASE %I"
     "  SET cpu_tuple_cost = 47.11', current_database())"},
    {"a built-in function", "beyond pg_dump", DAMAGE_DATABASE,
     " SELECT ARRAY[]::text[], 'change of built-in function', NULL, 'pg_catalog.abs(integer)', "
     "NULL,"
     " 'ALTER FUNCTION pg_catalog.abs(int4) COST 4711'"},
    /* Last: nothing else has happened to these.  An owner is that of all that a table has,
     * its sequences too. */
    {"an owner of a table", "tables", DAMAGE_ANY,
     " SELECT " OF_TABLE("definition") ", '', nspname, relname, 'owner', "
                                       "format('ALTER TABLE %s OWNER TO %I', q, "
                                       "(SELECT rolname FROM pg_roles r WHERE r.oid <> relowner "
                                       "ORDER BY rolname ~ '^pg_', rolname LIMIT 1)) FROM rel"
                                       " WHERE alone AND" FREE("table",
                                                               "oid") "AND NOT EXISTS (SELECT FROM "
                                                                      "pg_depend d WHERE d.classid "
                                                                      "= 'pg_class'::regclass AND"
                                                                      "  refobjid = rel.oid "
                                                                      "AND " CLAIM("definition",
                                                                                   "d.objid") " && "
                                                                                              "$1::"
                                                                                              "text"
                                                                                              "[]"
                                                                                              ")"},
    {"a table removed", "tables", DAMAGE_ANY,
     " SELECT " OF_TABLE("definition") ", '', nspname, relname, 'missing', format('DROP TABLE %s', "
                                       "q)"
                                       " FROM rel WHERE relkind = 'r' AND" FREE(
                                           "table", "oid") "AND NOT EXISTS (SELECT FROM pg_depend d"
                                                           "  JOIN pg_class s ON s.oid = d.objid "
                                                           "AND s.relkind = 'S' WHERE d.classid ="
                                                           "  'pg_class'::regclass AND refobjid = "
                                                           "rel.oid) ORDER BY "
                                                           "pg_relation_size(oid)"},
    {NULL, NULL, DAMAGE_ANY, NULL},
};
