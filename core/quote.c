#include "core/quote.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* Between quotes, those inside doubled. */
static char *
doubled(const char *text, char quote)
{
    char *out = xmalloc(2 * strlen(text) + 3), *o = out;

    *o++ = quote;
    for (; *text != '\0'; text++) {
        if (*text == quote) {
            *o++ = quote;
        }
        *o++ = *text;
    }
    *o++ = quote;
    *o = '\0';
    return out;
}

char *
quote_ident(const char *name)
{
    return doubled(name, '"');
}

char *
quote_qualified(const char *schema, const char *name)
{
    char *s = quote_ident(schema), *n = quote_ident(name), *out = xasprintf("%s.%s", s, n);

    free(s);
    free(n);
    return out;
}

char *
quote_literal(const char *text)
{
    return doubled(text, '\'');
}

static bool
is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* $'…': in octal, with all three digits, since a digit may follow. */
static char *
escaped(const char *text)
{
    char *out = xmalloc(4 * strlen(text) + 4), *o = out;

    *o++ = '$';
    *o++ = '\'';
    for (; *text != '\0'; text++) {
        if (is_control(*text) || *text == '\'' || *text == '\\') {
            o += snprintf(o, 5, "\\%03o", (unsigned)(unsigned char)*text);
        } else {
            *o++ = *text;
        }
    }
    *o++ = '\'';
    *o = '\0';
    return out;
}

char *
quote_shell(const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        "_-./:@%+,";
    char *out, *o;

    if (*text != '\0' && text[strspn(text, plain)] == '\0') {
        return xstrdup(text);
    }
    for (const char *t = text; *t != '\0'; t++) {
        if (is_control(*t)) {
            return escaped(text);
        }
    }
    out = xmalloc(4 * strlen(text) + 3);
    o = out;
    *o++ = '\'';
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            memcpy(o, "'\\''", 4);
            o += 4;
        } else {
            *o++ = *text;
        }
    }
    *o++ = '\'';
    *o = '\0';
    return out;
}

char *
quote_dbname(const char *name)
{
    static const char begin[] = "dbname='";
    char             *out, *o;

    /* As libpq's recognized_connection_string(). */
    if (strchr(name, '=') == NULL && strncmp(name, "postgres://", 11) != 0 &&
        strncmp(name, "postgresql://", 13) != 0) {
        return xstrdup(name);
    }
    out = xmalloc(sizeof begin + 2 * strlen(name) + 1);
    o = stpcpy(out, begin);
    for (; *name != '\0'; name++) {
        if (*name == '\'' || *name == '\\') {
            *o++ = '\\';
        }
        *o++ = *name;
    }
    *o++ = '\'';
    *o = '\0';
    return out;
}

const char quote_arg_next[] = "";

static void
put_word(char **line, const char *word)
{
    char *quoted = quote_shell(word), *longer;

    longer = *line == NULL ? xstrdup(quoted) : xasprintf("%s %s", *line, quoted);
    free(quoted);
    free(*line);
    *line = longer;
}

char *
quote_words(const char *const *words)
{
    struct strlist last = {0};
    char          *line = NULL;

    for (; *words != NULL; words++) {
        bool arg = *words == quote_arg_next;

        words += arg;
        if (arg && **words == '-') {
            strlist_add(&last, *words);
        } else {
            put_word(&line, *words);
        }
    }
    for (size_t i = 0; i < last.n; i++) {
        if (i == 0) {
            put_word(&line, "--");
        }
        put_word(&line, last.v[i]);
    }
    strlist_free(&last);
    return line;
}

int
quote_words_hint(struct err *e, const char *before, const char *const *words)
{
    char *line = quote_words(words);

    (void)err_hint(e, "%s%s", before, line);
    free(line);
    return -1;
}
