/*
 * inventory_beyond.c - changes that pg_dump does not carry, with the SQL that brings them back, and
 * contradictions within the catalogs.
 *
 * When a backup is taken there is no pristine database to compare with: template0 allows no
 * connections, and digests of whole catalogs differ between minor releases and builds.  So a row
 * counts as changed when it is younger than initdb, or than the moment when its object became a
 * member of an extension, and no script of the extension wrote it.  (Catalogs with privileges are
 * left out: there a GRANT modifies a row, too.)  Whether its contents were changed is decided where
 * there is a new database: on the other side of a comparison, which lists the same objects, changed
 * or not.
 *
 * A removed object leaves no row.  So token types are recorded that a text search configuration
 * does not map but others do, and all constraints of domains; inventory_deleted.c has what is
 * removed altogether.
 */
#include "pg/snapshot/inventory_sql.h"

/* initdb, also and mapped are defined in inventory_beyond_sql. */
#define CHANGED(row, oid)                                                                          \
    "CASE WHEN " oid " < " FIRST_USER_OID                                                          \
    " THEN " AFTER_INITDB(row) " ELSE age(" row                                                    \
                               ".xmin) < age(m.xmin) AND " NOT_BY_EXTENSION(row) " END"

#define MEMBER_OR_NOT(classid, objid) " LEFT" MEMBER(classid, objid)

/* Their mappings are in a separate table, where a removal leaves no younger row. */
#define CONFIGURATIONS                                                                             \
    "SELECT 'text search configuration' AS kind, format('%I.%I', n.nspname, c.cfgname) AS"         \
    " name, NULL::name AS extension, NULL::text AS version, NULL::text AS state, (SELECT"          \
    " t.touched OR t.n < (SELECT max(o.n) FROM mapped o JOIN pg_catalog.pg_ts_config b ON"         \
    " b.oid = o.mapcfg WHERE b.oid < " FIRST_USER_OID                                              \
    " AND b.cfgparser = c.cfgparser) FROM mapped t WHERE t.mapcfg = c.oid) IS NOT FALSE"           \
    " AS changed, false AS always, NULL::text AS definition, (SELECT format('ALTER TEXT"           \
    " SEARCH CONFIGURATION %I.%I DROP MAPPING IF EXISTS FOR %s;', n.nspname, c.cfgname,"           \
    " string_agg(quote_ident(t.alias), ', ' ORDER BY t.tokid)) FROM"                               \
    " ts_token_type(c.cfgparser) t) || COALESCE((SELECT string_agg(format(' ALTER TEXT"            \
    " SEARCH CONFIGURATION %I.%I ADD MAPPING FOR %s WITH %s;', n.nspname, c.cfgname,"              \
    " d.tokens, d.dictionaries), '' ORDER BY d.dictionaries) FROM (SELECT"                         \
    " string_agg(quote_ident(y.alias), ', ' ORDER BY y.tokid) AS tokens, y.dictionaries"           \
    " FROM (SELECT t.alias, t.tokid, string_agg(format('%I.%I', dn.nspname, d.dictname),"          \
    " ', ' ORDER BY p.mapseqno) AS dictionaries FROM ts_token_type(c.cfgparser) t JOIN"            \
    " pg_catalog.pg_ts_config_map p ON p.mapcfg = c.oid AND p.maptokentype = t.tokid JOIN"         \
    " pg_catalog.pg_ts_dict d ON d.oid = p.mapdict JOIN pg_catalog.pg_namespace dn ON"             \
    " dn.oid = d.dictnamespace GROUP BY t.alias, t.tokid) y GROUP BY y.dictionaries) d),"          \
    " '') AS sql FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_namespace n ON n.oid ="         \
    " c.cfgnamespace WHERE c.oid < " FIRST_USER_OID

