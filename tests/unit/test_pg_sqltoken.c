/*
 * test_pg_sqltoken.c - SQL read as a server reads it: tokens, statements, names.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/archive/archive_owner.h"
#include "pg/archive/sqlsplit.h"
#include "tests/support/cmocka.h"

/* Tokens of sql, between bars. */
static void
reads(const char *sql, bool backslash, const char *want)
{
    struct sql_reader r = sql_reader(sql);
    struct sql_token  t;
    char              got[1024] = "";

    r.backslash = backslash;
    while ((t = sql_next(&r)).kind != SQL_END) {
        size_t n = strlen(got);

        assert_true(n + t.n + 5 < sizeof got);
        (void)snprintf(got + n, sizeof got - n, "%s%.*s%s", n == 0 ? "" : "|", (int)t.n, t.at,
                       t.kind == SQL_UNCLOSED ? "..." : "");
    }
    assert_string_equal(got, want);
}

static void
tokens_are_those_of_the_server(void **state)
{
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {"a b.c,d", "a|b|.|c|,|d"},
        {"a--b\nc", "a|--b|c"},
        {"a--b\rc", "a|--b|c"}, /* a carriage return ends a comment */
        {"a/*b/*c*/d*/e", "a|/*b/*c*/d*/|e"},
        {"a/*/*/*/b*/ */ */c", "a|/*/*/*/b*/ */ */|c"},
        {"a /* b", "a|/* b..."},
        {"a+--b", "a|+|--b"},
        {"a+/*b*/c", "a|+|/*b*/|c"},
        {"a<@b::c", "a|<@|b|:|:|c"},
        {"'a''b' 'c'", "'a''b'|'c'"},
        {"'a'\n 'b'", "'a'\n 'b'"}, /* goes on in the next line */
        {"'a' -- x\n --y\n'b'", "'a' -- x\n --y\n'b'"},
        {"'a' /* */\n'b'", "'a'|/* */|'b'"},
        {"E'a'\n'b\\';' c", "E'a'\n'b\\';'|c"}, /* as what it was */
        {"'a\\' b", "'a\\'|b"},
        {"e'a\\' b'", "e'a\\' b'"},
        {"E'\\\\' b", "E'\\\\'|b"},
        {"E'\\", "E'\\..."},
        {"xe'a\\' b", "xe|'a\\'|b"},
        {"1e'a\\' b'", "1|e'a\\' b'"},
        {"N'a' B'1''0' X'f'", "N'a'|B'1'|'0'|X'f'"},
        {"U&'a\\''' U&\"b\"\"c\" u&d", "U&'a\\'''|U&\"b\"\"c\"|u|&|d"},
        {"\"a\"\"b;\"c", "\"a\"\"b;\"|c"},
        {"\"a", "\"a..."},
        {"$$a$b$$c", "$$a$b$$|c"},
        {"$b$ $$ $c$ $b $b$d", "$b$ $$ $c$ $b $b$|d"},
        {"$a$b$a", "$a$b$a..."},
        {"$1 $a a$b$c $1$", "$|1|$|a|a$b$c|$|1|$"},
        {"$\xc3\xa9$ ; $\xc3\xa9$ x", "$\xc3\xa9$ ; $\xc3\xa9$|x"},
        {"\\restrict x y\na \\b", "\\restrict x y|a|\\|b"},
        {"\t\v\f\r\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reads(cases[i].sql, false, cases[i].want);
    }
    reads("'a\\' b' N'\\'' E'\\'' X'\\'c", true, "'a\\' b'|N'\\''|E'\\''|X'\\'|c");
}

static void
splits(const char *sql, const char *const *want)
{
    struct sql_script got;
    struct err        e = ERR_INIT;
    size_t            n = 0;

    assert_int_equal(sql_parse(sql, &got, &e), 0);
    for (; want[n] != NULL; n++) {
        char *text;

        assert_true(n < got.n);
        text = sql_text(&got.v[n]);
        assert_string_equal(text, want[n]);
        free(text);
    }
    assert_int_equal(got.n, n);
    sql_script_free(&got);
}
#define SPLITS(sql, ...) splits(sql, (const char *const[]){__VA_ARGS__, NULL})

static void
statements_end_at_semicolons_only(void **state)
{
    (void)state;
    SPLITS("a; b ;\n c", "a", "b", "c");
    SPLITS("  ;; x;;", "x");
    SPLITS("select 'a;b''c;' , \"d;e\"\"f;\"; y", "select 'a;b''c;' , \"d;e\"\"f;\"", "y");
    SPLITS("select E'a\\';b'; y", "select E'a\\';b'", "y");
    SPLITS("select 'a\\'; y", "select 'a\\'", "y");
    SPLITS("do $$a;b$$; do $x$a;$$;$y$;$x$; y", "do $$a;b$$", "do $x$a;$$;$y$;$x$", "y");
    SPLITS("select a$b$c; y$", "select a$b$c", "y$");
    SPLITS("select $1; y", "select $1", "y");
    SPLITS("-- a;b\n/* c; /* d; */ e; */ x -- f;\n; y", "x", "y");
    SPLITS("\\restrict abc\nx;\n\\connect \"a;b\"\ny;\n\\unrestrict abc\n", "x", "y");
    SPLITS("select 'Größe;' as \"größe;\"; y", "select 'Größe;' as \"größe;\"", "y");
}

static void
nothing_gives_nothing(void **state)
{
    static const char *const texts[] = {"", "-- only\n/* comments */\n", ";;", "\\restrict x\n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sql_script got;
        struct err        e = ERR_INIT;

        assert_int_equal(sql_parse(texts[i], &got, &e), 0);
        assert_int_equal(got.n, 0);
        sql_script_free(&got);
    }
}

