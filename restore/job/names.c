#include "restore/job/names.h"

#include <stdlib.h>
#include <string.h>

#include "pg/archive/archive_owner.h"
#include "pg/archive/sqlsplit.h"

static void
add_once(struct strlist *l, const struct strlist *there, char *name)
{
    if (name == NULL || *name == '\0' || strlist_has(there, name) || strlist_has(l, name)) {
        free(name);
        return;
    }
    strlist_take(l, name);
}

/* Keywords allowed in place of a role. */
static bool
is_role(const struct sql_token *t)
{
    return t->kind == SQL_IDENT ||
        (t->kind == SQL_WORD && !sql_is(t, "public") && !sql_is(t, "current_user") &&
         !sql_is(t, "current_role") && !sql_is(t, "session_user"));
}

/* Names with commas between them. */
static void
role_list(struct sql_cursor *c, const struct strlist *there, struct strlist *out)
{
    do {
        if (c->p == c->end) {
            return;
        }
        if (is_role(c->p)) {
            add_once(out, there, sql_name(c->p));
        }
        c->p++;
    } while (sql_sign(c, ','));
}

/* GRANT … TO, REVOKE … FROM, FOR ROLE, CREATE POLICY … TO.  TO and FROM are reserved, so no name
 * looks like them; expressions and argument lists have parentheses. */
static void
roles_in(const struct sql_statement *s, const struct strlist *there, struct strlist *out)
{
    struct sql_cursor c = sql_cursor(s);
    struct sql_span   ignored;

    while (c.p != c.end) {
        if (sql_words(&c, "TO") || sql_words(&c, "FROM") || sql_words(&c, "FOR ROLE")) {
            role_list(&c, there, out);
        } else if (!sql_parenthesised(&c, &ignored)) {
            c.p++;
        }
    }
}

static void
grantees_of(const char *sql, const struct strlist *there, struct strlist *out)
{
    struct sql_script script;
    struct err        ignored = ERR_INIT;

    (void)sql_parse(sql, &script, &ignored); /* text that does not parse is not run either */
    for (size_t i = 0; i < script.n; i++) {
        roles_in(&script.v[i], there, out);
    }
    sql_script_free(&script);
}

void
names_of_roles(const struct archive *a, const struct strlist *there, struct strlist *owners,
               struct strlist *grantees)
{
    struct strlist everyone = {0};

    for (size_t i = 0; i < a->n; i++) {
        const struct archive_entry *entry = &a->v[i];
        bool grants = strcmp(entry->desc, "ACL") == 0 || strcmp(entry->desc, "DEFAULT ACL") == 0;

        if (owners != NULL) {
            add_once(owners, there, archive_owner_name(entry->sql));
        }
        if (grantees != NULL && (grants || strcmp(entry->desc, "POLICY") == 0)) {
            grantees_of(entry->sql, there, &everyone);
        }
    }
    for (size_t i = 0; i < everyone.n; i++) {
        if (owners == NULL || !strlist_has(owners, everyone.v[i])) {
            strlist_add(grantees, everyone.v[i]);
        }
    }
    strlist_free(&everyone);
}

/* The schema in which the statement creates a relation, or that it creates: allocated, or
 * NULL. */
static char *
schema_in(const struct sql_statement *s, bool *makes)
{
    struct sql_cursor c = sql_cursor(s);
    char             *name = NULL;

    if (!sql_words(&c, "CREATE")) {
        return NULL;
    }
    if ((*makes = sql_words(&c, "SCHEMA"))) {
        (void)sql_simple_name(&c, &name);
        return name;
    }
    /* TABLE, MATERIALIZED VIEW and other keywords before the name. */
    for (; c.end - c.p > 2; c.p++) {
        if (sql_is_sign(&c.p[1], '.')) {
            return sql_name(c.p);
        }
    }
    return NULL;
}

static bool
is_relation(const char *desc)
{
    static const char *const relations[] = {"TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW",
                                            "SEQUENCE"};

    for (size_t i = 0; i < sizeof relations / sizeof relations[0]; i++) {
        if (strcmp(desc, relations[i]) == 0) {
            return true;
        }
    }
    return strcmp(desc, "SCHEMA") == 0;
}

/* The entries' own schemas have blanks for line ends. */
void
names_of_schemas(const struct archive *a, struct strlist *missing)
{
    struct strlist made = {0}, used = {0};

    strlist_add(&made, "public");
    for (size_t i = 0; i < a->n; i++) {
        struct sql_script script;
        struct err        ignored = ERR_INIT;
        bool              makes = false;
        char             *name = NULL;

        if (!is_relation(a->v[i].desc)) {
            continue;
        }
        (void)sql_parse(a->v[i].sql, &script, &ignored);
        for (size_t k = 0; name == NULL && k < script.n; k++) {
            name = schema_in(&script.v[k], &makes);
        }
        sql_script_free(&script);
        add_once(makes ? &made : &used, &made, name);
    }
    for (size_t i = 0; i < used.n; i++) {
        add_once(missing, &made, xstrdup(used.v[i]));
    }
    strlist_free(&made);
    strlist_free(&used);
}
