/*
 * inventory.c - facts about server and database that are recorded with a backup.
 */
#include "pg/snapshot/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "pg/conn/jsonrows.h"

#define HEX64(expression) "lpad(to_hex(" expression "), 16, '0')"

/* Adds a part under its key; frees the whole if the part is NULL. */
static json_t *
with(json_t *whole, const char *key, json_t *part, struct err *e)
{
    if (whole == NULL || part == NULL) {
        json_decref(whole);
        json_decref(part);
        return NULL;
    }
    if (json_object_set_new(whole, key, part) != 0) {
        err_set(e, ERR_IO, "out of memory for %s", key);
        json_decref(whole);
        return NULL;
    }
    return whole;
}

/* Managed servers may forbid the function: null then. */
static json_t *
system_identifier(PGconn *conn, struct err *e)
{
    char   *may = pg_value(conn, e,
                           "SELECT has_function_privilege('pg_catalog.pg_control_system()', "
                             "'EXECUTE')",
                           0, NULL);
    char   *id = NULL;
    json_t *out = NULL;

    if (may != NULL && strcmp(may, "t") == 0) {
        id = pg_value(conn, e, "SELECT " HEX64("system_identifier") " FROM pg_control_system()", 0,
                      NULL);
        out = id != NULL ? json_string(id) : NULL;
    } else if (may != NULL) {
        out = json_null();
    }
    free(may);
    free(id);
    return out;
}

/* reset_val: the value of a new session, not the one that this session has set. */
static json_t *
settings(PGconn *conn, struct err *e)
{
    PGresult *r = pg_query(conn, e,
                           "SELECT name, reset_val || CASE WHEN unit IS NULL THEN '' ELSE ' x ' || "
                           "unit END FROM pg_catalog.pg_settings"
                           " WHERE name IN ('block_size', 'wal_block_size', 'segment_size', "
                           "'wal_segment_size', 'data_checksums',"
                           " 'max_identifier_length', 'max_index_keys', 'max_function_args', "
                           "'integer_datetimes', 'wal_level',"
                           " 'max_connections', 'max_locks_per_transaction', "
                           "'max_prepared_transactions', 'max_worker_processes',"
                           " 'shared_buffers', 'shared_preload_libraries', "
                           "'session_preload_libraries', 'local_preload_libraries',"
                           " 'default_table_access_method', 'default_tablespace', "
                           "'default_text_search_config',"
                           " 'default_toast_compression', 'default_transaction_isolation', "
                           "'password_encryption', 'timezone_abbreviations',"
                           " 'TimeZone', 'DateStyle', 'IntervalStyle', 'lc_messages', "
                           "'lc_monetary', 'lc_numeric', 'lc_time', 'xmloption',"
                           " 'array_nulls', 'standard_conforming_strings', "
                           "'autovacuum_freeze_max_age',"
                           " 'autovacuum_multixact_freeze_max_age', 'fsync', 'full_page_writes', "
                           "'zero_damaged_pages', 'ignore_checksum_failure')"
                           " ORDER BY name",
                           0, NULL);
    json_t   *out = r != NULL ? json_object() : NULL;

    for (int i = 0; out != NULL && i < PQntuples(r); i++) {
        json_object_set_new(out, PQgetvalue(r, i, 0), json_string(PQgetvalue(r, i, 1)));
    }
    PQclear(r);
    return out;
}

json_t *
inventory_server(PGconn *conn, struct err *e)
{
    json_t *server = pg_row_json(conn,
                                 "SELECT current_setting('server_version') AS version, "
                                 "current_setting('server_version_num')::int AS version_num,"
                                 " version() AS version_text, pg_is_in_recovery() AS standby, "
                                 "current_setting('block_size')::int AS block_size,"
                                 " (SELECT rolname FROM pg_catalog.pg_roles WHERE oid = 10) AS "
                                 "bootstrap_role",
                                 e);

    server = with(server, "system_identifier", server != NULL ? system_identifier(conn, e) : NULL,
                  e);
    return with(server, "settings", server != NULL ? settings(conn, e) : NULL, e);
}

