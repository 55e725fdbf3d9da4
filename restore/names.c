#include "restore/names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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

/* The identifier at p without its quotes; allocated, NULL when none stands there. */
static char *
identifier(const char *p)
{
    const char *end = sql_token(p);
    char       *name, *to;

    if (end == NULL || end == p ||
        (*p != '"' && !isalpha((unsigned char)*p) && *p != '_' && (unsigned char)*p < 0x80)) {
        return NULL;
    }
    name = xstrndup(p, (size_t)(end - p));
    if (*name != '"') {
        return name;
    }
    to = name;
    for (const char *from = name + 1; from[0] != '\0' && from[1] != '\0'; from++) {
        from += from[0] == '"' && from[1] == '"';
        *to++ = *from;
    }
    *to = '\0';
    return name;
}

static const char *
skip_blanks(const char *p)
{
    while (isspace((unsigned char)*p)) {
        p++;
    }
    return p;
}

/* Roles behind TO, FROM and ROLE, with commas between them. */
static void
roles_in(const char *sql, const struct strlist *there, struct strlist *out)
{
    static const char *const never[] = {"PUBLIC", "CURRENT_USER", "CURRENT_ROLE", "SESSION_USER"};

    for (const char *p = skip_blanks(sql), *next; *p != '\0'; p = skip_blanks(next)) {
        bool list = sql_word(p, "TO") || sql_word(p, "FROM") || sql_word(p, "ROLE");

        next = sql_token(p);
        while (list && next != NULL) {
            const char *word = skip_blanks(next);
            bool        keyword = false;

            for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
                keyword = keyword || sql_word(word, never[i]);
            }
            if (!keyword) {
                add_once(out, there, identifier(word));
            }
            next = sql_token(word);
            if (next == NULL || *skip_blanks(next) != ',') {
                break;
            }
            next = skip_blanks(next) + 1;
        }
        if (next == NULL) {
            return;
        }
        /* Behind USING and WITH CHECK of a policy come expressions. */
        if (sql_word(p, "USING") || (sql_word(p, "WITH") && sql_word(skip_blanks(next), "CHECK"))) {
            return;
        }
    }
}

void
names_of_roles(const struct archive *a, const struct strlist *there, struct strlist *owners,
               struct strlist *grantees)
{
    struct strlist everyone = {0};

    for (size_t i = 0; i < a->n; i++) {
        const struct archive_entry *entry = &a->v[i];
        bool grants = strcmp(entry->desc, "ACL") == 0 || strcmp(entry->desc, "DEFAULT ACL") == 0;

        if (owners != NULL && strstr(entry->sql, " OWNER TO ") != NULL) {
            add_once(owners, there, xstrdup(entry->owner));
        }
        if (grantees != NULL && (grants || strcmp(entry->desc, "POLICY") == 0)) {
            roles_in(entry->sql, there, &everyone);
        }
    }
    for (size_t i = 0; i < everyone.n; i++) {
        if (owners == NULL || !strlist_has(owners, everyone.v[i])) {
            strlist_add(grantees, everyone.v[i]);
        }
    }
    strlist_free(&everyone);
}

void
names_of_tablespaces(const struct archive *a, const struct strlist *there, struct strlist *missing)
{
    static const char set[] = "SET default_tablespace = ";

    for (size_t i = 0; i < a->n; i++) {
        if (strncmp(a->v[i].sql, set, sizeof set - 1) == 0) {
            add_once(missing, there, identifier(a->v[i].sql + sizeof set - 1));
        }
    }
}
