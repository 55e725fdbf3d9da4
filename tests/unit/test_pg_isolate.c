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
        cmocka_unit_test(user_mappings_are_skipped),
        cmocka_unit_test(everything_else_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