/* The locale columns have different names in almost every release. */
static const char *
locale_columns(int version)
{
    if (version >= 170000) {
        return "d.datlocale AS locale, d.daticurules AS icu_rules, d.datcollversion AS "
               "collation_version,"
               " pg_database_collation_actual_version(d.oid) AS collation_version_now,"
               " CASE d.datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN "
               "'builtin'"
               " ELSE d.datlocprovider::text END AS provider";
    }
    if (version >= 160000) {
        return "d.daticulocale AS locale, d.daticurules AS icu_rules, d.datcollversion AS "
               "collation_version,"
               " pg_database_collation_actual_version(d.oid) AS collation_version_now,"
               " CASE d.datlocprovider WHEN 'i' THEN 'icu' ELSE 'libc' END AS provider";
    }
    if (version >= 150000) {
        return "d.daticulocale AS locale, NULL AS icu_rules, d.datcollversion AS collation_version,"
               " pg_database_collation_actual_version(d.oid) AS collation_version_now,"
               " CASE d.datlocprovider WHEN 'i' THEN 'icu' ELSE 'libc' END AS provider";
    }
    return "NULL AS locale, NULL AS icu_rules, NULL AS collation_version, NULL AS "
           "collation_version_now,"
           " 'libc' AS provider";
}

/* which: an expression that gives the database's name. */
static json_t *
database_facts(PGconn *conn, const char *which, struct err *e)
{
    char *sql = xasprintf(
        "SELECT d.datname AS name, d.oid, pg_get_userbyid(d.datdba) AS owner, d.datdba = 10 AS "
        "owner_is_bootstrap, pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS collate, "
        "d.datctype AS ctype, %s, d.datconnlimit AS connection_limit, d.datistemplate AS "
        "is_template, t.spcname AS tablespace, shobj_description(d.oid, 'pg_database') AS comment, "
        "pg_database_size(d.oid) AS size_bytes FROM pg_catalog.pg_database d JOIN "
        "pg_catalog.pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = %s",
        locale_columns(pg_version(conn)), which);
    json_t *db = pg_row_json(conn, sql, e);

    free(sql);
    return db;
}

/* A missing ACL means the default: written out, so that both compare as equal. */
static json_t *
database_acl(PGconn *conn, const char *which, struct err *e)
{
    char *sql = xasprintf(
        "SELECT a::text FROM pg_catalog.pg_database d, "
        "unnest(COALESCE(d.datacl, acldefault('d', d.datdba))) a WHERE d.datname = "
        "%s ORDER BY a::text COLLATE \"C\"",
        which);
    json_t *acl = pg_column_json(conn, sql, e);

    free(sql);
    return acl;
}

/* For a query over shared catalogs: the database's oid is put between before and after. */
static json_t *
database_rows(PGconn *conn, const char *which, const char *before, const char *after, struct err *e)
{
    char   *sql = xasprintf("%s (SELECT oid FROM pg_catalog.pg_database WHERE datname = %s) %s",
                            before, which, after);
    json_t *rows = pg_rows_json(conn, sql, e);

    free(sql);
    return rows;
}

static json_t *
database_of(PGconn *conn, const char *which, struct err *e)
{
    json_t *db = database_facts(conn, which, e);

    db = with(db, "acl", db == NULL ? NULL : database_acl(conn, which, e), e);
    db = with(db, "settings",
              db == NULL ? NULL
                         : database_rows(conn, which,
                                         "SELECT CASE WHEN setrole <> 0 THEN "
                                         "pg_get_userbyid(setrole) END "
                                         "AS role, split_part(c, '=', 1) AS name, substr(c, "
                                         "strpos(c, "
                                         "'=') + 1) AS value FROM pg_catalog.pg_db_role_setting, "
                                         "unnest(setconfig) c WHERE setdatabase =",
                                         "ORDER BY 1 NULLS FIRST, 2", e),
              e);
    return with(db, "labels",
                db == NULL ? NULL
                           : database_rows(conn, which,
                                           "SELECT provider, label FROM pg_catalog.pg_shseclabel "
                                           "WHERE classoid = 'pg_catalog.pg_database'::regclass "
                                           "AND objoid =",
                                           "ORDER BY 1", e),
                e);
}

