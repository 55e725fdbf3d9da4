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

/* "GRANT SET, ALTER SYSTEM ON PARAMETER log_statement TO ops", or ON TABLESPACE. */
struct grant {
    char *privileges, *object, *role; /* role "public": of everybody */
    bool  tablespace;
};

static void
grant_free(struct grant *g)
{
    free(g->privileges);
    free(g->object);
    free(g->role);
}

static bool
read_grant(const struct sql_statement *s, struct grant *g)
{
    struct sql_cursor c = sql_cursor(s);
    const char       *from, *to;

    *g = (struct grant){.tablespace = sql_has_words(c, "ON TABLESPACE")};
    if (!sql_words(&c, "GRANT") || (!g->tablespace && !sql_has_words(c, "ON PARAMETER"))) {
        return false;
    }
    from = to = c.p->at;
    while (!sql_words(&c, g->tablespace ? "ON TABLESPACE" : "ON PARAMETER")) {
        to = c.p->at + c.p->n;
        c.p++;
    }
    g->privileges = xstrndup(from, (size_t)(to - from));
    return sql_simple_name(&c, &g->object) && sql_words(&c, "TO") && sql_simple_name(&c, &g->role);
}

/* Is there such a tablespace on this server? */
static bool
has_object(PGconn *conn, const struct grant *g)
{
    struct err  ignored = ERR_INIT;
    const char *params[] = {g->object};
    char       *found = !g->tablespace ? xstrdup("")
                                       : pg_value(conn, &ignored,
                                                  "SELECT oid FROM pg_catalog.pg_tablespace WHERE "
                                                        "spcname = $1",
                                                  1, params);

    free(found);
    return found != NULL;
}

/* The role, or everybody, has not all of it here. */
static bool
lacks(PGconn *conn, const struct grant *g)
{
    static const char parameter[] =
        "SELECT NOT bool_and(pg_catalog.has_parameter_privilege($1, $2, p)) FROM "
        "pg_catalog.unnest(pg_catalog.string_to_array(CASE $3 WHEN 'ALL' THEN 'SET, ALTER SYSTEM' "
        "ELSE $3 END, ', ')) p";
    static const char tablespace[] =
        "SELECT NOT pg_catalog.has_tablespace_privilege($1, $2, 'CREATE') WHERE $3 <> ''";
    struct err  ignored = ERR_INIT; /* before 15 there is no such privilege */
    const char *params[] = {g->role, g->object, g->privileges};
    char *answer = pg_value(conn, &ignored, g->tablespace ? tablespace : parameter, 3, params);
    bool  yes = answer != NULL && *answer == 't';

    free(answer);
    return yes;
}

/* The roles that a statement is about: one, or two for a membership.  0: it is not about roles. */
static int
roles_of(const struct sql_statement *s, char *name[2])
{
    static const char *const heads[] = {"CREATE ROLE", "ALTER ROLE", "COMMENT ON ROLE"};
    struct sql_cursor        c = sql_cursor(s);

    name[0] = name[1] = NULL;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        if (sql_words(&c, heads[i])) {
            return sql_simple_name(&c, &name[0]) ? 1 : 0;
        }
    }
    if (!sql_words(&c, "GRANT")) {
        return 0;
    }
    /* "GRANT role TO role"; what has ON there is read_grant()'s. */
    if (!sql_simple_name(&c, &name[0]) || !sql_words(&c, "TO") || !sql_simple_name(&c, &name[1])) {
        return 0;
    }
    return 2;
}

/* What is run for it: allocated, NULL when it is left out. */
static char *
role_sql(const struct roles_wish *w, const struct sql_statement *s, const char *role)
{
    struct sql_cursor create = sql_cursor(s), comment = sql_cursor(s);
    char             *sql, *ident, *both;

    if (w->temporary && sql_words(&comment, "COMMENT ON ROLE"))
        return NULL;
    sql = sql_text(s);
    if (!w->temporary || !sql_words(&create, "CREATE ROLE"))
        return sql;
    ident = pg_ident(role);
    both = xasprintf("%s; COMMENT ON ROLE %s IS '" ROLES_TEMPORARY "'", sql, ident);
    free(ident);
    free(sql);
    return both;
}

/* -1: the connection is of no use any more. */
static int
run_one(PGconn *conn, const struct roles_wish *w, const struct strlist *there,
        const struct sql_statement *s, struct err *e)
{
    struct err   fault = ERR_INIT;
    struct grant g;
    char        *name[2] = {0}, *sql;
    bool         is_grant = read_grant(s, &g) && has_object(conn, &g);
    int          n = is_grant ? 0 : roles_of(s, name);
    bool         is_new = (n >= 1 && !strlist_has(there, name[0])) ||
        (n == 2 && !strlist_has(there, name[1])) || (is_grant && !strlist_has(there, g.role));

    sql = role_sql(w, s, name[0]);
    if (is_new && sql != NULL && pg_exec(conn, &fault, sql) != 0)
        w->problem(w->ctx, is_grant ? g.role : name[0], &fault);
    if (is_grant && !is_new && w->left != NULL && lacks(conn, &g))
        strlist_add(w->left, sql);
    grant_free(&g);
    free(sql);
    free(name[0]);
    free(name[1]);
    if (fault.kind != ERR_INTERRUPTED && PQstatus(conn) == CONNECTION_OK)
        return 0;
    *e = fault;
    return -1;
}

int
roles_create(PGconn *conn, const struct roles_wish *w, struct err *e)
{
    struct strlist    there = {0};
    struct sql_script script = {0};
    int               rc = -1;

    if (existing_roles(conn, &there, e) == 0 && sql_parse(w->globals_sql, &script, e) == 0)
        rc = 0;
    for (size_t i = 0; i < script.n && rc == 0; i++)
        rc = run_one(conn, w, &there, &script.v[i], e);
    strlist_free(&there);
    sql_script_free(&script);
    return rc == 0 ? 0 : err_wrap(e, "roles");
}
