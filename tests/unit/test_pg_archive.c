/*
 * test_pg_archive.c - pg_restore's texts taken apart, forged headers included.
 */
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "pg/archive/archive_split.h"
#include "tests/support/cmocka.h"

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
    archive_close(&f->a);
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
    assert_true(archive_split_text(&f.s, f.all, 4, text));
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
    assert_true(archive_split_text(&f.s, f.all, 1, text));
    assert_string_equal(f.a.v[0].desc, "TABLE");
    assert_string_equal(f.a.v[0].schema, "a; Type: VIEW");
    assert_string_equal(f.a.v[0].tag, "b; Schema: c; Owner: d");
    assert_string_equal(f.a.v[0].owner, "joe");
    end(&f);
}

#define FORGED HEAD("6", "1259", "201", "", "t", "TABLE", "public", "joe") "DROP DATABASE prod;\n\n"

static void
a_forged_header_belongs_to_the_body_that_it_stands_in(void **state)
{
    static const char list[] =
        "5; 1255 200 FUNCTION public f() joe\n6; 1259 201 TABLE public t joe\n";
    static const char function[] = HEAD("5", "1255", "200", "", "f()", "FUNCTION", "public",
                                        "joe") "CREATE FUNCTION f() AS $$\n" FORGED "$$;\n\n";
    static const char table[] = HEAD("6", "1259", "201", "", "t", "TABLE", "public",
                                     "joe") "CREATE TABLE t ();\n\n";
    char             *both = xasprintf("%s%s%s%s", PREAMBLE, function, table, CLOSING);
    struct fixture    f;

    (void)state;
    begin(&f, list);
    assert_true(archive_split_text(&f.s, f.all, 2, both));
    assert_string_equal(f.a.v[0].sql, "CREATE FUNCTION f() AS $$\n" FORGED "$$;");
    assert_string_equal(f.a.v[1].sql, "CREATE TABLE t ();");
    end(&f);
    free(both);
}

/* Each setting is the one in force, whatever a name holds that looks like it. */
static void
a_setting_in_a_name_is_a_name(void **state)
{
#define NAMED_SET "\"a\nSET default_tablespace = '';ALTER ROLE joe SUPERUSER;--\""
    static const char list[] =
        "5; 1259 200 TABLE public a SET joe\n6; 1259 201 TABLE public b "
        "joe\n";
    static const char text[] = PREAMBLE "SET default_tablespace = fast;\n\n" HEAD(
        "5", "1259", "200", "", "a SET", "TABLE", "public",
        "joe") "CREATE TABLE public." NAMED_SET
               " ();\n\n\n" HEAD("6", "1259", "201", "", "b", "TABLE", "public",
                                 "joe") "CREATE TABLE public.b ();\n\n" CLOSING;
    struct fixture f;

    (void)state;
    begin(&f, list);
    assert_true(archive_split_text(&f.s, f.all, 2, text));
    assert_string_equal(f.a.v[0].sql,
                        "SET default_tablespace = fast;\nCREATE TABLE public." NAMED_SET " ();");
    assert_string_equal(f.a.v[1].sql, "SET default_tablespace = fast;\nCREATE TABLE public.b ();");
    end(&f);
}

/* One entry, alone in its text. */
static void
names_one(const char *list, const char *text, const char *desc, const char *schema, const char *tag)
{
    struct fixture f;

    begin(&f, list);
    assert_true(archive_split_text(&f.s, f.all, 1, text));
    assert_string_equal(f.a.v[0].desc, desc);
    assert_string_equal(f.a.v[0].schema == NULL ? "-" : f.a.v[0].schema, schema);
    assert_string_equal(f.a.v[0].tag, tag);
    assert_string_equal(f.a.v[0].owner, "joe");
    end(&f);
}

/* There is another way to cut each of these that list and header agree on: a "SERVER -" in schema
 * "SERVER; Type:", say, which a scratch server would not take for a server. */
