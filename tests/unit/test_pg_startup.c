/* startup.h: what is asked for in the startup packet, and how servers refuse it. */
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "pg/conn/startup.h"

static void
what_was_given_comes_first(void **state)
{
    char *quiet = startup_options("-c work_mem=7MB", STARTUP_QUIET);
    char *plain = startup_options(NULL, STARTUP_PLAIN);
    char *none = startup_options("-c a.b=c", STARTUP_NOTHING);

    (void)state;
    assert_memory_equal(quiet, "-c work_mem=7MB -c statement_timeout=0", 37);
    assert_non_null(strstr(quiet, "-c event_triggers=off"));
    assert_memory_equal(plain, "-c statement_timeout=0", 22);
    assert_null(strstr(plain, "event_triggers"));
    assert_string_equal(none, "-c a.b=c");
    assert_null(startup_options("", STARTUP_NOTHING));
    assert_null(startup_options(NULL, STARTUP_NOTHING));
    free(quiet);
    free(plain);
    free(none);
}

static void
each_refusal_asks_for_less(void **state)
{
    static const struct {
        const char        *text;
        enum startup_level from, to;
        bool               again;
    } cases[] = {
        {"FATAL:  unrecognized configuration parameter \"event_triggers\"", STARTUP_QUIET,
         STARTUP_PLAIN, true},
        {"FATAL:  permission denied to set parameter \"event_triggers\"", STARTUP_QUIET,
         STARTUP_PLAIN, true},
        {"FATAL:  keine Berechtigung, um Parameter \"event_triggers\" zu setzen", STARTUP_QUIET,
         STARTUP_PLAIN, true},
        {"FATAL:  unsupported startup parameter: options", STARTUP_QUIET, STARTUP_NOTHING, true},
        {"FATAL:  unsupported startup parameter in options: jit", STARTUP_PLAIN, STARTUP_NOTHING,
         true},
        /* What does not come from us is not tried again for ever. */
        {"FATAL:  unrecognized configuration parameter \"event_triggers\"", STARTUP_PLAIN,
         STARTUP_PLAIN, false},
        {"FATAL:  unsupported startup parameter: options", STARTUP_NOTHING, STARTUP_NOTHING, false},
        {"FATAL:  password authentication failed for user \"x\"", STARTUP_QUIET, STARTUP_QUIET,
         false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum startup_level level = cases[i].from;

        assert_int_equal(startup_refused(cases[i].text, &level), cases[i].again);
        assert_int_equal(level, cases[i].to);
    }
}

static void
what_a_server_took_is_remembered(void **state)
{
    (void)state;
    assert_int_equal(startup_first("known old", 130000), STARTUP_PLAIN);
    assert_int_equal(startup_first("known new", 170000), STARTUP_QUIET);
    startup_took("no right", 180000, STARTUP_PLAIN, true);
    assert_int_equal(startup_first("no right", 180000), STARTUP_PLAIN);
    startup_took("pooler", 180000, STARTUP_NOTHING, true);
    assert_int_equal(startup_first("pooler", 0), STARTUP_NOTHING);
    startup_took("newer than we thought", 180000, STARTUP_PLAIN, false);
    assert_int_equal(startup_first("newer than we thought", 0), STARTUP_QUIET);
    for (int i = 0; i < 100; i++) { /* more than are remembered */
        char *name = xasprintf("server %d", i);

        startup_took(name, 150000, STARTUP_PLAIN, true);
        free(name);
    }
    assert_int_equal(startup_first("server 99", 150000), STARTUP_PLAIN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_given_comes_first),
        cmocka_unit_test(each_refusal_asks_for_less),
        cmocka_unit_test(what_a_server_took_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
