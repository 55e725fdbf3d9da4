#include "pg/target/roles.h"

#include <stdlib.h>
#include <string.h>

#include "pg/archive/sqlsplit.h"

static int
existing_roles(PGconn *conn, struct strlist *out, struct err *e)
{
    PGresult *res = pg_query(conn, e, "SELECT rolname FROM pg_catalog.pg_roles", 0, NULL);

    if (res == NULL)
        return -1;
    for (int i = 0; i < PQntuples(res); i++)
        strlist_add(out, PQgetvalue(res, i, 0));
    strlist_add(out, "public"); /* the rights of PUBLIC are left to the target */
    PQclear(res);
    return 0;
}

/* The roles that a statement is about: one (a parameter's grantee), or two for a membership.  0: it
 * is not about roles. */
static int
roles_of(const struct sql_statement *s, char *name[2])
{
    static const char *const heads[] = {"CREATE ROLE", "ALTER ROLE", "COMMENT ON ROLE"};
    struct sql_cursor        c = sql_cursor(s);
    struct sql_span          ignored;

    name[0] = name[1] = NULL;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        if (sql_words(&c, heads[i])) {
            return sql_simple_name(&c, &name[0]) ? 1 : 0;
        }
    }
    if (!sql_words(&c, "GRANT")) {
        return 0;
    }
    /* "GRANT role TO role", "GRANT SET ON PARAMETER name TO role".  Privileges on a tablespace have
     * ON there, too: they are left to the tablespace's creator. */
    if (sql_has_words(c, "ON PARAMETER")) {
        while (!sql_words(&c, "ON PARAMETER")) {
            c.p++;
        }
        return sql_qualified_name(&c, &ignored) && sql_words(&c, "TO") &&
                sql_simple_name(&c, &name[0])
            ? 1
            : 0;
    }
    if (!sql_simple_name(&c, &name[0]) || !sql_words(&c, "TO") || !sql_simple_name(&c, &name[1])) {
        return 0;
    }
    return 2;
}

int
roles_create(PGconn *conn, const char *globals_sql, roles_problem_fn *problem, void *ctx,
             struct err *e)
{
    struct strlist    there = {0};
    struct sql_script script = {0};
    int               rc = -1;

    if (existing_roles(conn, &there, e) != 0 || sql_parse(globals_sql, &script, e) != 0)
        goto out;
    for (size_t i = 0; i < script.n; i++) {
        struct err fault = ERR_INIT;
        char      *name[2];
        int        n = roles_of(&script.v[i], name);
        bool       is_new = (n >= 1 && !strlist_has(&there, name[0])) ||
            (n == 2 && !strlist_has(&there, name[1]));

        if (is_new) {
            char *sql = sql_text(&script.v[i]);

            if (pg_exec(conn, &fault, sql) != 0)
                problem(ctx, name[0], &fault);
            free(sql);
        }
        free(name[0]);
        free(name[1]);
        if (fault.kind == ERR_INTERRUPTED || PQstatus(conn) != CONNECTION_OK) {
            *e = fault;
            goto out;
        }
    }
    rc = 0;
out:
    strlist_free(&there);
    sql_script_free(&script);
    return rc == 0 ? 0 : err_wrap(e, "roles");
}
