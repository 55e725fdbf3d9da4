/* Moments as people type and read them. */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/when.h"
#include "tests/unit/check.h"

/* Saturday 2026-11-21, 14:30:20 in Berlin (UTC+1). */
static const time_t now = 1795267820;

static void
expect(const char *text, const char *from, int seconds)
{
    struct err  e = ERR_INIT;
    struct when w;
    char        have[32];

    assert_ok(when_parse(text, now, &w, &e), &e);
    assert_string_equal(time_rfc3339(w.from, have, sizeof have), from);
    assert_int_equal(w.until - w.from, seconds);
}

static void
what_people_type_is_read(void **state)
{
    (void)state;
    expect("2026-11-21", "2026-11-20T23:00:00Z", 0);
    expect("2026-11-21 02:15", "2026-11-21T01:15:00Z", 59);
    expect("2026-11-21 02:15:07", "2026-11-21T01:15:07Z", 0);
    expect("2026-11-21T02:15Z", "2026-11-21T02:15:00Z", 59);
    expect("2026-11-21 02:15+02:00", "2026-11-21T00:15:00Z", 59);
    expect("20261121T021500Z", "2026-11-21T02:15:00Z", 0);
    expect("02:15", "2026-11-21T01:15:00Z", 59);
    expect("14:30", "2026-11-21T13:30:00Z", 59); /* this very minute */
    expect("02:15:07", "2026-11-21T01:15:07Z", 0);
    expect("today", "2026-11-20T23:00:00Z", 0);
    expect("today 02:15", "2026-11-21T01:15:00Z", 59);
    expect("yesterday", "2026-11-19T23:00:00Z", 0);
    expect("yesterday 23:59", "2026-11-20T22:59:00Z", 59);
    expect("now", "2026-11-21T13:30:20Z", 0);
    expect("2 hours ago", "2026-11-21T11:30:20Z", 0);
    expect("1 hour ago", "2026-11-21T12:30:20Z", 0);
    expect("90min ago", "2026-11-21T12:00:20Z", 0);
    expect("3 d ago", "2026-11-18T13:30:20Z", 0);
    expect("2 weeks ago", "2026-11-07T13:30:20Z", 0);
}

/* In Berlin 2026-10-25 has 25 hours. */
static void
yesterday_is_a_day_of_the_calendar(void **state)
{
    struct err   e = ERR_INIT;
    struct when  w;
    char         have[32];
    const time_t monday = 1792971000; /* 2026-10-25T23:30:00Z, 00:30 on the 26th */

    (void)state;
    assert_ok(when_parse("yesterday 01:00", monday, &w, &e), &e);
    assert_string_equal(time_rfc3339(w.from, have, sizeof have), "2026-10-24T23:00:00Z");
    assert_string_equal(when_local(w.from, monday, have, sizeof have), "yesterday 01:00");
}

static void
what_is_no_time_or_still_to_come_is_refused_by_name(void **state)
{
    static const char *const bad[] = {"",
                                      "soon",
                                      "yesterday-ish",
                                      "yesterday 25:00",
                                      "2 ago",
                                      "ago",
                                      "2 moons ago",
                                      "-2 hours ago",
                                      "2 hours",
                                      "14:3",
                                      "20261121T0215",
                                      "2026-02-30",
                                      "20261321T021500Z"};
    static const char *const future[] = {"14:31", "today 23:00", "2026-11-22", "2027-11-21 02:15"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err  e = ERR_INIT;
        struct when w;

        assert_int_equal(when_parse(bad[i], now, &w, &e), -1);
        assert_err(&e, ERR_USAGE, bad[i]);
        assert_true(e.hint[0] != '\0');
    }
    for (size_t i = 0; i < sizeof future / sizeof future[0]; i++) {
        struct err  e = ERR_INIT;
        struct when w;

        assert_int_equal(when_parse(future[i], now, &w, &e), -1);
        assert_err(&e, ERR_USAGE, "is still to come");
    }
}

static void
what_is_shown_is_read_again(void **state)
{
    static const struct {
        time_t      before;
        const char *local;
    } cases[] = {{0, "14:30"},
                 {14 * 3600, "00:30"},
                 {15 * 3600, "yesterday 23:30"},
                 {39 * 3600, "2026-11-19 23:30"},
                 {-86400, "2026-11-22 14:30"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err  e = ERR_INIT;
        struct when w;
        time_t      t = now - cases[i].before;
        char        have[32];

        assert_string_equal(when_local(t, now, have, sizeof have), cases[i].local);
        if (t <= now) {
            assert_ok(when_parse(have, now, &w, &e), &e);
            assert_true(w.from <= t && t <= w.until);
        }
    }
}

static void
an_age_has_its_moment(void **state)
{
    char t[96];

    (void)state;
    assert_string_equal(when_ago(now - 6 * 3600 - 12 * 60, now, t, sizeof t),
                        "6 h 12 min ago, 08:18");
    assert_string_equal(when_ago(now + 86400, now, t, sizeof t),
                        "at 2026-11-22 14:30, by a clock that is ahead of this host's");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_type_is_read),
        cmocka_unit_test(yesterday_is_a_day_of_the_calendar),
        cmocka_unit_test(what_is_no_time_or_still_to_come_is_refused_by_name),
        cmocka_unit_test(what_is_shown_is_read_again),
        cmocka_unit_test(an_age_has_its_moment),
    };

    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    return cmocka_run_group_tests_name("core/when", tests, NULL, NULL);
}
