#include "pg/archive/index_sql.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pg/archive/sqlsplit.h"

static const char *
blanks(const char *p)
{
    while (isspace((unsigned char)*p)) {
        p++;
    }
    return p;
}

/* Behind the words (one string, single blanks), or NULL. */
static const char *
words(const char *p, const char *text)
{
    while (p != NULL && *text != '\0') {
        size_t n = strcspn(text, " ");
        char  *word = xstrndup(text, n);

        p = blanks(p);
        p = sql_word(p, word) ? p + n : NULL;
        free(word);
        text += n;
        text += *text == ' ';
    }
    return p == NULL ? NULL : blanks(p);
}

/* Behind the closing parenthesis of the one at p; NULL: none there, or never closed. */
static const char *
parentheses(const char *p)
{
    int depth = 0;

    if (*p != '(') {
        return NULL;
    }
    for (;;) {
        depth += *p == '(';
        depth -= *p == ')';
        if (*p == '\0' || (p = sql_token(p)) == NULL) {
            return NULL;
        }
        if (depth == 0) {
            return p;
        }
        p = blanks(p);
    }
}

struct constraint {
    const char *table, *table_end; /* "public.orders " */
    const char *name, *name_end;
    const char *kind, *kind_end; /* PRIMARY KEY, UNIQUE */
    bool        nulls_not_distinct;
    const char *columns, *columns_end; /* with parentheses */
    const char *options, *options_end; /* INCLUDE (…) */
    const char *with, *with_end;       /* WITH (…) */
    const char *rest;                  /* DEFERRABLE … */
};

/* ALTER TABLE ONLY t ADD CONSTRAINT n PRIMARY KEY|UNIQUE …; false: not that plain. */
static bool
parse_constraint(const char *sql, struct constraint *c)
{
    const char *p = words(sql, "ALTER TABLE ONLY");

    *c = (struct constraint){.table = p};
    while (p != NULL && *p != '\0' && !sql_word(p, "ADD")) {
        p = sql_token(p);
        p = p == NULL ? NULL : blanks(p);
    }
    c->table_end = p;
    if (p == NULL || (c->name = words(p, "ADD CONSTRAINT")) == NULL ||
        (c->name_end = sql_token(c->name)) == NULL) {
        return false;
    }
    c->kind = blanks(c->name_end);
    if ((p = words(c->kind, "PRIMARY KEY")) == NULL && (p = words(c->kind, "UNIQUE")) == NULL) {
        return false;
    }
    c->kind_end = p;
    if (words(p, "NULLS NOT DISTINCT") != NULL) {
        c->nulls_not_distinct = true;
        p = words(p, "NULLS NOT DISTINCT");
    }
    c->columns = p;
    if ((p = c->columns_end = parentheses(p)) == NULL ||
        memmem(c->columns, (size_t)(p - c->columns), " WITHOUT ", 9) != NULL) {
        return false;
    }
    p = blanks(p);
    if (sql_word(p, "INCLUDE")) {
        c->options = p;
        if ((p = c->options_end = parentheses(words(p, "INCLUDE"))) == NULL) {
            return false;
        }
        p = blanks(p);
    }
    if (sql_word(p, "WITH")) {
        c->with = p;
        if ((p = c->with_end = parentheses(words(p, "WITH"))) == NULL) {
            return false;
        }
        p = blanks(p);
    }
    c->rest = p;
    return *p == '\0' || sql_word(p, "DEFERRABLE");
}

#define PART(from, to) (int)((to) == NULL ? 0 : (to) - (from)), (from) == NULL ? "" : (from)

