#include "tests/support/sql_kept.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "pg/archive/sqltoken.h"

enum { N_SETTINGS = 2 };

struct side {
    struct sql_reader r;
    struct sql_token  t; /* the next one that is no comment */
};

struct check {
    const struct archive *a;
    struct side           entry; /* where we are in the SQL of the entry at hand */
    bool                  inside;
    struct sql_token      setting[N_SETTINGS]; /* values in force */
    struct sql_token     *v;                   /* the statement */
    size_t                n, cap;
    bool                  backslash;
};

static void
advance(struct side *s)
{
    do {
        s->t = sql_next(&s->r);
    } while (s->t.kind == SQL_COMMENT);
}

/* have: what the entry has for want. */
static bool
same(const struct sql_token *want, const struct sql_token *have, bool backslash)
{
    const char *at = have->at;
    size_t      n = have->n;

    if (backslash && sql_needs_escape(want) && *at == 'E') {
        at++;
        n--;
    }
    return want->kind == have->kind && want->n == n && memcmp(want->at, at, n) == 0;
}

/* Which setting "SET x = y;" is, or -1. */
static int
which_setting(const struct sql_token *v, size_t n)
{
    if (n != 5 || !sql_is(&v[0], "set") || !sql_is_sign(&v[2], '=')) {
        return -1;
    }
    return sql_is(&v[1], "default_tablespace")         ? 0
        : sql_is(&v[1], "default_table_access_method") ? 1
                                                       : -1;
}

/* Settings at the beginning of an entry must be those in force. */
static const char *
entry_settings(struct check *c)
{
    for (;;) {
        struct side      ahead = c->entry;
        struct sql_token v[5];
        int              which;

        for (size_t i = 0; i < 5; i++) {
            v[i] = ahead.t;
            advance(&ahead);
        }
        if ((which = which_setting(v, 5)) < 0) {
            return NULL;
        }
        if (c->setting[which].at == NULL || !same(&c->setting[which], &v[3], false)) {
            return "a setting that is not in force";
        }
        c->entry = ahead;
    }
}

static const char *
end_entry(const struct check *c)
{
    return c->inside && c->entry.t.kind != SQL_END ? "an entry has more than was printed for it"
                                                   : NULL;
}

static const char *
begin_entry(struct check *c, int id)
{
    const char *wrong = end_entry(c);

    for (size_t i = 0; wrong == NULL && i < c->a->n; i++) {
        if (c->a->v[i].dump_id == id && c->a->v[i].sql != NULL) {
            c->inside = true;
            c->entry.r = sql_reader(c->a->v[i].sql);
            advance(&c->entry);
            return entry_settings(c);
        }
    }
    return wrong != NULL ? wrong : "what was printed for an entry is not there";
}

static const char *
end_statement(struct check *c)
{
    int which = which_setting(c->v, c->n);

    if (which >= 0) {
        c->setting[which] = c->v[3];
    } else if (!c->inside && c->n == 5 && sql_is(&c->v[1], "standard_conforming_strings")) {
        c->backslash = sql_is(&c->v[3], "off");
    }
    for (size_t i = 0; which < 0 && c->inside && i < c->n; i++) {
        if (!same(&c->v[i], &c->entry.t, c->backslash)) {
            return "a token that is not the printed one";
        }
        advance(&c->entry);
    }
    c->n = 0;
    return NULL;
}

/* Behind a line "--": what pg_restore prints above an entry. */
static bool
is_heading(const char *text, const struct sql_token *t, int *id)
{
    static const char before[] = "--\n";
    size_t            n = sizeof before - 1;

    return t->kind == SQL_COMMENT && (size_t)(t->at - text) >= n &&
        memcmp(t->at - n, before, n) == 0 &&
        ((size_t)(t->at - text) == n || t->at[-(ptrdiff_t)n - 1] == '\n') &&
        strncmp(t->at, "-- TOC entry ", 13) == 0 && sscanf(t->at + 13, "%d (", id) == 1;
}

const char *
sql_kept(const struct archive *a, const char *text)
{
    struct sql_reader r = sql_reader(text);
    struct sql_token  t;
    struct check      c = {.a = a};
    const char       *wrong = NULL;
    int               id;

    while (wrong == NULL && (t = sql_next(&r)).kind != SQL_END) {
        if (c.n == 0 && is_heading(text, &t, &id)) {
            wrong = begin_entry(&c, id);
        } else if (t.kind != SQL_COMMENT && t.kind != SQL_PSQL) {
            VEC_GROW(c.v, c.n, c.cap);
            c.v[c.n++] = t;
        }
        if (wrong == NULL && t.kind == SQL_STOP) {
            wrong = end_statement(&c);
            r.backslash = c.backslash;
        }
    }
    wrong = wrong != NULL ? wrong : end_entry(&c);
    free(c.v);
    return wrong;
}