/* An option that the source does not have is removed: given without a value. */
#define DICTIONARIES                                                                               \
    "SELECT 'text search dictionary', format('%I.%I', n.nspname, d.dictname), e.extname," \
    " e.extversion, NULL, " CHANGED("d", "d.oid") \
    ", false, (SELECT string_agg(o, ', ' ORDER BY o) FROM" \
    " regexp_split_to_table(d.dictinitoption, ', ') o), format('ALTER TEXT SEARCH" \
    " DICTIONARY %I.%I (%s);', n.nspname, d.dictname, concat_ws(', ', d.dictinitoption," \
    " CASE WHEN concat(d.dictinitoption) !~* 'stopwords *=' AND t.tmplname IN ('simple'," \
    " 'snowball') THEN 'stopwords' END, CASE WHEN concat(d.dictinitoption) !~* 'accept" \
    " *=' AND t.tmplname = 'simple' THEN 'accept' END)) FROM pg_catalog.pg_ts_dict d JOIN" \
    " pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_catalog.pg_namespace" \
    " n ON n.oid = d.dictnamespace" MEMBER_OR_NOT("pg_catalog.pg_ts_dict", "d.oid") \
    " WHERE d.oid < " FIRST_USER_OID " OR e.oid IS NOT NULL"

/* All of them, so that a removed one is noticed. */
#define DOMAIN_CONSTRAINTS                                                                         \
    "SELECT 'constraint', format('%I on domain %s', k.conname, format_type(k.contypid," \
    " NULL)), e.extname, e.extversion, NULL, " CHANGED("k", "k.oid") \
    ", true, pg_get_constraintdef(k.oid), format('ALTER DOMAIN %s ADD CONSTRAINT %I %s;'," \
    " format_type(k.contypid, NULL), k.conname, pg_get_constraintdef(k.oid)) FROM" \
    " pg_catalog.pg_constraint k" MEMBER("pg_catalog.pg_type", "k.contypid") \
    " WHERE k.contypid <> 0 AND k.contype = 'c'"

/* ALTER OPERATOR sets the two estimators; the rest is only compared. */
#define OPERATORS                                                                                  \
    "SELECT 'operator', format('%I.%s (%s, %s)', n.nspname, o.oprname, CASE o.oprleft" \
    " WHEN 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END, CASE o.oprright WHEN 0" \
    " THEN 'NONE' ELSE format_type(o.oprright, NULL) END), e.extname, e.extversion," " NULL, " \
    CHANGED("o", "o.oid") \
    ", false, concat_ws(' ', o.oprcode, o.oprrest, o.oprjoin, o.oprcanmerge," \
    " o.oprcanhash, o.oprcom::regoperator, o.oprnegate::regoperator), format('ALTER" \
    " OPERATOR %I.%s (%s, %s) SET (RESTRICT = %s, JOIN = %s);', n.nspname, o.oprname," \
    " CASE o.oprleft WHEN 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END, CASE" \
    " o.oprright WHEN 0 THEN 'NONE' ELSE format_type(o.oprright, NULL) END, CASE" \
    " o.oprrest::oid WHEN 0 THEN 'NONE' ELSE o.oprrest::text END, CASE o.oprjoin::oid" \
    " WHEN 0 THEN 'NONE' ELSE o.oprjoin::text END) FROM pg_catalog.pg_operator o JOIN" \
    " pg_catalog.pg_namespace n ON n.oid = o.oprnamespace" \
    MEMBER_OR_NOT("pg_catalog.pg_operator", "o.oid") " WHERE o.oid < " FIRST_USER_OID \
    " OR e.oid IS NOT NULL"

/* Members added by ALTER OPERATOR FAMILY, not those of an operator class.  A built-in family is
 * pinned, so that no dependency on it is recorded. */
