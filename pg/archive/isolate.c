#include "pg/archive/isolate.h"

#include <ctype.h>
#include <string.h>

#include "pg/archive/sqlsplit.h"

/* Behind the parenthesis that belongs to the one at p; NULL when it is never closed. */
static const char *
after_parentheses(const char *p)
{
    int depth = 0;

    do {
        if (*p == '(')
            depth++;
        else if (*p == ')')
            depth--;
        if ((p = sql_token(p)) == NULL)
            return NULL;
        while (depth > 0 && isspace((unsigned char)*p))
            p++;
    } while (depth > 0 && *p != '\0');
    return depth == 0 ? p : NULL;
}

/* CREATE SERVER … OPTIONS (…); without its options; NULL when there are none. */
static char *
without_options(const char *sql)
{
    for (const char *p = sql; p != NULL && *p != '\0' && *p != ';';) {
        if (sql_word(p, "OPTIONS")) {
            const char *open = strchr(p, '(');
            const char *end = open == NULL ? NULL : after_parentheses(open);

            return end == NULL ? NULL : xasprintf("%.*s%s", (int)(p - sql), sql, end);
        }
        p = isspace((unsigned char)*p) ? p + 1 : sql_token(p);
    }
    return NULL;
}

enum isolate_effect
isolate_entry(const struct archive_entry *entry, char **sql)
{
    *sql = NULL;
    if (strcmp(entry->desc, "USER MAPPING") == 0)
        return ISOLATE_SKIP;
    if (strcmp(entry->desc, "SERVER") == 0 && (*sql = without_options(entry->sql)) != NULL)
        return ISOLATE_CHANGED;
    return ISOLATE_NOTHING;
}
