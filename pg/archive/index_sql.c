#include "pg/archive/index_sql.h"

#include <stdlib.h>
#include <string.h>

#include "pg/archive/sqlsplit.h"

/* ALTER TABLE ONLY t ADD CONSTRAINT n …, and the position after it. */
struct constraint {
    struct sql_span   table, name;
    struct sql_cursor rest;
};

static bool
parse_constraint(const struct sql_statement *s, struct constraint *c)
{
    c->rest = sql_cursor(s);
    return sql_words(&c->rest, "ALTER TABLE ONLY") && sql_qualified_name(&c->rest, &c->table) &&
        sql_words(&c->rest, "ADD CONSTRAINT") && sql_qualified_name(&c->rest, &c->name);
}

/* A key whose index can be built first. */
struct key {
    const char     *kind; /* PRIMARY KEY, UNIQUE */
    bool            nulls_not_distinct;
    struct sql_span columns, include, with; /* with parentheses; from NULL: none */
    struct sql_span rest;                   /* DEFERRABLE … */
};

/* false: not of this simple form. */
static bool
parse_key(struct sql_cursor c, struct key *k)
{
    *k = (struct key){.kind = sql_words(&c, "PRIMARY KEY") ? "PRIMARY KEY"
                          : sql_words(&c, "UNIQUE")        ? "UNIQUE"
                                                           : NULL};
    if (k->kind == NULL) {
        return false;
    }
    k->nulls_not_distinct = sql_words(&c, "NULLS NOT DISTINCT");
    for (const struct sql_token *t = c.p; t != c.end; t++) {
        if (sql_is(t, "WITHOUT")) {
            return false; /* OVERLAPS: its index cannot be built first */
        }
    }
    if (!sql_parenthesised(&c, &k->columns) ||
        (sql_words(&c, "INCLUDE") && !sql_parenthesised(&c, &k->include)) ||
        (sql_words(&c, "WITH") && !sql_parenthesised(&c, &k->with))) {
        return false;
    }
    if (c.p != c.end) {
        k->rest = (struct sql_span){c.p->at, c.end[-1].at + c.end[-1].n};
    }
    return c.p == c.end || sql_is(c.p, "DEFERRABLE");
}

#define SPAN(s) (int)((s).to - (s).from), (s).from == NULL ? "" : (s).from

static bool
cut_key(const struct sql_statement *s, struct index_sql *out)
{
    struct constraint c;
    struct key        k;

    if (!parse_constraint(s, &c) || !parse_key(c.rest, &k)) {
        return false;
    }
    out->build = xasprintf("CREATE UNIQUE INDEX %.*s ON %.*s USING btree %.*s%s%.*s%s%s%.*s",
                           SPAN(c.name), SPAN(c.table), SPAN(k.columns),
                           k.include.from == NULL ? "" : " INCLUDE ", SPAN(k.include),
                           k.nulls_not_distinct ? " NULLS NOT DISTINCT" : "",
                           k.with.from == NULL ? "" : " WITH ", SPAN(k.with));
    out->then = xasprintf("ALTER TABLE ONLY %.*s ADD CONSTRAINT %.*s %s USING INDEX %.*s %.*s",
                          SPAN(c.table), SPAN(c.name), k.kind, SPAN(c.name), SPAN(k.rest));
    return true;
}

static void
append(char **to, const char *sql)
{
    char *joined = *to == NULL ? xasprintf("%s;", sql) : xasprintf("%s\n%s;", *to, sql);

    free(*to);
    *to = joined;
}

static void
append_statement(char **to, const struct sql_statement *s)
{
    char *text = sql_text(s);

    append(to, text);
    free(text);
}

static bool
begins(const struct sql_statement *s, const char *words)
{
    struct sql_cursor c = sql_cursor(s);

    return sql_words(&c, words);
}

/* The first statement after the settings, which precede build; false: not of this simple form. */
static bool
cut_index(const struct sql_script *script, size_t at, struct index_sql *out)
{
    char *context = NULL, *build;

    if (begins(&script->v[at], "CREATE INDEX") || begins(&script->v[at], "CREATE UNIQUE INDEX")) {
        out->build = sql_text(&script->v[at]);
    } else if (!cut_key(&script->v[at], out)) {
        return false;
    }
    for (size_t i = 0; i < at; i++) {
        append_statement(&context, &script->v[i]);
    }
    build = context == NULL ? xstrdup(out->build) : xasprintf("%s\n%s", context, out->build);
    free(out->build);
    free(context);
    out->build = build;
    return true;
}

void
index_sql_cut(const struct archive_entry *entry, struct index_sql *out)
{
    struct sql_script script;
    struct err        e = ERR_INIT;
    size_t            at = 0;

    *out = (struct index_sql){0};
    if (sql_parse(entry->sql, &script, &e) == 0) {
        while (at < script.n && begins(&script.v[at], "SET")) {
            at++;
        }
    }
    if (e.kind != ERR_NONE || at == script.n || !cut_index(&script, at, out)) {
        out->then = xstrdup(entry->sql);
    } else {
        char *first = out->then;

        out->then = NULL;
        if (first != NULL) {
            append(&out->then, first);
            free(first);
        }
        for (size_t i = at + 1; i < script.n; i++) {
            append_statement(&out->then, &script.v[i]);
        }
    }
    sql_script_free(&script);
}

bool
foreign_key_cut(const struct archive_entry *entry, struct index_sql *out)
{
    struct sql_script script;
    struct err        e = ERR_INIT;
    struct constraint c;
    char             *text;

    *out = (struct index_sql){0};
    /* A NOT VALID or NOT ENFORCED (18) constraint must not be validated: it could fail on its
     * rows. */
    if (sql_parse(entry->sql, &script, &e) == 0 && script.n == 1 &&
        parse_constraint(&script.v[0], &c) && sql_words(&c.rest, "FOREIGN KEY") &&
        !sql_has_words(c.rest, "NOT VALID") && !sql_has_words(c.rest, "NOT ENFORCED")) {
        text = sql_text(&script.v[0]);
        out->build = xasprintf("%s NOT VALID", text);
        out->then = xasprintf("ALTER TABLE ONLY %.*s VALIDATE CONSTRAINT %.*s", SPAN(c.table),
                              SPAN(c.name));
        free(text);
    }
    sql_script_free(&script);
    return out->build != NULL;
}

void
index_sql_free(struct index_sql *s)
{
    free(s->build);
    free(s->then);
    *s = (struct index_sql){0};
}