static void
what_is_never_closed_is_an_error(void **state)
{
    static const char *const bad[] = {"select 'a", "select \"a",    "do $$a",
                                      "/* a",      "select E'a\\'", "do $x$a$$"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sql_script got;
        struct err        e = ERR_INIT;

        assert_int_equal(sql_parse(bad[i], &got, &e), -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
        sql_script_free(&got);
    }
}

static void
statements_may_hold_semicolons(void **state)
{
    (void)state;
    SPLITS("create rule r as on insert to t do also (a; b;); c",
           "create rule r as on insert to t do also (a; b;)", "c");
    SPLITS("a ')' (; 'b)' ); c", "a ')' (; 'b)' )", "c");
    SPLITS(
        "create function f() begin atomic a; select case when b then 1 end; case 1 when 2 then "
        "3 end; end; c",
        "create function f() begin atomic a; select case when b then 1 end; case 1 when 2 then "
        "3 end; end",
        "c");
    SPLITS("create or replace procedure p(begin atomic) BEGIN ATOMIC a; END; c",
           "create or replace procedure p(begin atomic) BEGIN ATOMIC a; END", "c");
    SPLITS("create function begin() returns public.begin language sql as ''; c",
           "create function begin() returns public.begin language sql as ''", "c");
    SPLITS("create function f() set search_path to begin BEGIN ATOMIC a; END; c",
           "create function f() set search_path to begin BEGIN ATOMIC a; END", "c");
    SPLITS("begin atomic; c", "begin atomic", "c");
    SPLITS("create view begin as select 1; c; end; d", "create view begin as select 1", "c", "end",
           "d");
}

/* In a text that says so, as a server would take it. */
static void
strings_are_rewritten_for_a_session_that_knows_no_backslash(void **state)
{
    (void)state;
    SPLITS(
        "a '\\'; SET standard_conforming_strings = off; b 'x\\'; y', 'z', E'\\''; SET "
        "standard_conforming_strings TO 'on'; c '\\'; d",
        "a '\\'", "SET standard_conforming_strings = off", "b  E'x\\'; y', 'z', E'\\''",
        "SET standard_conforming_strings TO 'on'", "c '\\'", "d");
    SPLITS("SET standard_conforming_strings = off; a'\\';'",
           "SET standard_conforming_strings = off", "a E'\\';'");
}

static void
names_are_read_without_their_quotes(void **state)
{
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {"joe", "joe"}, {"Joe", "joe"},       {"\"Joe \"\"x\"\"\"", "Joe \"x\""},
        {"\"\"", ""},   {"\"a\nb\"", "a\nb"}, {"U&\"a\"", NULL},
        {"'a'", NULL},  {"1", NULL},          {"(", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sql_reader r = sql_reader(cases[i].sql);
        struct sql_token  t = sql_next(&r);
        char             *name = sql_name(&t);

        if (cases[i].want == NULL) {
            assert_null(name);
        } else {
            assert_non_null(name);
            assert_string_equal(name, cases[i].want);
        }
        free(name);
    }
}

/* owner: the role, or NULL; what stands before and behind the statement. */
static void
owner_of(const char *sql, const char *owner, const char *before, const char *behind)
{
    struct sql_span span;
    char           *name = archive_owner_name(sql), *left;

    if (owner == NULL) {
        assert_null(name);
        assert_false(archive_owner_statement(sql, &span));
        return;
    }
    assert_non_null(name);
    assert_string_equal(name, owner);
    assert_true(archive_owner_statement(sql, &span));
    left = xstrndup(sql, (size_t)(span.from - sql));
    assert_string_equal(left, before);
    assert_string_equal(span.to, behind);
    free(left);
    free(name);
}

static void
the_owner_is_in_a_statement_of_its_own(void **state)
{
    (void)state;
    owner_of("CREATE TABLE t ();\n\n\nALTER TABLE public.t OWNER TO joe;", "joe",
             "CREATE TABLE t ();\n\n\n", "");
    /* PostgreSQL 17 and later, of a partitioned table. */
    owner_of(
        "CREATE TABLE t ();\n\n\nALTER TABLE t OWNER TO \"j o\";\n\nALTER TABLE t SET ACCESS "
        "METHOD heap;",
        "j o", "CREATE TABLE t ();\n\n\n", "\n\nALTER TABLE t SET ACCESS METHOD heap;");
    owner_of("CREATE TABLE \"x\n\n\nALTER ROLE mallory SUPERUSER;-- OWNER TO a\" ();", NULL, "",
             "");
    owner_of(
        "CREATE TABLE \"\n\n\nALTER TABLE t OWNER TO a;\" ();\n\n\nALTER TABLE \"\n\n\nALTER "
        "TABLE t OWNER TO a;\" OWNER TO joe;",
        "joe", "CREATE TABLE \"\n\n\nALTER TABLE t OWNER TO a;\" ();\n\n\n", "");
    owner_of("CREATE FUNCTION f() AS $$\n\n\nALTER TABLE t OWNER TO a;$$;", NULL, "", "");
    owner_of("COMMENT ON TABLE t IS 'x\n\n\nALTER TABLE t OWNER TO a';", NULL, "", "");
    owner_of("ALTER TABLE t OWNER TO a b;", NULL, "", "");
    owner_of("", NULL, "", "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_those_of_the_server),
        cmocka_unit_test(statements_end_at_semicolons_only),
        cmocka_unit_test(statements_may_hold_semicolons),
        cmocka_unit_test(nothing_gives_nothing),
        cmocka_unit_test(what_is_never_closed_is_an_error),
        cmocka_unit_test(strings_are_rewritten_for_a_session_that_knows_no_backslash),
        cmocka_unit_test(names_are_read_without_their_quotes),
        cmocka_unit_test(the_owner_is_in_a_statement_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
