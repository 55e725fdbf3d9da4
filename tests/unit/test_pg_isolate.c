/*
 * test_pg_isolate.c - what a scratch server is not told: where foreign servers are, and who may log
 * in there.
 */
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include "core/mem.h"
#include "pg/archive/isolate.h"
#include "tests/support/cmocka.h"

static char *
isolated(const char *desc, const char *text, enum isolate_effect want)
{
    char                *desc_copy = xstrdup(desc), *text_copy = xstrdup(text), *sql;
    struct archive_entry entry = {.desc = desc_copy, .sql = text_copy};

    assert_int_equal(isolate_entry(&entry, &sql), want);
    free(desc_copy);
    free(text_copy);
    return sql;
}

static void
a_server_loses_its_options(void **state)
{
    char *sql = isolated("SERVER",
                         "CREATE SERVER \"OPTIONS\" TYPE 'x;y' FOREIGN DATA WRAPPER w OPTIONS (\n  "
                         "  host 'a)b',\n"
                         "    dbname 'it''s (prod)'\n);\nALTER SERVER \"OPTIONS\" OWNER TO bob;\n",
                         ISOLATE_CHANGED);

    (void)state;
    assert_string_equal(sql,
                        "CREATE SERVER \"OPTIONS\" TYPE 'x;y' FOREIGN DATA WRAPPER w ;\n"
                        "ALTER SERVER \"OPTIONS\" OWNER TO bob;\n");
    free(sql);
}

static void
a_server_without_options_stays_as_it_is(void **state)
{
    (void)state;
    assert_null(isolated("SERVER", "CREATE SERVER s FOREIGN DATA WRAPPER w;\n", ISOLATE_NOTHING));
}

/* Keywords that need no quotes as names. */
static void
a_server_may_be_named_like_a_keyword(void **state)
{
    static const char *const names[] = {"options", "server", "type", "version", "foreign"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *text = xasprintf(
            "CREATE SERVER %s TYPE 'options' VERSION 'OPTIONS (' FOREIGN DATA "
            "WRAPPER %s OPTIONS (host 'x');\n\n\nALTER SERVER %s OWNER TO "
            "%s;",
            names[i], names[i], names[i], names[i]);
        char *want = xasprintf(
            "CREATE SERVER %s TYPE 'options' VERSION 'OPTIONS (' FOREIGN DATA "
            "WRAPPER %s ;\n\n\nALTER SERVER %s OWNER TO %s;",
            names[i], names[i], names[i], names[i]);
        char *sql = isolated("SERVER", text, ISOLATE_CHANGED);

        assert_string_equal(sql, want);
        free(sql);
        free(want);
        free(text);
    }
}

/* The kind is cut out of text in which names stand, and a statement that is not understood may
 * reach anybody. */
static void
the_statement_decides_and_not_the_kind(void **state)
{
    static const char server[] = "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'x');";
    char             *sql = isolated("SERVER -", server, ISOLATE_CHANGED);

    (void)state;
    assert_string_equal(sql, "CREATE SERVER s FOREIGN DATA WRAPPER w ;");
    free(sql);
    assert_null(isolated("TABLE", "CREATE USER MAPPING FOR a SERVER b;", ISOLATE_SKIP));
    assert_null(isolated("SERVER",
                         "CREATE SERVER IF NOT EXISTS s FOREIGN DATA WRAPPER w OPTIONS "
                         "(host 'x');",
                         ISOLATE_SKIP));
    assert_null(isolated("SERVER",
                         "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'x') AND "
                         "MORE;",
                         ISOLATE_SKIP));
    assert_null(isolated("SERVER", "ALTER SERVER s OPTIONS (ADD host 'x');", ISOLATE_SKIP));
    assert_null(isolated("SERVER", "CREATE SERVER s FOREIGN DATA WRAPPER 'w", ISOLATE_SKIP));
    assert_null(isolated("COMMENT", "COMMENT ON SERVER s IS 'CREATE SERVER';", ISOLATE_NOTHING));
}

static void
user_mappings_are_skipped(void **state)
{
    (void)state;
    assert_null(isolated("USER MAPPING",
                         "CREATE USER MAPPING FOR bob SERVER s OPTIONS (password 'x');",
                         ISOLATE_SKIP));
}

static void
everything_else_is_left_alone(void **state)
{
    (void)state;
    assert_null(isolated("FOREIGN TABLE", "CREATE FOREIGN TABLE t () SERVER s OPTIONS (a 'b');",
                         ISOLATE_NOTHING));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_loses_its_options),
        cmocka_unit_test(a_server_without_options_stays_as_it_is),
        cmocka_unit_test(a_server_may_be_named_like_a_keyword),
        cmocka_unit_test(the_statement_decides_and_not_the_kind),
        cmocka_unit_test(user_mappings_are_skipped),
        cmocka_unit_test(everything_else_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
