/*
 * fuzz_sqltoken.c - any text is read as tokens, cut into statements, or refused.  The tokens cover
 * the text but for white space; each one alone, and each statement alone, reads as it did in the
 * text; what was written for standard_conforming_strings = off reads the same when rewritten for
 * on.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pg/archive/archive_owner.h"
#include "pg/archive/index_sql.h"
#include "pg/archive/isolate.h"
#include "pg/archive/sqlsplit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool good)
{
    if (!good) {
        abort();
    }
}

/* The text is one token of that kind. */
static void
alone(const struct sql_token *t, bool backslash)
{
    char             *text = xstrndup(t->at, t->n);
    struct sql_reader r = sql_reader(text);
    struct sql_token  again;

    r.backslash = backslash;
    again = sql_next(&r);
    must(again.n == t->n);
    /* A semicolon's and a backslash's kind depend on what is before them. */
    must(again.kind == t->kind || *text == ';' || *text == '\\');
    free(text);
}

static void
tokens_cover(const char *text, bool backslash)
{
    struct sql_reader r = sql_reader(text);
    struct sql_token  t;
    const char       *end = text;

    r.backslash = backslash;
    while ((t = sql_next(&r)).kind != SQL_END) {
        must(t.n > 0 && t.at >= end);
        must(strspn(end, " \t\n\v\f\r") >= (size_t)(t.at - end));
        end = t.at + t.n;
        if (t.kind == SQL_UNCLOSED) {
            must(*end == '\0');
        } else {
            alone(&t, backslash);
        }
    }
    must(end[strspn(end, " \t\n\v\f\r")] == '\0');
}

/* N'\' cannot be written otherwise; nothing prints it. */
static bool
national(const struct sql_token *t)
{
    return t->kind == SQL_STRING && (*t->at | 0x20) == 'n';
}

static void
rewritten_reads_the_same(const char *text)
{
    char             *on = sql_conforming(text, text + strlen(text));
    struct sql_reader a = sql_reader(text), b = sql_reader(on);
    struct sql_token  x, y;

    a.backslash = true;
    while ((x = sql_next(&a)).kind != SQL_UNCLOSED && !national(&x)) {
        y = sql_next(&b);
        must(x.kind == y.kind);
        must(y.n == x.n + (sql_needs_escape(&x) ? 1 : 0));
        if (x.kind == SQL_END) {
            break;
        }
    }
    free(on);
}

static void
statements_stay_themselves(const char *text)
{
    struct sql_script script, again;
    struct err        e = ERR_INIT;
    bool              closed = sql_parse(text, &script, &e) == 0;

    for (size_t i = 0; closed && i < script.n && !script.v[i].backslash; i++) {
        char *one = sql_text(&script.v[i]);

        must(sql_parse(one, &again, &e) == 0);
        must(again.n == 1 && again.v[0].n == script.v[i].n);
        for (size_t k = 0; k < again.v[0].n; k++) {
            must(again.v[0].v[k].kind == script.v[i].v[k].kind);
        }
        sql_script_free(&again);
        free(one);
    }
    sql_script_free(&script);
}

/* No more than that they end. */
static void
all_that_reads_statements(const char *text)
{
    char                *desc = xstrdup("INDEX"), *sql = xstrdup(text), *changed;
    struct archive_entry entry = {.desc = desc, .sql = sql};
    struct index_sql     cut;
    struct sql_span      owner;

    index_sql_cut(&entry, &cut);
    index_sql_free(&cut);
    (void)foreign_key_cut(&entry, &cut);
    index_sql_free(&cut);
    (void)isolate_entry(&entry, &changed);
    free(changed);
    if (archive_owner_statement(sql, &owner)) {
        char *name = archive_owner_name(sql);
        free(name);
    }
    free(desc);
    free(sql);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = xstrndup((const char *)data, n);

    tokens_cover(text, false);
    tokens_cover(text, true);
    rewritten_reads_the_same(text);
    statements_stay_themselves(text);
    all_that_reads_statements(text);
    free(text);
    return 0;
}
