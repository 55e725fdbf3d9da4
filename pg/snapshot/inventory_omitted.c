/*
 * inventory_omitted.c - objects that pg_dump does not carry, so that a restored database cannot
 * have them, and a comparison of two restores cannot notice it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "pg/conn/jsonrows.h"
#include "pg/snapshot/inventory.h"
#include "pg/snapshot/inventory_sql.h"

#define NO_MEMBER(classid, objid)                                                                  \
    "NOT EXISTS (SELECT FROM pg_catalog.pg_depend member WHERE member.classid = " classid          \
    " AND member.objid = " objid                                                                   \
    " AND member.refclassid = 'pg_catalog.pg_extension'::regclass AND member.deptype = 'e')"

#define FUNCTION_DEFINITION                                                                        \
    "concat_ws('|', p.prosrc, p.probin, p.procost, p.prorows, p.provolatile, p.proparallel, "      \
    "p.proisstrict, p.prosecdef,"                                                                  \
    " p.proleakproof, p.proretset, p.proconfig)"

/*
 * Properties that pg_dump leaves to the extension's script: definition, owner and comment of
 * members.  Columns, indexes, triggers and constraints that somebody added to a member table are
 * lost as well, so they are part of its definition.
 */
static const char members[] =
    "SELECT e.extname AS extension, e.extversion AS version, i.type AS kind, i.identity AS name,"
    " pg_get_userbyid(o.refobjid) AS owner, c.description AS comment,"
    " md5(CASE d.classid"
    "  WHEN 'pg_catalog.pg_proc'::regclass THEN (SELECT " FUNCTION_DEFINITION
    " FROM pg_catalog.pg_proc p WHERE p.oid = d.objid)"
    "  WHEN 'pg_catalog.pg_type'::regclass THEN (SELECT concat_ws('|', t.typtype, t.typnotnull, "
    "t.typdefault,"
    "    (SELECT string_agg(l.enumlabel, ',' ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l "
    "WHERE l.enumtypid = t.oid))"
    "    FROM pg_catalog.pg_type t WHERE t.oid = d.objid)"
    "  WHEN 'pg_catalog.pg_class'::regclass THEN (SELECT concat_ws('|', r.relkind, "
    "r.relpersistence, r.reloptions,"
    "    (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), "
    "a.attnotnull), ',' ORDER BY a.attnum)"
    "      FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT "
    "a.attisdropped),"
    "    (SELECT string_agg(pg_get_indexdef(x.indexrelid), ',' ORDER BY "
    "pg_get_indexdef(x.indexrelid) COLLATE \"C\")"
    "      FROM pg_catalog.pg_index x WHERE x.indrelid = r.oid),"
    "    (SELECT string_agg(pg_get_triggerdef(g.oid), ',' ORDER BY g.tgname) FROM "
    "pg_catalog.pg_trigger g"
    "      WHERE g.tgrelid = r.oid AND NOT g.tgisinternal),"
    "    (SELECT string_agg(concat_ws(' ', k.conname, pg_get_constraintdef(k.oid)), ',' ORDER BY "
    "k.conname)"
    "      FROM pg_catalog.pg_constraint k WHERE k.conrelid = r.oid AND k.contype <> 'n'))"
    "    FROM pg_catalog.pg_class r WHERE r.oid = d.objid) END) AS digest"
    " FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid"
    " CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) i"
    " LEFT JOIN pg_catalog.pg_shdepend o ON o.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE "
    "datname = current_database())"
    "  AND o.classid = d.classid AND o.objid = d.objid AND o.objsubid = 0 AND o.deptype = 'o'"
    " LEFT JOIN pg_catalog.pg_description c ON c.classoid = d.classid AND c.objoid = d.objid AND "
    "c.objsubid = 0"
    " WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e' AND d.objsubid "
    "= 0"
    /* Types that come with a type or a table are members from 17 on only. */
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_type t WHERE d.classid = "
    "'pg_catalog.pg_type'::regclass AND t.oid = d.objid AND (t.typtype = 'm' OR"
    "  EXISTS (SELECT FROM pg_catalog.pg_type u WHERE u.typarray = t.oid) OR"
    "  EXISTS (SELECT FROM pg_catalog.pg_class r WHERE r.oid = t.typrelid AND r.relkind <> 'c')))"
    " ORDER BY 1, 3, 4";

