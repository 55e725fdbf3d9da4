#include "pg/archive/sqltoken.h"

#include <string.h>
#include <strings.h>

#include "core/mem.h"

/* ctype.h depends on the locale. */
static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
begins_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool
is_operator(char c)
{
    return c != '\0' && strchr("~!@#^&|`?+-*/%<>=", c) != NULL;
}

static bool
begins_comment(const char *p)
{
    return (p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '*');
}

/* scan.l ends a line comment at either. */
static const char *
skip_line(const char *p)
{
    return p + strcspn(p, "\r\n");
}

/* NULL: never closed. */
static const char *
skip_block(const char *p)
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

/* The position after the closing quote of a text that begins with the opening one at p; NULL: never
 * closed. */
static const char *
skip_quoted(const char *p, bool doubled, bool backslash)
{
    char quote = *p++;

    for (; *p != '\0'; p++) {
        if (backslash && *p == '\\' && p[1] != '\0') {
            p++;
        } else if (*p == quote) {
            if (!doubled || p[1] != quote) {
                return p + 1;
            }
            p++;
        }
    }
    return NULL;
}

/* The quote with which a string continues, or NULL: 'a' and 'b' are one string when only white
 * space with a line end, and line comments, are between them.
 */
static const char *
continuation(const char *p)
{
    bool line_end = false;

    for (;; p++) {
        if (p[0] == '-' && p[1] == '-') {
            p = skip_line(p);
        }
        if (!is_space(*p)) {
            return line_end && *p == '\'' ? p : NULL;
        }
        line_end = line_end || *p == '\n' || *p == '\r';
    }
}

static const char *
skip_string(const char *p, bool doubled, bool backslash)
{
    const char *end = p;

    while (p != NULL && (end = skip_quoted(p, doubled, backslash)) != NULL) {
        p = continuation(end);
    }
    return end;
}

static const char *
skip_word(const char *p)
{
    while (begins_word(*p) || is_digit(*p) || *p == '$') {
        p++;
    }
    return p;
}

