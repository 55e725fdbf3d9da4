#include "verify/checks/column.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* Up to a dot or the end; NULL: there is no name. */
static char *
take_name(const char **s)
{
    bool   quoted = **s == '"', closed = !quoted;
    char  *name = xcalloc(strlen(*s) + 1, 1);
    size_t n = 0;

    *s += quoted;
    while (**s != '\0' && (quoted || **s != '.')) {
        char c = *(*s)++;

        if (quoted && c == '"' && *(*s)++ != '"') {
            (*s)--;
            closed = true;
            break;
        }
        name[n++] = (char)(!quoted && c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    if (closed && n > 0 && (quoted || strchr(name, '"') == NULL) && (**s == '.' || **s == '\0'))
        return name;
    free(name);
    return NULL;
}

int
column_parse(const char *text, struct column *c, struct err *e)
{
    char       *names[3] = {NULL};
    const char *s = text;
    size_t      n = 0;

    *c = (struct column){0};
    while (n < 3 && (names[n] = take_name(&s)) != NULL) {
        n++;
        if (*s == '\0')
            break;
        s++;
    }
    if (n >= 2 && *s == '\0' && s[-1] != '.') {
        *c = (struct column){
            .schema = n == 3 ? names[0] : NULL, .table = names[n - 2], .name = names[n - 1]};
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    err_set(e, ERR_USAGE, "\"%s\" is not a column: SCHEMA.TABLE.COLUMN", text);
    return -1;
}

void
column_free(struct column *c)
{
    free(c->schema);
    free(c->table);
    free(c->name);
    *c = (struct column){0};
}
