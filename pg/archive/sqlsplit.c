#include "pg/archive/sqlsplit.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void
add_token(struct sql_statement *s, struct sql_token t)
{
    if (s->n == 0) {
        s->from = t.at;
    }
    s->to = t.at + t.n;
    if (t.kind != SQL_STOP) {
        VEC_GROW(s->v, s->n, s->cap);
        s->v[s->n++] = t;
    }
}

/* Adds the statement, unless it is empty. */
static void
add_statement(struct sql_script *script, struct sql_statement *s)
{
    if (s->n > 0) {
        VEC_GROW(script->v, script->n, script->cap);
        script->v[script->n++] = *s;
        *s = (struct sql_statement){.backslash = s->backslash};
    }
}

int
sql_parse(const char *text, struct sql_script *out, struct err *e)
{
    struct sql_reader    r = sql_reader(text);
    struct sql_statement s = {0};
    struct sql_token     t;

    *out = (struct sql_script){0};
    while ((t = sql_next(&r)).kind != SQL_END) {
        if (t.kind == SQL_UNCLOSED) {
            free(s.v);
            return err_set(e, ERR_CORRUPT,
                           "SQL text: a quote or comment is never closed (it begins at byte %zu)",
                           (size_t)(t.at - text));
        }
        if (t.kind == SQL_COMMENT || t.kind == SQL_PSQL) {
            continue;
        }
        add_token(&s, t);
        if (t.kind == SQL_STOP) {
            if (s.n > 0) {
                sql_set_conforming(&s, &r.backslash);
                add_statement(out, &s);
            }
            s.backslash = r.backslash;
        }
    }
    add_statement(out, &s);
    free(s.v);
    return 0;
}

void
sql_script_free(struct sql_script *script)
{
    for (size_t i = 0; i < script->n; i++) {
        free(script->v[i].v);
    }
    free(script->v);
    *script = (struct sql_script){0};
}

char *
sql_text(const struct sql_statement *s)
{
    const struct sql_token *last = &s->v[s->n - 1];
    const char             *to = last->at + last->n;

    return s->backslash ? sql_conforming(s->from, to) : xstrndup(s->from, (size_t)(to - s->from));
}

char *
sql_conforming(const char *from, const char *to)
{
    char             *text = xstrndup(from, (size_t)(to - from)), *out, *at;
    struct sql_reader r = sql_reader(text);
    struct sql_token  t;
    const char       *copied = text;
    size_t            more = 0;

    r.backslash = true;
    while ((t = sql_next(&r)).kind != SQL_END) {
        more += sql_needs_escape(&t) ? 2 : 0;
    }
    at = out = xmalloc(strlen(text) + more + 1);
    r = sql_reader(text);
    r.backslash = true;
    while ((t = sql_next(&r)).kind != SQL_END) {
        if (sql_needs_escape(&t)) {
            at = mempcpy(at, copied, (size_t)(t.at - copied));
            *at++ = ' '; /* else it would be part of a word before it */
            *at++ = 'E';
            copied = t.at;
        }
    }
    memcpy(at, copied, strlen(copied) + 1);
    free(text);
    return out;
}

void
sql_set_conforming(const struct sql_statement *s, bool *backslash)
{
    struct sql_cursor c = sql_cursor(s);

    if (sql_words(&c, "SET standard_conforming_strings") &&
        (sql_sign(&c, '=') || sql_words(&c, "TO")) && c.p != c.end) {
        *backslash = sql_is(c.p, "off") || (c.p->n == 5 && memcmp(c.p->at, "'off'", 5) == 0);
    }
}

struct sql_cursor
sql_cursor(const struct sql_statement *s)
{
    return (struct sql_cursor){.p = s->v, .end = s->v + s->n};
}

/* The position after words at p, or NULL. */
static const struct sql_token *
after_words(const struct sql_token *p, const struct sql_token *end, const char *words)
{
    while (*words != '\0') {
        size_t n = strcspn(words, " ");

        if (p == end || p->kind != SQL_WORD || p->n != n || strncasecmp(p->at, words, n) != 0) {
            return NULL;
        }
        p++;
        words += n + (words[n] == ' ');
    }
    return p;
}

bool
sql_words(struct sql_cursor *c, const char *words)
{
    const struct sql_token *p = after_words(c->p, c->end, words);

    c->p = p == NULL ? c->p : p;
    return p != NULL;
}

bool
sql_sign(struct sql_cursor *c, char sign)
{
    bool there = c->p != c->end && sql_is_sign(c->p, sign);

    c->p += there;
    return there;
}

static bool
is_name(const struct sql_token *t)
{
    return t->kind == SQL_WORD || t->kind == SQL_IDENT;
}

bool
sql_simple_name(struct sql_cursor *c, char **name)
{
    if (c->p == c->end || !is_name(c->p)) {
        return false;
    }
    if (name != NULL && (*name = sql_name(c->p)) == NULL) {
        return false;
    }
    c->p++;
    return true;
}

bool
sql_qualified_name(struct sql_cursor *c, struct sql_span *span)
{
    const struct sql_token *p = c->p;

    if (p == c->end || !is_name(p)) {
        return false;
    }
    span->from = p->at;
    while (c->end - p > 2 && sql_is_sign(&p[1], '.') && is_name(&p[2])) {
        p += 2;
    }
    span->to = p->at + p->n;
    c->p = p + 1;
    return true;
}

bool
sql_parenthesised(struct sql_cursor *c, struct sql_span *span)
{
    int depth = 0;

    for (const struct sql_token *p = c->p; p != c->end; p++) {
        depth += sql_is_sign(p, '(');
        depth -= sql_is_sign(p, ')');
        if (depth == 0) {
            if (p == c->p) {
                return false;
            }
            *span = (struct sql_span){.from = c->p->at, .to = p->at + p->n};
            c->p = p + 1;
            return true;
        }
    }
    return false;
}

bool
sql_has_words(struct sql_cursor c, const char *words)
{
    int depth = 0;

    for (; c.p != c.end; c.p++) {
        depth += sql_is_sign(c.p, '(');
        depth -= sql_is_sign(c.p, ')');
        if (depth == 0 && after_words(c.p, c.end, words) != NULL) {
            return true;
        }
    }
    return false;
}