/* Length of the dollar quote's tag at p ("$$", "$body$"), 0 when there is none. */
static size_t
dollar_tag(const char *p)
{
    const char *q = p + 1;

    if (is_digit(*q)) {
        return 0; /* a parameter, $1 */
    }
    while (begins_word(*q) || is_digit(*q)) {
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

/* Stops before a comment: +-- is an operator and a comment. */
static const char *
skip_operator(const char *p)
{
    do {
        p++;
    } while (is_operator(*p) && !begins_comment(p));
    return p;
}

/* A token that begins with a letter: a prefixed string or identifier, or a word. */
static enum sql_kind
word_at(const char *p, bool backslash, const char **end)
{
    char lower = (char)(*p | 0x20);

    if (p[1] == '\'' && lower == 'e') {
        *end = skip_string(p + 1, true, true);
    } else if (p[1] == '\'' && lower == 'n') {
        *end = skip_string(p + 1, true, backslash);
    } else if (p[1] == '\'' && (lower == 'b' || lower == 'x')) {
        *end = skip_string(p + 1, false, false);
    } else if (lower == 'u' && p[1] == '&' && p[2] == '\'') {
        *end = skip_string(p + 2, true, false);
    } else if (lower == 'u' && p[1] == '&' && p[2] == '"') {
        *end = skip_quoted(p + 2, true, false);
        return SQL_IDENT;
    } else {
        *end = skip_word(p);
        return SQL_WORD;
    }
    return SQL_STRING;
}

/* The token at p, which is neither white space nor the end; *end NULL: never closed. */
static enum sql_kind
token_at(const char *p, bool backslash, const char **end)
{
    size_t tag;

    if (begins_comment(p)) {
        *end = *p == '-' ? skip_line(p) : skip_block(p);
        return SQL_COMMENT;
    }
    if (*p == '\'') {
        *end = skip_string(p, true, backslash);
        return SQL_STRING;
    }
    if (*p == '"') {
        *end = skip_quoted(p, true, false);
        return SQL_IDENT;
    }
    if (*p == '$' && (tag = dollar_tag(p)) != 0) {
        *end = skip_dollar(p, tag);
        return SQL_STRING;
    }
    if (begins_word(*p)) {
        return word_at(p, backslash, end);
    }
    if (is_digit(*p)) {
        for (*end = p; is_digit(**end); (*end)++) {
        }
        return SQL_NUMBER;
    }
    if (is_operator(*p)) {
        *end = skip_operator(p);
        return SQL_OPERATOR;
    }
    *end = p + 1;
    return SQL_SIGN;
}

struct sql_reader
sql_reader(const char *text)
{
    return (struct sql_reader){.text = text, .p = text};
}

bool
sql_between(const struct sql_reader *r)
{
    return !r->place.inside;
}

void
sql_continue(struct sql_reader *r, const char *p)
{
    r->p = p;
    r->place = (struct sql_place){0};
}

/* CREATE [OR REPLACE] FUNCTION or PROCEDURE, word by word; ROUTINE is the last state. */
enum { HEAD_NONE, HEAD_CREATE, HEAD_OR, HEAD_REPLACE, HEAD_ROUTINE, HEAD_OTHER };

static int
head_after(int head, const struct sql_token *t)
{
    bool routine = sql_is(t, "function") || sql_is(t, "procedure");

    switch (head) {
    case HEAD_NONE:
        return sql_is(t, "create") ? HEAD_CREATE : HEAD_OTHER;
    case HEAD_CREATE:
        return routine ? HEAD_ROUTINE : sql_is(t, "or") ? HEAD_OR : HEAD_OTHER;
    case HEAD_OR:
        return sql_is(t, "replace") ? HEAD_REPLACE : HEAD_OTHER;
    case HEAD_REPLACE:
        return routine ? HEAD_ROUTINE : HEAD_OTHER;
    default:
        return head;
    }
}

/*
 * Counts the constructs that may contain a semicolon.  BEGIN counts only with ATOMIC after it,
 * since a function or a type may be named begin; CASE and END are reserved, so as names they have
 * quotes.
 */
static void
follow(struct sql_place *s, struct sql_token *t)
{
    bool begin = sql_is(t, "begin") && !s->dotted;

    if (sql_is_sign(t, ';') && s->parentheses == 0 && s->atomic == 0) {
        t->kind = SQL_STOP;
        *s = (struct sql_place){0};
        return;
    }
    s->inside = true;
    s->head = head_after(s->head, t);
    if (sql_is_sign(t, '(')) {
        s->parentheses++;
    } else if (sql_is_sign(t, ')') && s->parentheses > 0) {
        s->parentheses--;
    } else if (s->atomic > 0 && sql_is(t, "case")) {
        s->atomic++;
    } else if (s->atomic > 0 && sql_is(t, "end")) {
        s->atomic--;
    } else if (s->head == HEAD_ROUTINE && s->parentheses == 0 && s->atomic == 0 && s->begin &&
               sql_is(t, "atomic")) {
        s->atomic = 1;
    }
    s->begin = begin;
    s->dotted = sql_is_sign(t, '.');
}

struct sql_token
sql_next(struct sql_reader *r)
{
    struct sql_token t = {.kind = SQL_END};
    const char      *end;

    while (is_space(*r->p)) {
        r->p++;
    }
    t.at = end = r->p;
    if (*t.at == '\0') {
        return t;
    }
    if (*t.at == '\\' && !r->place.inside) {
        t.kind = SQL_PSQL;
        end = skip_line(t.at);
    } else {
        t.kind = token_at(t.at, r->backslash, &end);
    }
    if (end == NULL) {
        t.kind = SQL_UNCLOSED;
        end = t.at + strlen(t.at);
    }
    t.n = (size_t)(end - t.at);
    r->p = end;
    if (t.kind != SQL_COMMENT && t.kind != SQL_PSQL) {
        follow(&r->place, &t);
    }
    return t;
}

bool
sql_is(const struct sql_token *t, const char *word)
{
    return t->kind == SQL_WORD && strlen(word) == t->n && strncasecmp(t->at, word, t->n) == 0;
}

bool
sql_is_sign(const struct sql_token *t, char c)
{
    return (t->kind == SQL_SIGN || t->kind == SQL_OPERATOR || t->kind == SQL_STOP) && t->n == 1 &&
        *t->at == c;
}

char *
sql_name(const struct sql_token *t)
{
    char *name, *to;

    if (t->kind == SQL_WORD) {
        name = xstrndup(t->at, t->n);
        for (to = name; *to != '\0'; to++) {
            *to = *to >= 'A' && *to <= 'Z' ? (char)(*to | 0x20) : *to;
        }
        return name;
    }
    if (t->kind != SQL_IDENT || *t->at != '"') {
        return NULL;
    }
    name = to = xstrndup(t->at + 1, t->n - 2);
    for (const char *from = name; *from != '\0'; from++) {
        from += from[0] == '"';
        *to++ = *from;
    }
    *to = '\0';
    return name;
}

bool
sql_needs_escape(const struct sql_token *t)
{
    return t->kind == SQL_STRING && *t->at == '\'' && memchr(t->at, '\\', t->n) != NULL;
}
