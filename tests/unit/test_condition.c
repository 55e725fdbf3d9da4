/* How watched things are told to people and to monitoring: the worst first, in one line,
 * unforgeable. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/exit.h"
#include "core/report/condition.h"
#include "tests/support/cmocka.h"

static char  *text;
static size_t size;

static FILE *
begin(void)
{
    return open_memstream(&text, &size);
}

static const char *
end(FILE *f)
{
    static char kept[2048];

    assert_int_equal(fclose(f), 0);
    snprintf(kept, sizeof kept, "%s", text);
    free(text);
    return kept;
}

static void
the_worst_is_the_verdict_and_stands_first(void **state)
{
    struct conditions c = {0};
    FILE             *f;

    (void)state;
    assert_int_equal(conditions_worst(&c), LEVEL_OK);
    assert_int_equal(conditions_exit_status(&c), EXIT_GOOD);
    conditions_add(&c, (struct condition){LEVEL_OK, "a", NULL, "well", NULL});
    assert_int_equal(conditions_exit_status(&c), EXIT_GOOD);
    conditions_add(&c, (struct condition){LEVEL_UNKNOWN, "b", "x", "not seen", NULL});
    assert_int_equal(conditions_exit_status(&c), EXIT_DIFFERENT);
    conditions_add(&c, (struct condition){LEVEL_WARNING, "c", "y", "old", "look"});
    conditions_add(&c, (struct condition){LEVEL_CRITICAL, "d", "z", "gone", "run"});
    assert_int_equal(conditions_worst(&c), LEVEL_CRITICAL);
    f = begin();
    conditions_print(&c, false, f);
    assert_string_equal(end(f),
                        "critical  z: gone\n          -> run\nwarning   y: old\n          -> look\n"
                        "unknown   x: not seen\n");
    f = begin();
    conditions_print(&c, true, f);
    assert_non_null(strstr(end(f), "\nok        well\n"));
    conditions_free(&c);
}

static void
a_plugin_prints_one_line_and_its_status(void **state)
{
    static const int  status[] = {0, 3, 1, 2};
    struct conditions c = {0};
    FILE             *f;

    (void)state;
    for (int level = LEVEL_OK; level <= LEVEL_CRITICAL; level++) {
        conditions_add(&c, (struct condition){(enum level)level, "a", "n|\nx", "t|=\x1b", NULL});
        f = begin();
        assert_int_equal(conditions_nagios(&c, "all good", f), status[level]);
        (void)end(f);
    }
    conditions_measure(&c, (struct measure){"it's=\n|", 1.5, NAN, 3, "s"});
    conditions_measure(&c, (struct measure){"plain", 12345678901, NAN, NAN, "B"});
    f = begin();
    (void)conditions_nagios(&c, "all good", f);
    assert_string_equal(end(f),
                        "PGASSAY CRITICAL: n/\\nx: t/=\\x1b (and 2 more) | 'it''s___'=1.5s;;3 "
                        "'plain'=12345678901B\n");
    conditions_free(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_is_the_verdict_and_stands_first),
        cmocka_unit_test(a_plugin_prints_one_line_and_its_status),
    };

    return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