#define FAMILY_OPERATORS                                                                           \
    "SELECT 'member of operator family', format('%I.%I USING %I OPERATOR %s %s'," \
    " n.nspname, f.opfname, a.amname, x.amopstrategy, x.amopopr::regoperator), e.extname," \
    " e.extversion, NULL, CASE WHEN f.oid < " FIRST_USER_OID " THEN x.oid >= " FIRST_USER_OID \
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend s WHERE s.refclassid =" \
    " 'pg_catalog.pg_extension'::regclass AND s.deptype = 'e' AND s.xmin = x.xmin) ELSE" \
    " age(x.xmin) < age(m.xmin) AND " NOT_BY_EXTENSION("x") \
    " END, false, NULL, format('ALTER OPERATOR FAMILY %I.%I USING %I ADD OPERATOR %s" \
    " %s%s;', n.nspname, f.opfname, a.amname, x.amopstrategy, (SELECT format('%I.%s(%s," \
    " %s)', pn.nspname, p.oprname, format_type(x.amoplefttype, NULL)," \
    " format_type(x.amoprighttype, NULL)) FROM pg_catalog.pg_operator p JOIN" \
    " pg_catalog.pg_namespace pn ON pn.oid = p.oprnamespace WHERE p.oid = x.amopopr)," \
    " (SELECT format(' FOR ORDER BY %I.%I', sn.nspname, s.opfname) FROM" \
    " pg_catalog.pg_opfamily s JOIN pg_catalog.pg_namespace sn ON sn.oid = s.opfnamespace" \
    " WHERE s.oid = x.amopsortfamily)) FROM pg_catalog.pg_amop x JOIN" \
    " pg_catalog.pg_opfamily f ON f.oid = x.amopfamily JOIN pg_catalog.pg_namespace n ON" \
    " n.oid = f.opfnamespace JOIN pg_catalog.pg_am a ON a.oid = f.opfmethod" \
    MEMBER_OR_NOT("pg_catalog.pg_opfamily", "f.oid") " WHERE (f.oid < " FIRST_USER_OID \
    " OR e.oid IS NOT NULL) AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend l WHERE" \
    " l.classid = 'pg_catalog.pg_amop'::regclass AND l.objid = x.oid AND l.refclassid =" \
    " 'pg_catalog.pg_opclass'::regclass)"

/* ... likewise. */
#define FAMILY_FUNCTIONS                                                                           \
    "SELECT 'member of operator family', format('%I.%I USING %I FUNCTION %s %s'," \
    " n.nspname, f.opfname, a.amname, x.amprocnum, format('(%s, %s)'," \
    " format_type(x.amproclefttype, NULL), format_type(x.amprocrighttype, NULL)))," \
    " e.extname, e.extversion, NULL, CASE WHEN f.oid < " FIRST_USER_OID " THEN x.oid >= " \
    FIRST_USER_OID " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend s WHERE s.refclassid =" \
    " 'pg_catalog.pg_extension'::regclass AND s.deptype = 'e' AND s.xmin = x.xmin) ELSE" \
    " age(x.xmin) < age(m.xmin) AND " NOT_BY_EXTENSION("x") \
    " END, false, NULL, format('ALTER OPERATOR FAMILY %I.%I USING %I ADD FUNCTION %s" \
    " %s%s;', n.nspname, f.opfname, a.amname, x.amprocnum, format('(%s, %s) '," \
    " format_type(x.amproclefttype, NULL), format_type(x.amprocrighttype, NULL))," \
    " x.amproc::oid::regprocedure) FROM pg_catalog.pg_amproc x JOIN" \
    " pg_catalog.pg_opfamily f ON f.oid = x.amprocfamily JOIN pg_catalog.pg_namespace n" \
    " ON n.oid = f.opfnamespace JOIN pg_catalog.pg_am a ON a.oid = f.opfmethod" \
    MEMBER_OR_NOT("pg_catalog.pg_opfamily", "f.oid") " WHERE (f.oid < " FIRST_USER_OID \
    " OR e.oid IS NOT NULL) AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend l WHERE" \
    " l.classid = 'pg_catalog.pg_amproc'::regclass AND l.objid = x.oid AND l.refclassid =" \
    " 'pg_catalog.pg_opclass'::regclass)"

