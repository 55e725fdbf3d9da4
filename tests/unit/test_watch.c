/* How watched things are told to people and to monitoring: the worst first, in lines that no text
 * can forge. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/report/watch.h"
#include "core/report/watch_show.h"
#include "tests/support/cmocka.h"

/* What fn prints; its result into *status. */
static const char *
printed(int (*fn)(const struct watch_report *), const struct watch_report *r, int *status)
{
    static char text[4096];
    FILE       *f = tmpfile();
    int         out = dup(STDOUT_FILENO);
    size_t      n;

    fflush(stdout);
    assert_true(f != NULL && out >= 0 && dup2(fileno(f), STDOUT_FILENO) >= 0);
    *status = fn(r);
    fflush(stdout);
    assert_true(dup2(out, STDOUT_FILENO) >= 0);
    close(out);
    rewind(f);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static int
as_text(const struct watch_report *r)
{
    watch_show_text(r, false);
    return 0;
}

static void
find(struct watch_report *r, enum watch_severity severity, const char *object, const char *what)
{
    watch_find(r,
               (struct watch_finding){
                   .severity = severity, .object = object, .what = what, .action = "look"});
}

static void
the_worst_is_the_verdict_and_stands_first(void **state)
{
    struct watch_report r;
    const char         *text;
    int                 status;

    (void)state;
    watch_init(&r, "test");
    assert_int_equal(watch_worst(&r), WATCH_OK);
    watch_begin(&r, "first");
    find(&r, WATCH_UNKNOWN, "x", "not seen");
    assert_int_equal(watch_worst(&r), WATCH_UNKNOWN);
    find(&r, WATCH_WARNING, "y", "old");
    watch_begin(&r, "second");
    find(&r, WATCH_CRITICAL, "z", "gone");
    watch_begin(&r, "third");
    watch_skip(&r, "not here");
    assert_int_equal(watch_worst(&r), WATCH_CRITICAL);
    assert_int_equal(watch_count(&r, WATCH_WARNING), 1);
    watch_sort(&r);
    text = printed(as_text, &r, &status);
    assert_true(strncmp(text, "critical  second: z gone\n", 25) == 0);
    assert_true(strstr(text, "warning   first: y old") < strstr(text, "unknown   first: x not"));
    watch_free(&r);
}

static void
a_plugin_prints_its_status_and_numbers(void **state)
{
    static const int    wanted[] = {0, 3, 1, 2};
    struct watch_report r;
    const char         *text;
    int                 status;

    (void)state;
    watch_init(&r, "test");
    watch_begin(&r, "check");
    for (int s = WATCH_OK; s <= WATCH_CRITICAL; s++) {
        if (s > WATCH_OK) {
            find(&r, (enum watch_severity)s, "n|\nx", "t|=\x1b");
        }
        (void)printed(watch_show_nagios, &r, &status);
        assert_int_equal(status, wanted[s - WATCH_OK]);
    }
    watch_metric(&r, (struct watch_metric){"a b=|\n", "s", 1.5, NAN, 3});
    watch_metric(&r, (struct watch_metric){"plain", "B", 123456789012345, NAN, NAN});
    watch_sort(&r);
    text = printed(watch_show_nagios, &r, &status);
    assert_non_null(strstr(text,
                           "check: n/\\nx t/=\\x1b (and 2 more) | a_b___=1.5s;;3;0 "
                           "plain=123456789012345B;;;0\n"));
    assert_ptr_equal(strchr(text, '|'), strrchr(text, '|')); /* what follows one are numbers */
    watch_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_is_the_verdict_and_stands_first),
        cmocka_unit_test(a_plugin_prints_its_status_and_numbers),
    };

    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
