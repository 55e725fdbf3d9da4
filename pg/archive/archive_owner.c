#include "pg/archive/archive_owner.h"

#include <string.h>

/* ALTER TABLE public.orders OWNER TO joe: the role's token, or NULL. */
static const struct sql_token *
new_owner(const struct sql_statement *s)
{
    struct sql_cursor       c = sql_cursor(s);
    const struct sql_token *role = c.end - 1;

    if (s->n < 6 || !sql_words(&c, "ALTER")) {
        return NULL;
    }
    c.p = c.end - 3;
    return sql_words(&c, "OWNER TO") && sql_simple_name(&c, NULL) ? role : NULL;
}

/* In the last statement that sets an owner: its span and the role's name, either of which may be
 * NULL. */
static bool
find(const char *sql, struct sql_span *span, char **name)
{
    struct sql_script script;
    struct err        ignored = ERR_INIT;
    bool              found = false;

    if (sql_parse(sql, &script, &ignored) == 0) {
        for (size_t i = script.n; !found && i > 0; i--) {
            const struct sql_statement *s = &script.v[i - 1];
            const struct sql_token     *role = new_owner(s);

            found = role != NULL;
            if (found && span != NULL) {
                *span = (struct sql_span){s->from, s->to};
            }
            if (found && name != NULL) {
                *name = sql_name(role);
            }
        }
    }
    sql_script_free(&script);
    return found;
}

bool
archive_owner_statement(const char *sql, struct sql_span *span)
{
    return find(sql, span, NULL);
}

char *
archive_owner_name(const char *sql)
{
    char *name = NULL;

    (void)find(sql, NULL, &name);
    return name;
}
