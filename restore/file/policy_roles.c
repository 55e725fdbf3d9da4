#include "restore/file/policy_roles.h"

#include <stdlib.h>

void
policy_add_once(struct strlist *l, char *name)
{
    if (name == NULL || strlist_has(l, name)) {
        free(name);
    } else {
        strlist_take(l, name);
    }
}

static bool
is_no_role(const struct sql_token *t)
{
    return sql_is(t, "public") || sql_is(t, "current_user") || sql_is(t, "session_user") ||
        sql_is(t, "current_role") || sql_is(t, "group");
}

/* The name, unless the dump makes the role itself; and those after commas. */
static void
add_roles(struct policy *p, struct sql_cursor c)
{
    bool more = true;

    while (more && c.p != c.end) {
        char *name = NULL;

        if (sql_is(c.p, "group") && c.end - c.p > 1) {
            c.p++;
        }
        if (is_no_role(c.p)) {
            c.p++;
        } else if (!sql_simple_name(&c, &name)) {
            return;
        }
        if (name != NULL && strlist_has(&p->made, name)) {
            free(name);
            name = NULL;
        }
        policy_add_once(&p->roles, name);
        more = sql_sign(&c, ',');
    }
}

/* Roles after these words, outside of parentheses. */
static void
roles_after(struct policy *p, struct sql_cursor c, const char *words)
{
    int depth = 0;

    while (c.p != c.end) {
        depth += sql_is_sign(c.p, '(');
        depth -= sql_is_sign(c.p, ')');
        if (depth == 0 && sql_words(&c, words)) {
            add_roles(p, c);
            return;
        }
        c.p++;
    }
}

/* SET SESSION AUTHORIZATION 'joe', as pg_dump --use-set-session-authorization writes it. */
static void
role_of_session(struct policy *p, struct sql_cursor c)
{
    if (c.p != c.end && c.p->kind == SQL_STRING && *c.p->at == '\'' && c.p->n > 2) {
        policy_add_once(&p->roles, xstrndup(c.p->at + 1, c.p->n - 2));
    } else if (c.p != c.end && !sql_is(c.p, "default")) {
        add_roles(p, c);
    }
}

void
policy_note_roles(struct policy *p, const struct sql_statement *s)
{
    struct sql_cursor c = sql_cursor(s);

    if (sql_words(&c, "ALTER DEFAULT PRIVILEGES FOR ROLE")) {
        add_roles(p, c);
        roles_after(p, c, "TO");
        roles_after(p, c, "FROM");
    } else if (sql_words(&c, "GRANT")) {
        roles_after(p, c, "TO");
    } else if (sql_words(&c, "REVOKE")) {
        roles_after(p, c, "FROM");
    } else if (sql_words(&c, "CREATE POLICY")) {
        roles_after(p, c, "TO");
    } else if (sql_words(&c, "CREATE SCHEMA")) {
        roles_after(p, c, "AUTHORIZATION");
    } else if (sql_words(&c, "CREATE USER MAPPING FOR")) {
        add_roles(p, c);
    } else if (sql_words(&c, "SET SESSION AUTHORIZATION")) {
        role_of_session(p, c);
    } else if (sql_words(&c, "ALTER")) {
        roles_after(p, c, "OWNER TO");
    }
}
