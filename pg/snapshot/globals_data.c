#include "pg/snapshot/globals_data.h"

#include <stdlib.h>
#include <string.h>

#include "pg/conn/jsonrows.h"

#define ACL(items)                                                                                 \
    "pg_catalog.array_to_string(ARRAY(SELECT a::pg_catalog.text FROM pg_catalog.unnest(" items     \
    ") a ORDER BY a::pg_catalog.text COLLATE \"C\"), ', ')"

/* pg_roles is readable by everybody, and hides the password. */
#define ROLES(password, catalog)                                                                   \
    "SELECT r.rolname AS name, r.oid = 10 AS bootstrap, r.rolsuper AS superuser, r.rolinherit AS " \
    "inherit, r.rolcreaterole AS createrole, r.rolcreatedb AS createdb, r.rolcanlogin AS login, "  \
    "r.rolreplication AS replication, r.rolbypassrls AS bypassrls, r.rolconnlimit AS "             \
    "connection_limit, r.rolvaliduntil::pg_catalog.text AS valid_until" password                   \
    ", pg_catalog.shobj_description(r.oid, 'pg_authid') AS comment FROM pg_catalog." catalog       \
    " r WHERE r.rolname !~ '^pg_' ORDER BY r.rolname"

#define PASSWORD                                                                                   \
    ", pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(r.rolpassword, 'UTF8')), 'hex') " \
    "AS password_sha256"

#define MEMBERSHIPS(options)                                                                       \
    "SELECT g.rolname AS role, r.rolname AS member, m.admin_option AS admin" options               \
    ", pg_catalog.pg_get_userbyid(m.grantor) AS grantor FROM pg_catalog.pg_auth_members m JOIN "   \
    "pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles r ON r.oid = m.member "    \
    "WHERE r.rolname !~ '^pg_' ORDER BY 1, 2, 3"

static const char role_settings[] =
    "SELECT r.rolname AS role, pg_catalog.split_part(c, '=', 1) AS name, pg_catalog.substr(c, "
    "pg_catalog.strpos(c, '=') + 1) AS value FROM pg_catalog.pg_db_role_setting s CROSS JOIN "
    "LATERAL pg_catalog.unnest(s.setconfig) c LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole "
    "WHERE s.setdatabase = 0 ORDER BY 1 NULLS FIRST, 2";

static const char tablespaces[] =
    "SELECT spcname AS name, pg_catalog.pg_get_userbyid(spcowner) AS owner, "
    "pg_catalog.pg_tablespace_location(oid) AS location, "
    "pg_catalog.array_to_string(spcoptions, ', ') AS options, "
    "" ACL("COALESCE(spcacl, pg_catalog.acldefault('t', spcowner))")
    " AS acl FROM pg_catalog.pg_tablespace WHERE spcname !~ '^pg_' ORDER BY spcname";

static const char parameters[] =
    "SELECT parname AS name, "
    "" ACL("paracl") " AS acl FROM pg_catalog.pg_parameter_acl ORDER BY parname COLLATE \"C\"";

static json_t *
read_part(struct snapshot *s, PGconn *now, const char *key, const char *sql, struct err *e)
{
    json_t *rows = pg_rows_json(now, sql, e);

    if (rows != NULL) {
        return rows;
    }
    if (strcmp(e->sqlstate, "42501") != 0) {
        err_wrap(e, "list %s", key);
        return NULL;
    }
    strlist_take(&s->warnings, xasprintf("%s are not in the backup: %s", key, e->text));
    err_clear(e);
    s->globals = false;
    return json_array();
}

int
globals_data_read(struct snapshot *s, PGconn *now, struct err *e)
{
    int         version = pg_version(now);
    const char *roles = s->passwords ? ROLES(PASSWORD, "pg_authid") : ROLES("", "pg_roles");
    const struct {
        const char *key, *sql;
    } parts[] = {
        {"roles", roles},
        {"memberships",
         version >= 160000 ? MEMBERSHIPS(", m.inherit_option AS inherit, m.set_option AS set")
                           : MEMBERSHIPS("")},
        {"role_settings", role_settings},
        {"tablespaces", tablespaces},
        {"parameters", version >= 150000 ? parameters : NULL},
    };

    json_decref(s->globals_data);
    s->globals_data = json_object();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_t *rows = parts[i].sql == NULL ? NULL
                                            : read_part(s, now, parts[i].key, parts[i].sql, e);

        if (rows == NULL && parts[i].sql != NULL) {
            return -1;
        }
        if (rows != NULL) {
            json_object_set_new(s->globals_data, parts[i].key, rows);
        }
    }
    return 0;
}
