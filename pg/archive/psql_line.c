#include "pg/archive/psql_line.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* The rest of the text after word and blanks; NULL: it begins otherwise. */
static const char *
after(const char *text, const char *word)
{
    size_t n = strlen(word);

    return strncmp(text, word, n) == 0 && text[n] == ' ' ? text + n + 1 : NULL;
}

static bool
is_key(const char *text)
{
    size_t n = strspn(text, LETTERS);

    return n > 0 && text[n] == '\0';
}

/* What is between quotes, which are doubled in it, up to the end of the text; NULL: it is not so.
 * Allocated. */
static char *
unquoted(const char *text, char quote, bool backslash)
{
    char *out, *to;

    if (*text++ != quote) {
        return NULL;
    }
    out = to = xmalloc(strlen(text) + 1);
    for (; *text != '\0'; text++) {
        if (backslash && *text == '\\' && text[1] != '\0') {
            text++;
        } else if (*text == quote) {
            if (text[1] != quote || backslash) {
                break;
            }
            text++;
        }
        *to++ = *text;
    }
    *to = '\0';
    if (*text != quote || text[1] != '\0') {
        free(out);
        return NULL;
    }
    return out;
}

/* The database that \connect names; NULL: not as pg_dump writes it. */
static char *
connect_to(const char *text)
{
    const char *rest = after(text, "-reuse-previous=on");
    char       *quoted, *name = NULL;
    size_t      n;

    if (rest != NULL) {
        quoted = unquoted(rest, '"', false);
        if (quoted != NULL && strncmp(quoted, "dbname=", 7) == 0) {
            name = quoted[7] == '\'' ? unquoted(quoted + 7, '\'', true)
                : is_key(quoted + 7) ? xstrdup(quoted + 7)
                                     : NULL;
        }
        free(quoted);
        return name;
    }
    if (*text == '"') {
        return unquoted(text, '"', false);
    }
    n = strcspn(text, " \t'\"\\`:|");
    return n > 0 && text[n] == '\0' && *text != '-' ? xstrdup(text) : NULL;
}

static char *
without_end(const char *text)
{
    size_t n = strlen(text);

    while (n > 0 && strchr(" \t\r", text[n - 1]) != NULL) {
        n--;
    }
    return xstrndup(text, n);
}

enum psql_line
psql_line_read(const char *text, char **key, char **database)
{
    char          *line = without_end(text);
    const char    *rest;
    enum psql_line kind = PSQL_LINE_OTHER;

    if ((rest = after(line, "\\restrict")) != NULL) {
        if (*key == NULL && is_key(rest)) {
            *key = xstrdup(rest);
            kind = PSQL_LINE_NOTHING;
        }
    } else if ((rest = after(line, "\\unrestrict")) != NULL) {
        if (*key != NULL && strcmp(*key, rest) == 0) {
            free(*key);
            *key = NULL;
            kind = PSQL_LINE_NOTHING;
        }
    } else if (*key == NULL && (rest = after(line, "\\connect")) != NULL) {
        if ((*database = connect_to(rest)) != NULL) {
            kind = PSQL_LINE_CONNECT;
        }
    } else if (*key == NULL && strcmp(line, "\\encoding SQL_ASCII") == 0) {
        kind = PSQL_LINE_NOTHING;
    }
    free(line);
    return kind;
}