json_t *
inventory_database(PGconn *conn, struct err *e)
{
    return database_of(conn, "current_database()", e);
}

json_t *
inventory_database_named(PGconn *conn, const char *name, struct err *e)
{
    char   *literal = pg_literal(conn, name);
    json_t *db = literal == NULL ? NULL : database_of(conn, literal, e);

    if (literal == NULL) {
        err_set(e, ERR_PG, "the name \"%s\" is not valid in the server's encoding", name);
    }
    free(literal);
    return db;
}

json_t *
inventory_snapshot(PGconn *conn, struct err *e)
{
    return pg_row_json(conn,
        "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS time, "
        "lsn::text AS lsn_text,"
        " " HEX64("(lsn - '0/0'::pg_lsn)::int8") " AS lsn, "
        "" HEX64("pg_snapshot_xmin(s)::text::int8") " AS xmin,"
        " " HEX64("pg_snapshot_xmax(s)::text::int8") " AS xmax, (SELECT count(*) FROM "
        "pg_snapshot_xip(s)) AS in_progress"
        " FROM (SELECT pg_current_snapshot() AS s, CASE WHEN pg_is_in_recovery() THEN "
        "pg_last_wal_replay_lsn()"
        " ELSE pg_current_wal_lsn() END AS lsn) x", e);
}

json_t *
inventory_xid(PGconn *conn, struct err *e)
{
    json_t *xid = pg_row_json(conn,
                              "SELECT age(datfrozenxid) AS age, mxid_age(datminmxid) AS "
                              "multixact_age FROM pg_catalog.pg_database"
                              " WHERE datname = current_database()",
                              e);

    return with(xid, "tables",
                xid == NULL ? NULL
                            : pg_rows_json(conn,
                                           "SELECT n.nspname AS schema, c.relname AS name, "
                                           "age(c.relfrozenxid) AS age, mxid_age(c.relminmxid) AS "
                                           "multixact_age"
                                           " FROM pg_catalog.pg_class c JOIN "
                                           "pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                                           " WHERE c.relkind IN ('r', 'm', 't') AND c.relfrozenxid "
                                           "<> '0'::xid"
                                           " ORDER BY greatest(age(c.relfrozenxid), "
                                           "mxid_age(c.relminmxid)) DESC, 1, 2 LIMIT 10",
                                           e),
                e);
}

json_t *
inventory_extensions(PGconn *conn, struct err *e)
{
    return pg_rows_json(conn,
                        "SELECT e.extname AS name, e.extversion AS version, n.nspname AS schema, "
                        "pg_get_userbyid(e.extowner) AS owner,"
                        " e.extowner = 10 AS owner_is_bootstrap, e.extrelocatable AS relocatable"
                        " FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = "
                        "e.extnamespace"
                        " ORDER BY e.extname COLLATE \"C\"",
                        e);
}

int
inventory_extensions_default(PGconn *conn, json_t *extensions, struct err *e)
{
    PGresult *res = pg_query(conn, e,
                             "SELECT e.extname FROM pg_catalog.pg_extension e JOIN "
                             "pg_catalog.pg_available_extensions a ON a.name = e.extname "
                             "WHERE e.extversion = a.default_version",
                             0, NULL);
    json_t   *one;
    size_t    i;

    if (res == NULL) {
        return -1;
    }
    json_array_foreach (extensions, i, one) {
        const char *name = json_opt_str(one, "name", "");
        bool        found = false;

        for (int k = 0; k < PQntuples(res); k++) {
            found |= strcmp(PQgetvalue(res, k, 0), name) == 0;
        }
        (void)json_object_set_new(one, "is_default", json_boolean(found));
    }
    PQclear(res);
    return 0;
}