/* Objects that a user made in a system schema.  Row types, array types and objects that belong to a
 * table are restored with it. */
static const char system_schema_objects[] =
    "SELECT i.type AS kind, i.identity AS name, md5(x.definition) AS digest FROM ("
    "  SELECT 'pg_catalog.pg_proc'::regclass AS classid, p.oid AS objid, p.pronamespace AS "
    "nsp, " FUNCTION_DEFINITION
    " AS definition"
    "   FROM pg_catalog.pg_proc p"
    "  UNION ALL SELECT 'pg_catalog.pg_class'::regclass, r.oid, r.relnamespace, CASE WHEN "
    "r.relkind IN ('v', 'm')"
    "    THEN pg_get_viewdef(r.oid) ELSE (SELECT string_agg(concat_ws(' ', a.attname, "
    "format_type(a.atttypid, a.atttypmod)), ',' ORDER BY"
    "    a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND "
    "NOT a.attisdropped) END"
    "   FROM pg_catalog.pg_class r WHERE r.oid >= " FIRST_USER_OID
    "    AND r.relnamespace IN (to_regnamespace('pg_catalog'), "
    "to_regnamespace('information_schema'))"
    "  UNION ALL SELECT 'pg_catalog.pg_type'::regclass, t.oid, t.typnamespace, t.typtype::text "
    "FROM pg_catalog.pg_type t"
    "   WHERE t.typtype NOT IN ('c', 'm') AND t.typelem = 0 OR (t.typtype = 'c' AND (SELECT "
    "relkind FROM pg_catalog.pg_class WHERE oid = t.typrelid) = 'c')"
    "  UNION ALL SELECT 'pg_catalog.pg_operator'::regclass, o.oid, o.oprnamespace, o.oprcode::text "
    "FROM pg_catalog.pg_operator o"
    "  UNION ALL SELECT 'pg_catalog.pg_collation'::regclass, l.oid, l.collnamespace, l.collcollate "
    "FROM pg_catalog.pg_collation l"
    " ) x CROSS JOIN LATERAL pg_catalog.pg_identify_object(x.classid, x.objid, 0) i"
    " WHERE x.objid >= " FIRST_USER_OID
    " AND x.nsp IN (to_regnamespace('pg_catalog'), to_regnamespace('information_schema'))"
    " AND " NO_MEMBER("x.classid", "x.objid") " ORDER BY 1, 2";

/* The elements of a list that is compared with this one. */
#define ALSO "EXISTS (SELECT FROM also WHERE also.kind = i.type AND also.name = i.identity)"
/* Of a row that is neither young nor, as there is no such list, an element of it, no name is made:
 * there are thousands. */
#define LISTED(row)                                                                                \
    "(" AFTER_INITDB(row) " OR EXISTS (SELECT FROM also)) AND (" AFTER_INITDB(row) " OR " ALSO ")"

/*
 * A row younger than initdb was modified, but need not be changed: a GRANT and its REVOKE leave a
 * new row, which no dump carries.  So everything that the other side of a comparison lists is
 * listed here, modified or not, and the definitions decide.  granted: a GRANT (which pg_dump does
 * carry) explains the new row.  acl: a GRANT and its REVOKE may explain it.
 */
static const char changed_builtins[] = WITH_OTHER_AND_INITDB
    " SELECT i.type AS kind, i.identity AS name, pg_get_userbyid(p.proowner) AS owner, "
    "p.proowner = 10 AS owner_is_bootstrap,"
    " p.proacl IS DISTINCT FROM (SELECT v.initprivs FROM pg_catalog.pg_init_privs v WHERE "
    "v.classoid = 'pg_catalog.pg_proc'::regclass AND v.objoid = p.oid AND v.objsubid = 0) AS "
    "granted, p.proacl IS NOT NULL AS acl,"
    " md5(" FUNCTION_DEFINITION
    ") AS digest, CASE WHEN p.prokind <> 'a' THEN 'SELECT "
    "pg_catalog.set_config(''allow_system_table_mods'', ''on'', true); ' || "
    "pg_get_functiondef(p.oid) END AS sql"
    " FROM pg_catalog.pg_proc p CROSS JOIN LATERAL "
    "pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0) i"
    " WHERE p.oid < " FIRST_USER_OID " AND " LISTED("p") " AND " NO_MEMBER(
        "'pg_catalog.pg_proc'::regclass", "p.oid") " ORDER BY 1, 2";