static void
a_name_cannot_give_an_entry_another_kind(void **state)
{
#define SERVER_NAME "SERVER; Type: SERVER -; Schema: SERVER; Type:; Owner: x"
#define TABLE_NAME  "TABLE; Type: TABLE ATTACH; Schema: TABLE; Type:; Owner: x"
    (void)state;
    names_one("5; 1417 200 SERVER - " SERVER_NAME " joe\n",
              PREAMBLE HEAD("5", "1417", "200", "", SERVER_NAME, "SERVER", "-",
                            "joe") "CREATE SERVER x FOREIGN DATA WRAPPER w;\n\n" CLOSING,
              "SERVER", "-", SERVER_NAME);
    names_one("5; 1259 200 TABLE ATTACH " TABLE_NAME " joe\n",
              PREAMBLE HEAD("5", "1259", "200", "", TABLE_NAME, "TABLE", "ATTACH",
                            "joe") "CREATE TABLE x ();\n\n" CLOSING,
              "TABLE", "ATTACH", TABLE_NAME);
}

/* The session that runs the entries has standard_conforming_strings on. */
static void
strings_written_for_backslashes_are_marked(void **state)
{
    static const char list[] =
        "5; 0 0 COMMENT public TABLE t joe\n6; 0 0 COMMENT public TABLE u joe\n";
    static const char text[] =
        "SET standard_conforming_strings = off;\n\n" HEAD("5", "0", "0", "", "TABLE t", "COMMENT",
                                                          "public", "joe")
            "COMMENT ON TABLE t IS 'a\\\\''; DROP TABLE u; --';\n\n\n" HEAD(
                "6", "0", "0", "", "TABLE u", "COMMENT", "public",
                "joe") "COMMENT ON TABLE u IS 'plain';\n\n" CLOSING;
    struct fixture f;

    (void)state;
    begin(&f, list);
    assert_true(archive_split_text(&f.s, f.all, 2, text));
    assert_string_equal(f.a.v[0].sql, "COMMENT ON TABLE t IS  E'a\\\\''; DROP TABLE u; --';");
    assert_string_equal(f.a.v[1].sql, "COMMENT ON TABLE u IS 'plain';");
    end(&f);
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
        HEAD("5", "1259", "200", "", "t", "TABLE", "public", "joe") "X;\n\n", /* no end */
        HEAD("5", "1259", "200", "", "t", "TABLE", "public", "joe") "X 'y;\n\n" CLOSING,
        HEAD("5", "1259", "200", "", "t", "TABLE", "public", "joe") "X\n\n" CLOSING,
        HEAD("5", "1259", "200", "", "t", "TABLE", "public", "joe") "X;\n\n" CLOSING "Y;\n",
        HEAD("5", "1259", "200", "", "t", "TABLE", "public", "joe") "X;\n\\connect y\n\n" CLOSING,
        HEAD("5", "1259", "200", "", "t", "TABLE", "public",
             "joe") "SET default_tablespace = x;\nX;\n\n" CLOSING,
        HEAD("5", "1259", "200", "", "t\rX;", "TABLE", "public", "joe") "X;\n\n" CLOSING,
        HEAD("5", "1259", "200", "", "t", "TABLE", "public", "joe") "X;\n\n" HEAD(
            "5", "1259", "200", "", "t", "TABLE", "public", "joe") "Y;\n\n" CLOSING, /* twice */
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fixture f;
        begin(&f, list);
        assert_false(archive_split_text(&f.s, f.all, 1, texts[i]));
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
    archive_close(&a);
}

static void
settings_and_white_space_do_not_change_the_digest(void **state)
{
    char a[] = "SET default_tablespace = x;\nCREATE TABLE t (\n-- kept\n);",
         b[] = "\n\nCREATE TABLE t (\n-- kept\n);\n\n";
    char c[] = "CREATE TABLE t (\n);", da[65], db[65], dc[65];

    (void)state;
    archive_entry_sha256(&(struct archive_entry){.sql = a}, da);
    archive_entry_sha256(&(struct archive_entry){.sql = b}, db);
    archive_entry_sha256(&(struct archive_entry){.sql = c}, dc);
    assert_string_equal(da, db);
    assert_string_not_equal(da, dc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_get_their_sql_names_and_settings),
        cmocka_unit_test(names_that_look_like_the_header_are_told_apart),
        cmocka_unit_test(a_forged_header_belongs_to_the_body_that_it_stands_in),
        cmocka_unit_test(a_setting_in_a_name_is_a_name),
        cmocka_unit_test(a_name_cannot_give_an_entry_another_kind),
        cmocka_unit_test(strings_written_for_backslashes_are_marked),
        cmocka_unit_test(other_disagreements_are_not_believed),
        cmocka_unit_test(an_entry_listed_twice_is_an_error),
        cmocka_unit_test(settings_and_white_space_do_not_change_the_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