static bool
cut_constraint(const char *sql, struct index_sql *out)
{
    struct constraint c;
    const char       *kind_end;

    if (!parse_constraint(sql, &c)) {
        return false;
    }
    for (kind_end = c.kind_end; isspace((unsigned char)kind_end[-1]); kind_end--) {
    }
    out->build = xasprintf(
        "CREATE UNIQUE INDEX %.*s ON %.*sUSING btree %.*s %.*s %s %.*s", PART(c.name, c.name_end),
        PART(c.table, c.table_end), PART(c.columns, c.columns_end), PART(c.options, c.options_end),
        c.nulls_not_distinct ? "NULLS NOT DISTINCT" : "", PART(c.with, c.with_end));
    out->then = xasprintf("ALTER TABLE ONLY %.*sADD CONSTRAINT %.*s %.*s USING INDEX %.*s %s",
                          PART(c.table, c.table_end), PART(c.name, c.name_end),
                          PART(c.kind, kind_end), PART(c.name, c.name_end), c.rest);
    return true;
}

static void
append(char **to, const char *sql)
{
    char *joined = *to == NULL ? xasprintf("%s;", sql) : xasprintf("%s\n%s;", *to, sql);

    free(*to);
    *to = joined;
}

void
index_sql_cut(const struct archive_entry *entry, struct index_sql *out)
{
    struct strlist statements = {0};
    struct err     e = ERR_INIT;
    char          *context = NULL, *build;
    size_t         i = 0;

    *out = (struct index_sql){0};
    if (sql_split(entry->sql, &statements, &e) != 0) {
        out->then = xstrdup(entry->sql);
        goto out;
    }
    for (; i < statements.n && words(statements.v[i], "SET") != NULL; i++) {
        append(&context, statements.v[i]);
    }
    if (i < statements.n &&
        (words(statements.v[i], "CREATE INDEX") != NULL ||
         words(statements.v[i], "CREATE UNIQUE INDEX") != NULL)) {
        out->build = xstrdup(statements.v[i]);
    } else if (i == statements.n || !cut_constraint(statements.v[i], out)) {
        out->then = xstrdup(entry->sql);
        goto out;
    }
    build = context == NULL ? xstrdup(out->build) : xasprintf("%s\n%s", context, out->build);
    free(out->build);
    out->build = build;
    if (out->then != NULL) {
        char *first = out->then;
        out->then = NULL;
        append(&out->then, first);
        free(first);
    }
    for (i++; i < statements.n; i++) {
        append(&out->then, statements.v[i]);
    }
out:
    free(context);
    strlist_free(&statements);
}

static bool
ends_in(const char *sql, const char *keywords)
{
    size_t n = strlen(sql), k = strlen(keywords);

    return n >= k && strcmp(sql + n - k, keywords) == 0;
}

bool
foreign_key_cut(const struct archive_entry *entry, struct index_sql *out)
{
    struct strlist statements = {0};
    struct err     e = ERR_INIT;
    const char    *sql, *table, *p, *name, *name_end;

    *out = (struct index_sql){0};
    if (sql_split(entry->sql, &statements, &e) != 0 || statements.n != 1) {
        goto out;
    }
    sql = statements.v[0];
    p = table = words(sql, "ALTER TABLE ONLY");
    while (p != NULL && *p != '\0' && !sql_word(p, "ADD")) {
        p = sql_token(p);
        p = p == NULL ? NULL : blanks(p);
    }
    if (p == NULL || (name = words(p, "ADD CONSTRAINT")) == NULL ||
        (name_end = sql_token(name)) == NULL || words(name_end, "FOREIGN KEY") == NULL) {
        goto out;
    }
    /* Neither is to be proven, and validating the second kind (18) would fail on its rows. */
    if (ends_in(sql, "NOT VALID") || ends_in(sql, "NOT ENFORCED")) {
        goto out;
    }
    out->build = xasprintf("%s NOT VALID", sql);
    out->then = xasprintf("ALTER TABLE ONLY %.*sVALIDATE CONSTRAINT %.*s", PART(table, p),
                          PART(name, name_end));
out:
    strlist_free(&statements);
    return out->build != NULL;
}

void
index_sql_free(struct index_sql *s)
{
    free(s->build);
    free(s->then);
    *s = (struct index_sql){0};
}
