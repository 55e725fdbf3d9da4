#include "pg/snapshot/globals.h"

#include <stdlib.h>
#include <string.h>

#include "core/host/proc.h"
#include "pg/snapshot/dump.h"
#include "pg/snapshot/globals_data.h"
#include "pg/snapshot/globals_text.h"

#define DUMPALL_END "-- PostgreSQL database cluster dump complete"

/* The connection string is also given as the database's name: a name with '=' in it would be taken
 * for one. */
static int
run_pg_dumpall(const char *program, const struct dump_child *child, bool passwords, struct buf *out,
               struct buf *said, struct err *e)
{
    char *encoding = xasprintf("--encoding=%s", child->encoding),
         *role = xasprintf("--role=%s", child->role);
    const char *argv[11] = {program,    "--globals-only", "--no-password", encoding,
                            "--dbname", child->conninfo,  "--database",    child->conninfo};
    size_t      n = 8;
    int         rc;

    if (!passwords) {
        argv[n++] = "--no-role-passwords";
    }
    if (child->role[0] != '\0') {
        argv[n++] = role;
    }
    buf_clear(out);
    rc = proc_run(
        &(struct proc_spec){
            .argv = argv, .env = (const char *const *)child->env, .out = out, .err = said},
        NULL, e);
    /* pg_dumpall does not check whether its last bytes could be written. */
    if (rc == 0 && strstr(buf_str(out), DUMPALL_END) == NULL) {
        rc = err_set(e, ERR_IO, "\"pg_dumpall\" ended with status 0, but its text is cut short");
    }
    free(encoding);
    free(role);
    return rc;
}

/* Roles whose names have line ends; NULL on failure. */
static PGresult *
names_with_line_ends(PGconn *now, struct err *e)
{
    return pg_query(now, e,
                    "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname ~ E'[\\n\\r]' ORDER BY "
                    "pg_catalog.length(rolname) DESC",
                    0, NULL);
}

static int
settle(PGconn *now, int version, struct buf *sql, struct err *e)
{
    PGresult      *r = names_with_line_ends(now, e);
    struct strlist names = {0};

    if (r == NULL) {
        return err_wrap(e, "list roles whose names have line ends");
    }
    for (int i = 0; i < PQntuples(r); i++) {
        strlist_add(&names, PQgetvalue(r, i, 0));
    }
    PQclear(r);
    globals_settle(sql, version, &names);
    strlist_free(&names);
    return 0;
}

static int
may_read_passwords(PGconn *now, bool *may, struct err *e)
{
    char *answer = pg_value(
        now, e, "SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')", 0, NULL);

    if (answer == NULL) {
        return -1;
    }
    *may = strcmp(answer, "t") == 0;
    free(answer);
    return 0;
}

/* Does this query fail with "permission denied" (42501), and with the message with which pg_dumpall
 * ended?  Both sessions are of one role on one server, so the message is the same in any
 * language. */
static bool
is_denied(PGconn *now, const char *sql, const char *said)
{
    struct err why = ERR_INIT;
    PGresult  *r = pg_query(now, &why, sql, 0, NULL);

    PQclear(r);
    return r == NULL && strcmp(why.sqlstate, "42501") == 0 && strstr(said, why.text) != NULL;
}

/* pg_dumpall reports an error of the server only as text.  To find out whether rights were missing,
 * each query of pg_dumpall's is tried again; rights are checked before the first row, and before a
 * function is called. */
static bool
forbidden(PGconn *now, const char *said)
{
    static const char *const reads[] = {
        "* FROM pg_catalog.pg_roles",
        "* FROM pg_catalog.pg_authid",
        "* FROM pg_catalog.pg_auth_members",
        "* FROM pg_catalog.pg_database",
        "* FROM pg_catalog.pg_tablespace",
        "* FROM pg_catalog.pg_db_role_setting",
        "* FROM pg_catalog.pg_parameter_acl",
        "* FROM pg_catalog.pg_shdescription",
        "* FROM pg_catalog.pg_shseclabel",
        "* FROM pg_catalog.pg_shseclabels",
        "pg_catalog.pg_tablespace_location(0)",
        "pg_catalog.pg_get_userbyid(0)",
        "pg_catalog.shobj_description(0, 'pg_authid')",
    };

    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        char *sql = xasprintf("SELECT %s LIMIT 0", reads[i]);
        bool  denied = is_denied(now, sql, said);

        free(sql);
        if (denied) {
            return true;
        }
    }
    return false;
}

/* Managed servers forbid parts of it: then the database is backed up without them, as shown in
 * label and list.  Anything else that keeps the globals from being read fails the backup. */
static int
dump_globals(struct snapshot *s, PGconn *now, const struct pg_tool *tool, struct err *e)
{
    struct dump_child child = {0};
    struct buf        said = BUF_INIT(64 * KIB);
    int               rc = dump_child_init(&child, "pg_dumpall", now, e);

    s->globals = false;
    if (rc == 0 &&
        run_pg_dumpall(tool->path, &child, s->passwords, &s->globals_sql, &said, e) == 0) {
        rc = settle(now, tool->version_num, &s->globals_sql, e);
        s->globals = rc == 0;
    } else if (rc == 0 && e->kind != ERR_INTERRUPTED && forbidden(now, buf_str(&said))) {
        strlist_take(&s->warnings,
                     xasprintf("globals (roles, tablespaces) are not in the backup: %s", e->text));
        buf_clear(&s->globals_sql);
        err_clear(e);
    } else {
        rc = err_wrap(e, "dump the globals (roles, tablespaces)");
    }
    dump_child_free(&child);
    buf_free(&said);
    return rc;
}

int
globals_read(struct snapshot *s, PGconn *now, struct err *e)
{
    struct pg_tool tool;
    int            rc;

    if (pg_tool_find("pg_dumpall", pg_version(now), &tool, e) != 0) {
        return -1;
    }
    rc = may_read_passwords(now, &s->passwords, e) == 0 && dump_globals(s, now, &tool, e) == 0 &&
            globals_data_read(s, now, e) == 0
        ? 0
        : -1;
    if (!s->globals) {
        s->passwords = false;
        buf_clear(&s->globals_sql);
    } else if (!s->passwords) {
        strlist_add(&s->warnings,
                    "role passwords are not in the globals: the role may not read pg_authid");
    }
    pg_tool_free(&tool);
    return rc;
}

int
globals_missing(struct snapshot *s, PGconn *snap, struct strlist *missing, struct err *e)
{
    struct strlist created = {0};
    PGresult      *r;

    if (!s->globals) {
        return 0;
    }
    if (globals_roles(buf_str(&s->globals_sql), &created, e) != 0) {
        strlist_free(&created);
        return err_wrap(e, "read the globals");
    }
    /* The cluster's first role owns what initdb made without a pg_shdepend row; it cannot be
     * dropped either. */
    r = pg_query(snap, e,
                 "SELECT DISTINCT r.rolname "
                 "FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid "
                 "WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND r.rolname "
                 "!~ '^pg_' AND d.dbid IN "
                 "(0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
                 "pg_catalog.current_database()))",
                 0, NULL);
    for (int i = 0; r != NULL && i < PQntuples(r); i++) {
        if (!strlist_has(&created, PQgetvalue(r, i, 0))) {
            strlist_add(missing, PQgetvalue(r, i, 0));
        }
    }
    strlist_free(&created);
    if (r == NULL) {
        return err_wrap(e, "list owners and grantees");
    }
    PQclear(r);
    return 0;
}