static const char builtin_comments[] = WITH_OTHER_AND_INITDB
    " SELECT i.type AS kind, i.identity AS name, d.description AS comment FROM "
    "pg_catalog.pg_description d"
    " CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) i"
    " WHERE d.objoid < " FIRST_USER_OID
    " AND " LISTED("d") " AND " NO_MEMBER("d.classoid", "d.objoid")
    /* A large object may have any OID; its comment is among its metadata. */
    " AND d.classoid NOT IN ('pg_catalog.pg_extension'::regclass, "
    "'pg_catalog.pg_largeobject'::regclass)"
    " AND (d.classoid <> 'pg_catalog.pg_namespace'::regclass OR d.objoid IS DISTINCT FROM "
    "to_regnamespace('public')::oid)"
    " ORDER BY 1, 2";

/* A restore makes them disabled and unconnected.  Their connection strings hold passwords: never
 * recorded. */
static const char subscriptions[] =
    "SELECT s.subname AS name, pg_get_userbyid(s.subowner) AS owner, s.subenabled AS enabled, "
    "s.subslotname AS slot,"
    " array_to_string(s.subpublications, ', ') AS publications FROM pg_catalog.pg_subscription s"
    " WHERE s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
    "current_database()) ORDER BY 1";

/* CREATE INDEX CONCURRENTLY that failed: pg_dump leaves them out. */
static const char invalid_indexes[] =
    "SELECT n.nspname AS schema, c.relname AS name, pg_get_indexdef(c.oid) AS definition FROM "
    "pg_catalog.pg_index i"
    " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = "
    "c.relnamespace"
    " WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2";

/* ALTER TABLE … DISABLE TRIGGER ALL reaches the triggers that implement constraints: pg_dump leaves
 * those out, so that an unenforced foreign key looks like any other. */
static const char disabled_constraints[] =
    "SELECT n.nspname AS schema, concat(k.conname, ' on ', c.relname) AS name,"
    " string_agg(DISTINCT t.tgenabled::text, ',' ORDER BY t.tgenabled::text) AS state FROM "
    "pg_catalog.pg_trigger t"
    " JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint JOIN pg_catalog.pg_class c ON "
    "c.oid = t.tgrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE t.tgisinternal AND t.tgenabled <> 'O' AND k.contype <> 't' GROUP BY 1, 2 ORDER BY 1, 2";

/* pg_dump carries them, but separately from the definition: two definitions are equal whatever the
 * method. */
static const char access_methods[] =
    "SELECT n.nspname AS schema, c.relname AS name, m.amname AS method FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_am m ON m.oid = c.relam JOIN pg_catalog.pg_namespace n ON n.oid = "
    "c.relnamespace"
    " WHERE m.amtype = 't' AND m.amname <> 'heap' AND c.relkind <> 't' AND n.nspname NOT LIKE "
    "'pg\\_%' ORDER BY 1, 2";

/* pg_dump carries them separately, too; a restore may leave them out (--no-tablespaces).  Objects
 * in the database's own tablespace have none. */
static const char object_tablespaces[] =
    "SELECT n.nspname AS schema, c.relname AS name, s.spcname AS tablespace FROM "
    "pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace JOIN pg_catalog.pg_namespace n ON "
    "n.oid = c.relnamespace"
    " WHERE c.relkind <> 't' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2";

static const char replication_slots[] =
    "SELECT slot_name AS name, plugin FROM pg_catalog.pg_replication_slots WHERE database = "
    "current_database()"
    " AND NOT temporary ORDER BY 1";

/* Uncommitted work: a later commit changes this database, not the backup. */
static const char prepared_transactions[] =
    "SELECT gid AS name, owner, to_char(prepared AT TIME ZONE 'UTC', "
    "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS prepared"
    " FROM pg_catalog.pg_prepared_xacts WHERE database = current_database() ORDER BY 1";

