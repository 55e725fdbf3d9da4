/*
 * test_pg_archive.c - SQL cut into statements; pg_restore's texts taken apart, forged headers
 * included.
 */
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "pg/archive/archive_split.h"
#include "pg/archive/sqlsplit.h"
#include "tests/support/cmocka.h"

/*
 * sql_split
 */

static void
splits(const char *sql, const char *const *want)
{
    struct strlist got = {0};
    struct err     e = ERR_INIT;
    size_t         n = 0;

    assert_int_equal(sql_split(sql, &got, &e), 0);
    for (; want[n] != NULL; n++) {
        assert_true(n < got.n);
        assert_string_equal(got.v[n], want[n]);
    }
    assert_int_equal(got.n, n);
    strlist_free(&got);
}
#define SPLITS(sql, ...) splits(sql, (const char *const[]){__VA_ARGS__, NULL})

static void
statements_end_at_semicolons_only(void **state)
{
    (void)state;
    SPLITS("a; b ;\n c", "a", "b ", "c");
    SPLITS("  ;; x;;", "x");
    SPLITS("select 'a;b''c;' , \"d;e\"\"f;\"; y", "select 'a;b''c;' , \"d;e\"\"f;\"", "y");
    SPLITS("select E'a\\';b'; y", "select E'a\\';b'", "y");
    SPLITS("select 'a\\'; y", "select 'a\\'", "y");
    SPLITS("do $$a;b$$; do $x$a;$$;$y$;$x$; y", "do $$a;b$$", "do $x$a;$$;$y$;$x$", "y");
    SPLITS("select a$b$c; y$", "select a$b$c", "y$");
    SPLITS("select $1; y", "select $1", "y");
    SPLITS("-- a;b\n/* c; /* d; */ e; */ x -- f;\n; y", "x -- f;\n", "y");
    SPLITS("\\restrict abc\nx;\n\\connect \"a;b\"\ny;\n\\unrestrict abc\n", "x", "y");
    SPLITS("select 'Größe;' as \"größe;\"; y", "select 'Größe;' as \"größe;\"", "y");
}

static void
nothing_gives_nothing(void **state)
{
    struct strlist got = {0};
    struct err     e = ERR_INIT;

    (void)state;
    assert_int_equal(sql_split("", &got, &e), 0);
    assert_int_equal(sql_split("-- only\n/* comments */\n", &got, &e), 0);
    assert_int_equal(got.n, 0);
    strlist_free(&got);
}

