/*
 * test_pg_globals_text.c - what pg_dumpall prints, made what it means.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pg/snapshot/globals_text.h"
#include "tests/support/cmocka.h"

static void
settles(const char *text, int version, const char *const *names, const char *want)
{
    struct buf     sql = BUF_INIT(MIB);
    struct strlist list = {0};
    struct err     e = ERR_INIT;

    for (; *names != NULL; names++) {
        strlist_add(&list, *names);
    }
    assert_int_equal(buf_puts(&sql, text, &e), 0);
    globals_settle(&sql, version, &list);
    assert_string_equal(buf_str(&sql), want);
    strlist_free(&list);
    buf_free(&sql);
}

#define HEADING(name) "\n--\n-- User Config \"" name "\"\n--\n\n"

static void
names_in_comments_have_no_line_ends(void **state)
{
    static const char *const names[] = {"a'\nALTER ROLE m SUPERUSER;--", "a'\n\"", "b\rDROP;",
                                        NULL};
    static const char        text[] = "CREATE ROLE \"a'\nALTER ROLE m SUPERUSER;--\";\n" HEADING(
        "a'\nALTER ROLE m SUPERUSER;--") HEADING("b\rDROP;") HEADING("c") "COMMENT ON ROLE c IS "
                                                                          "'" HEADING(
                                                                              "b\rDROP;") "';\n";
    static const char        want[] = "CREATE ROLE \"a'\nALTER ROLE m SUPERUSER;--\";\n" HEADING(
        "a' ALTER ROLE m SUPERUSER;--") HEADING("b DROP;") HEADING("c") "COMMENT ON ROLE c IS "
                                                                        "'" HEADING(
                                                                            "b\rDROP;") "';\n";
    static const int old[] = {130016, 150013, 170005};

    (void)state;
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        settles(text, old[i], names, want);
    }
    settles(text, 150014, names, text);
    settles(text, 180000, names, text);
    settles("", 130016, names, "");
}

static void
the_key_that_keeps_psql_quiet_is_the_same_every_night(void **state)
{
    static const char *const none[] = {NULL};
    static const char        forged[] =
        "CREATE ROLE \"\n\\restrict x\";\nCOMMENT ON ROLE a IS '\n\\unrestrict x\n';\n";
    struct buf     a = BUF_INIT(MIB), b = BUF_INIT(MIB);
    struct strlist names = {0};
    struct err     e = ERR_INIT;

    (void)state;
    assert_int_equal(buf_puts(&a, "\\restrict abc\n\nCREATE ROLE a;\n\n\\unrestrict abc\n", &e), 0);
    assert_int_equal(buf_puts(&b, "\\restrict xyz\n\nCREATE ROLE a;\n\n\\unrestrict xyz\n", &e), 0);
    globals_settle(&a, 180000, &names);
    globals_settle(&b, 180000, &names);
    assert_string_equal(buf_str(&a), buf_str(&b));
    assert_null(strstr(buf_str(&a), "abc"));
    /* A name or a comment is no key. */
    settles(forged, 180000, none, forged);
    settles("\\restrict a\nx;\n\\unrestrict b\n", 180000, none,
            "\\restrict a\nx;\n\\unrestrict b\n");
    buf_free(&a);
    buf_free(&b);
}

static void
roles_are_those_of_its_statements(void **state)
{
    struct strlist roles = {0};
    struct err     e = ERR_INIT;

    (void)state;
    assert_int_equal(globals_roles("CREATE ROLE a;\nCREATE ROLE \"B \"\"x\";\nCOMMENT ON ROLE a IS "
                                   "'CREATE ROLE c;';\n-- CREATE ROLE d;\nALTER ROLE e;\n",
                                   &roles, &e),
                     0);
    assert_int_equal(roles.n, 2);
    assert_string_equal(roles.v[0], "a");
    assert_string_equal(roles.v[1], "B \"x");
    strlist_free(&roles);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_in_comments_have_no_line_ends),
        cmocka_unit_test(the_key_that_keeps_psql_quiet_is_the_same_every_night),
        cmocka_unit_test(roles_are_those_of_its_statements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