/* There is no ALTER CAST: users change the row. */
#define CASTS                                                                                      \
    "SELECT 'cast', format('(%s AS %s)', format_type(c.castsource, NULL)," \
    " format_type(c.casttarget, NULL)), NULL, NULL, NULL, " AFTER_INITDB("c") \
    ", false, concat_ws(' ', c.castcontext, c.castmethod, c.castfunc::regprocedure)," \
    " format('SELECT pg_catalog.set_config(''allow_system_table_mods'', ''on'', true);" \
    " UPDATE pg_catalog.pg_cast SET castcontext = %L, castmethod = %L, castfunc = %s" \
    " WHERE castsource = %L::pg_catalog.regtype AND casttarget =" \
    " %L::pg_catalog.regtype;', c.castcontext, c.castmethod, CASE c.castfunc WHEN 0 THEN" \
    " '0' ELSE format('%L::pg_catalog.regprocedure', c.castfunc::regprocedure) END," \
    " format_type(c.castsource, NULL), format_type(c.casttarget, NULL)) FROM" \
    " pg_catalog.pg_cast c WHERE c.oid < " FIRST_USER_OID

/* CREATE OR REPLACE VIEW keeps the view's row, and makes its rule again. */
#define VIEWS                                                                                      \
    "SELECT 'view', format('%I.%I', n.nspname, v.relname), NULL, NULL, NULL, " AFTER_INITDB("w") \
    ", false, pg_get_viewdef(v.oid), format('SELECT" \
    " pg_catalog.set_config(''allow_system_table_mods'', ''on'', true); CREATE OR REPLACE" \
    " VIEW %I.%I%s AS %s', n.nspname, v.relname, ' WITH (' ||" \
    " array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid)) FROM" \
    " pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class v ON v.oid = w.ev_class JOIN" \
    " pg_catalog.pg_namespace n ON n.oid = v.relnamespace WHERE v.oid < " FIRST_USER_OID \
    " AND v.relkind = 'v' AND w.rulename = '_RETURN'"

/* A new database has it. */
#define PUBLIC                                                                                     \
    "SELECT 'schema', 'public', NULL, NULL, CASE WHEN to_regnamespace('public') IS NULL"           \
    " THEN 'dropped' ELSE 'there' END, to_regnamespace('public') IS NULL, false, NULL,"            \
    " 'DROP SCHEMA public;' "

#define LISTED(objects)                                                                            \
    "SELECT x.kind, x.name, x.extension, x.version, x.state, x.changed, md5(COALESCE("             \
    "x.definition, x.sql)) AS digest, x.sql FROM (" objects                                        \
    ") x (kind, name, extension, version, state, changed, always, definition, sql) WHERE "         \
    "x.changed OR x.always OR EXISTS (SELECT FROM also WHERE also.kind = x.kind AND also.name = "  \
    "x.name)"

#define AND_ALSO " UNION ALL "

const char inventory_beyond_sql[] = WITH_OTHER_AND_INITDB
    ", mapped AS MATERIALIZED (SELECT p.mapcfg, count(DISTINCT p.maptokentype) AS n, "
    "bool_or(" AFTER_INITDB("p") ") AS touched FROM pg_catalog.pg_ts_config_map p GROUP BY "
    "p.mapcfg) " LISTED(CONFIGURATIONS) AND_ALSO LISTED(DICTIONARIES)
AND_ALSO
LISTED(DOMAIN_CONSTRAINTS)
AND_ALSO
LISTED(OPERATORS)
AND_ALSO
LISTED(FAMILY_OPERATORS)
AND_ALSO
LISTED(FAMILY_FUNCTIONS)
AND_ALSO
LISTED(CASTS)
AND_ALSO
LISTED(VIEWS)
AND_ALSO LISTED(PUBLIC) " ORDER BY 1, 2";

/* The two triggers at the referencing table, and the two at the referenced one.  Partitions have
 * those of their side, by a constraint of their own; partitioned tables have none that fire. */
