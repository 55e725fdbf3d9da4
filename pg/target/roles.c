#include "pg/target/roles.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pg/archive/sqlsplit.h"

static const char *
skip_space(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return p;
}

/* Behind the words, or NULL when p does not begin with them. */
static const char *
after_words(const char *p, const char *const *words)
{
    for (; *words != NULL; words++) {
        p = skip_space(p);
        if (!sql_word(p, *words))
            return NULL;
        p += strlen(*words);
    }
    return skip_space(p);
}

/* The identifier at p without its quotes, and what stands behind it; allocated. */
static char *
take_name(const char *p, const char **behind)
{
    const char *end = sql_token(p);
    char       *name, *to;

    if (end == NULL || end == p)
        return NULL;
    *behind = skip_space(end);
    name = xstrndup(p, (size_t)(end - p));
    if (name[0] != '"')
        return name;
    to = name;
    for (const char *from = name + 1; from[0] != '\0' && !(from[0] == '"' && from[1] == '\0');
         from++) {
        if (from[0] == '"' && from[1] == '"')
            from++;
        *to++ = *from;
    }
    *to = '\0';
    return name;
}

static int
existing_roles(PGconn *conn, struct strlist *out, struct err *e)
{
    PGresult *res = pg_query(conn, e, "SELECT rolname FROM pg_catalog.pg_roles", 0, NULL);

    if (res == NULL)
        return -1;
    for (int i = 0; i < PQntuples(res); i++)
        strlist_add(out, PQgetvalue(res, i, 0));
    PQclear(res);
    return 0;
}

/* The roles that a statement is about: one, or two for a membership.  0: it is not about roles. */
static int
roles_of(const char *sql, char *name[2])
{
    static const char *const heads[][4] = {
        {"CREATE", "ROLE", NULL}, {"ALTER", "ROLE", NULL}, {"COMMENT", "ON", "ROLE", NULL}};
    static const char *const grant[] = {"GRANT", NULL}, *const to[] = {"TO", NULL};
    const char *p, *behind;

    name[0] = name[1] = NULL;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if ((p = after_words(sql, heads[i])) != NULL)
            return (name[0] = take_name(p, &behind)) != NULL;
    if ((p = after_words(sql, grant)) == NULL || (name[0] = take_name(p, &behind)) == NULL)
        return 0;
    /* "GRANT role TO role"; privileges on tablespaces and parameters have ON there. */
    if ((p = after_words(behind, to)) == NULL || (name[1] = take_name(p, &behind)) == NULL)
        return 0;
    return 2;
}

int
roles_create(PGconn *conn, const char *globals_sql, roles_problem_fn *problem, void *ctx,
             struct err *e)
{
    struct strlist there = {0}, statements = {0};
    int            rc = -1;

    if (existing_roles(conn, &there, e) != 0 || sql_split(globals_sql, &statements, e) != 0)
        goto out;
    for (size_t i = 0; i < statements.n; i++) {
        struct err fault = ERR_INIT;
        char      *name[2];
        int        n = roles_of(statements.v[i], name);
        bool       is_new = (n >= 1 && !strlist_has(&there, name[0])) ||
            (n == 2 && !strlist_has(&there, name[1]));

        if (is_new && pg_exec(conn, &fault, statements.v[i]) != 0)
            problem(ctx, name[0], &fault);
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
    strlist_free(&statements);
    return rc == 0 ? 0 : err_wrap(e, "roles");
}