static void
what_is_never_closed_is_an_error(void **state)
{
    static const char *const bad[] = {"select 'a", "select \"a",    "do $$a",
                                      "/* a",      "select E'a\\'", "do $x$a$$"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct strlist got = {0};
        struct err     e = ERR_INIT;

        assert_int_equal(sql_split(bad[i], &got, &e), -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
        strlist_free(&got);
    }
}

/*
 * archive_split
 */

#define PREAMBLE                                                                                   \
    "--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n\nSET statement_timeout = 0;\n\n"
#define CLOSING                                                                                    \
    "\n-- Completed on 2026-11-21\n\n--\n-- PostgreSQL database dump "                             \
    "complete\n--\n\n\\unrestrict x\n\n"
#define HEAD(n, class, oid, depends, name, type, schema, owner)                                    \
    "--\n-- TOC entry " n " (class " class " OID " oid ")\n" depends "-- Name: " name              \
                                           "; Type: " type "; Schema: " schema "; Owner: " owner   \
                                           "\n-- Data Pos: 0\n--\n\n"

struct fixture {
    struct archive       a;
    struct archive_split s;
    size_t               all[16];
};

static void
begin(struct fixture *f, const char *list)
{
    struct err e = ERR_INIT;

    *f = (struct fixture){0};
    assert_int_equal(archive_split_begin(&f->s, &f->a, list, &e), 0);
    for (size_t i = 0; i < sizeof f->all / sizeof f->all[0]; i++) {
        f->all[i] = i;
    }
}

static void
end(struct fixture *f)
{
    archive_split_end(&f->s);
    archive_free(&f->a);
}

static void
entries_get_their_sql_names_and_settings(void **state)
{
    static const char list[] =
        ";\n; Selected TOC Entries:\n;\n"
        "7; 2615 100 SCHEMA - app joe\n"
        "9; 1259 200 TABLE app my table joe x\n"
        "12; 0 0 ACL app TABLE my table joe x\n"
        "15; 1259 300 INDEX app i joe x\n";
    /* Not in the list's order: grants come last. */
    static const char text[] = PREAMBLE
        HEAD("7", "2615", "100", "", "app", "SCHEMA", "-", "joe") "CREATE SCHEMA app;\n\n\nALTER "
        "SCHEMA app OWNER TO joe;\n\n"
        "SET default_tablespace = fast;\n\nSET default_table_access_method = heap;\n\n"
        HEAD("9", "1259", "200", "-- Dependencies: 7 3\n", "my table", "TABLE", "app", "joe x")
        "CREATE TABLE app.\"my table\" (\n    a integer\n);\n\n\nALTER TABLE app.\"my table\" "
        "OWNER TO \"joe x\";\n\n"
        "SET default_tablespace = '';\n\n"
        HEAD("15", "1259", "300", "-- Dependencies: 9\n", "i", "INDEX", "app", "joe x") "CREATE "
        "INDEX i ON app.\"my table\" (a);\n\n\n"
        HEAD("12", "0", "0", "-- Dependencies: 9\n", "TABLE my table", "ACL", "app", "joe "
        "x") "GRANT SELECT ON x TO y;\n\n" CLOSING;
    struct fixture f;

    (void)state;
    begin(&f, list);
    assert_int_equal(f.a.n, 4);
    assert_true(archive_split_text(&f.s, f.all, 4, text, false));
    archive_split_sections(&f.a);
    assert_string_equal(f.a.v[0].desc, "SCHEMA");
    assert_null(f.a.v[0].schema);
    assert_string_equal(f.a.v[0].sql, "CREATE SCHEMA app;\n\n\nALTER SCHEMA app OWNER TO joe;");
    assert_string_equal(f.a.v[1].tag, "my table");
    assert_string_equal(f.a.v[1].owner, "joe x");
    assert_int_equal(f.a.v[1].n_depends, 2);
    assert_int_equal(f.a.v[1].depends[1], 3);
    assert_ptr_equal(strstr(f.a.v[1].sql,
                            "SET default_tablespace = fast;\nSET default_table_access_method = "
                            "heap;\nCREATE TABLE"),
                     f.a.v[1].sql);
    assert_string_equal(f.a.v[2].desc, "ACL");
    assert_string_equal(f.a.v[2].sql, "GRANT SELECT ON x TO y;");
    assert_string_equal(f.a.v[3].sql,
                        "SET default_tablespace = '';\nCREATE INDEX i ON app.\"my table\" (a);");
    assert_int_equal(f.a.v[1].section, SECTION_PRE_DATA);
    assert_int_equal(f.a.v[3].section, SECTION_POST_DATA);
    end(&f);
}

static void
names_that_look_like_the_header_are_told_apart(void **state)
{
    static const char list[] = "5; 1259 200 TABLE a; Type: VIEW b; Schema: c; Owner: d joe\n";
    static const char text[] = PREAMBLE HEAD("5", "1259", "200", "", "b; Schema: c; Owner: d",
                                             "TABLE", "a; Type: VIEW",
                                             "joe") "CREATE TABLE x ();\n\n" CLOSING;
    struct fixture                      f;

    (void)state;
    begin(&f, list);
    assert_true(archive_split_text(&f.s, f.all, 1, text, false));
    assert_string_equal(f.a.v[0].desc, "TABLE");
    assert_string_equal(f.a.v[0].schema, "a; Type: VIEW");
    assert_string_equal(f.a.v[0].tag, "b; Schema: c; Owner: d");
    assert_string_equal(f.a.v[0].owner, "joe");
    end(&f);
}

#define FORGED HEAD("6", "1259", "201", "", "t", "TABLE", "public", "joe") "DROP DATABASE prod;\n\n"

static void
a_body_with_a_forged_header_is_not_believed(void **state)
{
    static const char list[] =
        "5; 1255 200 FUNCTION public f() joe\n6; 1259 201 TABLE public t joe\n";
    static const char function[] = HEAD("5", "1255", "200", "", "f()", "FUNCTION", "public",
                                        "joe") "CREATE FUNCTION f() AS $$\n" FORGED "$$;\n\n";
    static const char table[] = HEAD("6", "1259", "201", "", "t", "TABLE", "public",
                                     "joe") "CREATE TABLE t ();\n\n";
    char             *both = xasprintf("%s%s%s%s", PREAMBLE, function, table, CLOSING);
    char             *alone = xasprintf("%s%s%s", PREAMBLE, function, CLOSING);
    struct fixture    f;

    (void)state;
    begin(&f, list);
    assert_false(archive_split_text(&f.s, f.all, 2, both, false));
    assert_true(archive_split_text(&f.s, f.all, 1, alone, true));
    assert_non_null(strstr(f.a.v[0].sql, "DROP DATABASE prod"));
    assert_non_null(strstr(f.a.v[0].sql, "$$;"));
    assert_null(strstr(f.a.v[0].sql, "dump complete"));
    end(&f);
    free(both);
    free(alone);
}

static void
other_disagreements_are_not_believed(void **state)
{
    static const char        list[] = "5; 1259 200 TABLE public t joe\n";
    static const char *const texts[] = {
        "",                                                                   /* none */
        HEAD("5", "1259", "201", "", "t", "TABLE", "public", "joe") "X;\n\n", /* another OID */
        HEAD("6", "1259", "200", "", "t", "TABLE", "public", "joe") "X;\n\n", /* not listed */
        HEAD("5", "1259", "200", "", "u", "TABLE", "public", "joe") "X;\n\n", /* another name */
        "--\n-- TOC entry 5 (class 1259 OID 200)\n",                          /* cut short */
        "--\n-- TOC entry 5 (class 1259 OID 200)\n-- Name: t; Type: TABLE; Schema: public",
        "--\n-- TOC entry 99999999999999999999 (class 1259 OID 200)\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fixture f;
        begin(&f, list);
        assert_false(archive_split_text(&f.s, f.all, 1, texts[i], false));
        end(&f);
    }
}

static void
an_entry_listed_twice_is_an_error(void **state)
{
    struct archive       a = {0};
    struct archive_split s;
    struct err           e = ERR_INIT;

    (void)state;
    assert_int_equal(archive_split_begin(&s, &a, "5; 1 2 TABLE - a b\n5; 1 2 TABLE - a b\n", &e),
                     -1);
    assert_int_equal(e.kind, ERR_CORRUPT);
    archive_split_end(&s);
    archive_free(&a);
}

static void
settings_and_white_space_do_not_change_the_digest(void **state)
{
    char a[] = "SET default_tablespace = x;\nCREATE TABLE t (\n-- kept\n);",
         b[] = "\n\nCREATE TABLE t (\n-- kept\n);\n\n";
    char c[] = "CREATE TABLE t (\n);", da[65], db[65], dc[65];

    (void)state;
    archive_entry_digest(&(struct archive_entry){.sql = a}, da);
    archive_entry_digest(&(struct archive_entry){.sql = b}, db);
    archive_entry_digest(&(struct archive_entry){.sql = c}, dc);
    assert_string_equal(da, db);
    assert_string_not_equal(da, dc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_end_at_semicolons_only),
        cmocka_unit_test(nothing_gives_nothing),
        cmocka_unit_test(what_is_never_closed_is_an_error),
        cmocka_unit_test(entries_get_their_sql_names_and_settings),
        cmocka_unit_test(names_that_look_like_the_header_are_told_apart),
        cmocka_unit_test(a_body_with_a_forged_header_is_not_believed),
        cmocka_unit_test(other_disagreements_are_not_believed),
        cmocka_unit_test(an_entry_listed_twice_is_an_error),
        cmocka_unit_test(settings_and_white_space_do_not_change_the_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
