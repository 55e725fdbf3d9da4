#include "pg/archive/sqlsplit.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* The end of a quoted stretch that begins at p with the quote character; NULL when it is never
 * closed. */
static const char *
skip_quoted(const char *p, char quote, bool backslash)
{
    for (p++; *p != '\0'; p++) {
        if (backslash && *p == '\\' && p[1] != '\0') {
            p++;
        } else if (*p == quote) {
            if (p[1] != quote) {
                return p + 1;
            }
            p++;
        }
    }
    return NULL;
}

static bool
ident_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Length of the dollar quote tag at p ("$$", "$body$"), 0 when it is none. */
static size_t
dollar_tag(const char *p)
{
    const char *q = p + 1;

    if (isdigit((unsigned char)*q)) {
        return 0; /* a parameter, $1 */
    }
    while (ident_char(*q)) {
        q++;
    }
    return *q == '$' ? (size_t)(q - p) + 1 : 0;
}

static const char *
skip_dollar(const char *p, size_t tag)
{
    const char *end = p + tag;

    while ((end = strchr(end, '$')) != NULL) {
        if (strncmp(end, p, tag) == 0) {
            return end + tag;
        }
        end++;
    }
    return NULL;
}

static const char *
skip_block_comment(const char *p)
{
    int depth = 0;

    while (*p != '\0') {
        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p += 2;
        } else if (p[0] == '*' && p[1] == '/') {
            p += 2;
            if (--depth == 0) {
                return p;
            }
        } else {
            p++;
        }
    }
    return NULL;
}

static const char *
skip_line(const char *p)
{
    const char *nl = strchr(p, '\n');

    return nl == NULL ? p + strlen(p) : nl + 1;
}

/* What stands before a statement: white space, comments, psql's backslash lines. */
static const char *
skip_leading(const char *p)
{
    for (;;) {
        if (isspace((unsigned char)*p) || *p == ';') {
            p++;
        } else if (p[0] == '-' && p[1] == '-') {
            p = skip_line(p);
        } else if (p[0] == '/' && p[1] == '*') {
            const char *q = skip_block_comment(p);
            if (q == NULL) {
                return p; /* sql_token() will complain */
            }
            p = q;
        } else if (*p == '\\') {
            p = skip_line(p);
        } else {
            return p;
        }
    }
}

const char *
sql_token(const char *p)
{
    size_t tag;

    switch (*p) {
    case '\0':
        return p;
    case '\'':
        return skip_quoted(p, '\'', false);
    case '"':
        return skip_quoted(p, '"', false);
    case '$':
        tag = dollar_tag(p);
        return tag == 0 ? p + 1 : skip_dollar(p, tag);
    case '-':
        return p[1] == '-' ? skip_line(p) : p + 1;
    case '/':
        return p[1] == '*' ? skip_block_comment(p) : p + 1;
    default:
        break;
    }
    if (!ident_char(*p)) {
        return p + 1;
    }
    if ((*p == 'E' || *p == 'e') && p[1] == '\'') {
        return skip_quoted(p + 1, '\'', true);
    }
    /* An identifier may hold dollar signs, which then begin no quote. */
    while (ident_char(*p) || *p == '$') {
        p++;
    }
    return p;
}

int
sql_split(const char *text, struct strlist *out, struct err *e)
{
    const char *start = skip_leading(text), *p = start;

    while (*p != '\0') {
        const char *next = *p == ';' ? p + 1 : sql_token(p);

        if (next == NULL) {
            return err_set(e, ERR_CORRUPT,
                           "SQL text: a quote or comment is never closed (it begins at byte %zu)",
                           (size_t)(p - text));
        }
        if (*p == ';') {
            strlist_take(out, xstrndup(start, (size_t)(p - start)));
            start = next = skip_leading(next);
        }
        p = next;
    }
    if (p > start) {
        while (p > start && isspace((unsigned char)p[-1])) {
            p--;
        }
        strlist_take(out, xstrndup(start, (size_t)(p - start)));
    }
    return 0;
}

bool
sql_word(const char *p, const char *word)
{
    size_t n = strlen(word);

    return strncasecmp(p, word, n) == 0 && !ident_char(p[n]) && p[n] != '$';
}