#define FOREIGN_KEYS                                                                               \
    "SELECT 'foreign key without its triggers' AS kind, format('%I on %I.%I', k.conname, "         \
    "n.nspname, r.relname) AS name, format('%s of %s triggers', t.n, w.n) AS state FROM "          \
    "pg_catalog.pg_constraint k JOIN pg_catalog.pg_class r ON r.oid = k.conrelid JOIN "            \
    "pg_catalog.pg_namespace n ON n.oid = r.relnamespace JOIN pg_catalog.pg_class f ON f.oid = "   \
    "k.confrelid LEFT JOIN pg_catalog.pg_constraint p ON p.oid = k.conparentid CROSS JOIN "        \
    "LATERAL (SELECT CASE WHEN r.relkind = 'r' AND p.conrelid IS DISTINCT FROM k.conrelid THEN 2 " \
    "ELSE 0 END + CASE WHEN f.relkind = 'r' AND (p.oid IS NULL OR p.conrelid = k.conrelid) THEN "  \
    "2 ELSE 0 END AS n) w CROSS JOIN LATERAL (SELECT count(*) AS n FROM pg_catalog.pg_trigger g "  \
    "WHERE g.tgconstraint = k.oid AND ((g.tgrelid = k.conrelid AND r.relkind = 'r') OR (g.tgrelid" \
    " = k.confrelid AND f.relkind = 'r'))) t WHERE k.contype = 'f' AND t.n < w.n AND to_jsonb(k) " \
    "->> 'conenforced' IS DISTINCT FROM 'false'"

/* pg_constraint records it; pg_dump reads that, and a restore builds the index again. */
#define INDEXES                                                                                    \
    "SELECT 'index with flags off', format('%I.%I', n.nspname, c.relname), x.state FROM "          \
    "pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN "               \
    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_constraint k ON " \
    "k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x') CROSS" \
    " JOIN LATERAL (SELECT concat_ws(', ', CASE WHEN NOT i.indislive THEN 'indislive' END, CASE "  \
    "WHEN k.contype IN ('p', 'u') AND NOT i.indisunique THEN 'indisunique' END, CASE WHEN "        \
    "k.contype = 'x' AND NOT i.indisexclusion THEN 'indisexclusion' END, CASE WHEN NOT "           \
    "k.condeferrable AND NOT i.indimmediate THEN 'indimmediate' END) AS state) x WHERE "           \
    "i.indexrelid >= " FIRST_USER_OID " AND x.state <> ''"

/* pg_dump looks for rules, triggers, indexes, checks and defaults only where these say that there
 * are any. */
#define HIDDEN                                                                                     \
    "SELECT 'table with hidden parts', format('%I.%I', n.nspname, r.relname), x.state FROM "       \
    "pg_catalog.pg_class r JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace CROSS JOIN "   \
    "LATERAL (SELECT concat_ws(', ', CASE WHEN NOT r.relhasrules AND EXISTS (SELECT FROM "         \
    "pg_catalog.pg_rewrite w WHERE w.ev_class = r.oid) THEN 'rules' END, CASE WHEN NOT "           \
    "r.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = r.oid) "   \
    "THEN 'triggers' END, CASE WHEN NOT r.relhasindex AND EXISTS (SELECT FROM pg_catalog.pg_index" \
    " i WHERE i.indrelid = r.oid) THEN 'indexes' END, CASE WHEN r.relchecks < (SELECT count(*) "   \
    "FROM pg_catalog.pg_constraint k WHERE k.conrelid = r.oid AND k.contype = 'c') THEN 'checks' " \
    "END, CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef d ON" \
    " d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = r.oid AND NOT a.atthasdef)" \
    " THEN 'defaults' END) AS state) x WHERE r.oid >= " FIRST_USER_OID                             \
    " AND r.relkind IN ('r', 'p', 'v', 'm', 'f') AND x.state <> ''"

const char inventory_broken_sql[] = FOREIGN_KEYS AND_ALSO INDEXES AND_ALSO HIDDEN " ORDER BY 1, 2";