/* The rows of sql, in which INVENTORY_OTHER, if it is there, stands for the elements of like. */
static json_t *
rows_with(PGconn *conn, const char *sql, const json_t *like, struct err *e)
{
    const char *gap = strstr(sql, INVENTORY_OTHER);
    char       *list = NULL, *literal = NULL, *whole = NULL;
    json_t     *rows = NULL;

    if (gap == NULL) {
        return pg_rows_json(conn, sql, e);
    }
    list = json_is_array(like) ? json_dumps(like, JSON_COMPACT | JSON_ENSURE_ASCII) : xstrdup("[]");
    literal = list == NULL ? NULL : pg_literal(conn, list);
    if (literal == NULL) {
        err_set(e, ERR_IO, "out of memory for a list of objects");
    } else {
        whole = xasprintf("%.*s%s%s", (int)(gap - sql), sql, literal,
                          gap + strlen(INVENTORY_OTHER));
        rows = pg_rows_json(conn, whole, e);
    }
    free(list);
    free(literal);
    free(whole);
    return rows;
}

/* Changed functions of extensions, with SQL; "members" has all of them, to be compared. */
static const char changed_members[] = WITH_OTHER_AND_INITDB
    " SELECT i.type AS kind, i.identity AS name, e.extname AS extension, e.extversion AS version, "
    "p.proacl IS DISTINCT FROM (SELECT v.initprivs FROM pg_catalog.pg_init_privs v WHERE "
    "v.classoid = 'pg_catalog.pg_proc'::regclass AND v.objoid = p.oid AND v.objsubid = 0) AS "
    "granted, md5(" FUNCTION_DEFINITION
    ") AS digest, CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS sql FROM "
    "pg_catalog.pg_proc p" MEMBER(
        "pg_catalog.pg_proc",
        "p.oid") " CROSS JOIN LATERAL "
                 "pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0) i WHERE "
                 "(age(p.xmin) < age(m.xmin) AND " NOT_BY_EXTENSION("p") ") OR " ALSO
                                                                         " ORDER BY 3, 1, 2";

static const struct part {
    const char *key, *sql;
    bool        repairable; /* with SQL that brings it back */
    const char *against;    /* the list of the other side, if it has another key; no other side: it
                               is left out */
} parts[] = {
    {"members", members, false, NULL},
    {"system_schema_objects", system_schema_objects, false, NULL},
    {"changed_builtins", changed_builtins, true, NULL},
    {"changed_members", changed_members, true, NULL},
    {"beyond", inventory_beyond_sql, true, NULL},
    {"broken", inventory_broken_sql, false, NULL},
    {"builtin_counts", inventory_counts_sql, false, NULL},
    {"deleted_builtins", inventory_deleted_sql, true, "builtin_counts"},
    {"builtin_comments", builtin_comments, false, NULL},
    {"subscriptions", subscriptions, false, NULL},
    {"invalid_indexes", invalid_indexes, false, NULL},
    {"disabled_constraints", disabled_constraints, false, NULL},
    {"access_methods", access_methods, false, NULL},
    {"object_tablespaces", object_tablespaces, false, NULL},
    {"replication_slots", replication_slots, false, NULL},
    {"prepared_transactions", prepared_transactions, false, NULL},
};

static json_t *
read_parts(PGconn *conn, const json_t *like, bool repairable, struct err *e)
{
    json_t *all = json_object();

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const struct part *p = &parts[i];
        json_t            *rows;

        if ((repairable && !p->repairable) || (p->against != NULL && like == NULL)) {
            continue;
        }
        rows = rows_with(conn, p->sql,
                         json_object_get(like, p->against != NULL ? p->against : p->key), e);
        if (rows == NULL) {
            err_wrap(e, "inventory of %s", p->key);
            json_decref(all);
            return NULL;
        }
        json_object_set_new(all, p->key, rows);
    }
    return all;
}

json_t *
inventory_omitted(PGconn *conn, struct err *e)
{
    return read_parts(conn, NULL, false, e);
}

json_t *
inventory_omitted_like(PGconn *conn, const json_t *like, struct err *e)
{
    return read_parts(conn, like, false, e);
}

json_t *
inventory_repairable_like(PGconn *conn, const json_t *like, struct err *e)
{
    return read_parts(conn, like, true, e);
}
