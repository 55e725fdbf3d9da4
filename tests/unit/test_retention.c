/* retention_rules.h: each rule by a table, what is never removed, the shrink alarm. */
#include "tests/unit/retention_history.h"

/* Days of 2026 (from 1 January), at noon; expects the days that stay. */
static void
check_days(const char *file, int line, const struct policy *p, const int *days, size_t n,
           const int *want, size_t n_want)
{
    struct history h = {0};
    size_t         k = 0;

    for (size_t i = 0; i < n; i++) {
        history_add(&h, DAY_2026(days[i]) + 12 * 3600);
    }
    history_apply(&h, p);
    for (size_t i = 0; i < n; i++) {
        bool stays = k < n_want && want[k] == days[i];

        k += stays;
        if ((h.items[i].why != 0) != stays) {
            print_error("%s:%d: day %d %s\n", file, line, days[i],
                        stays ? "should stay" : "should go");
            fail();
        }
    }
    history_free(&h);
}
#define CHECK_DAYS(rules, days, ...)                                                               \
    do {                                                                                           \
        const int     want_[] = {__VA_ARGS__};                                                     \
        struct policy policy_ = rules;                                                             \
        check_days(__FILE__, __LINE__, &policy_, days, sizeof(days) / sizeof(int), want_,          \
                   sizeof want_ / sizeof(int));                                                    \
    } while (0)

static void
rules_choose_as_in_restic(void **state)
{
    /* 1 January 2026 is a Thursday: day 4 (5 January) is a Monday. */
    static const int daily[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
    static const int sundays[] = {3, 10, 17, 24, 31, 38, 45, 52};
    static const int months[] = {0, 30, 31, 58, 59, 60, 89, 90};

    (void)state;
    CHECK_DAYS(POLICY("keep-last", "3"), daily, 11, 12, 13);
    CHECK_DAYS(POLICY("keep-daily", "3"), daily, 11, 12, 13);
    /* Periods without a backup do not count; and it is the newest of each week. */
    CHECK_DAYS(POLICY("keep-daily", "4"), sundays, 31, 38, 45, 52);
    CHECK_DAYS(POLICY("keep-weekly", "2"), daily, 10, 13);
    /* The oldest stays as long as a place is free. */
    CHECK_DAYS(POLICY("keep-weekly", "4"), daily, 0, 3, 10, 13);
    CHECK_DAYS(POLICY("keep-weekly", "3"), daily, 3, 10, 13);
    CHECK_DAYS(POLICY("keep-monthly", "2"), months, 89, 90);
    CHECK_DAYS(POLICY("keep-monthly", "3"), months, 58, 89, 90);
    CHECK_DAYS(POLICY("keep-yearly", "2"), months, 0, 90);
    CHECK_DAYS(POLICY("keep-yearly", "unlimited"), months, 0, 90);
    CHECK_DAYS(POLICY("keep-last", "unlimited"), daily, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
               13);
    /* Within is reckoned from the newest, and exclusive. */
    CHECK_DAYS(POLICY("keep-within", "3d"), daily, 11, 12, 13);
    CHECK_DAYS(POLICY("keep-within", "49h"), daily, 11, 12, 13);
    CHECK_DAYS(POLICY("keep-within", "1m"), months, 60, 89,
               90); /* 1 April less a month is 1 March, exclusive */
    CHECK_DAYS(POLICY("keep-within-weekly", "1m"), daily, 0, 3, 10, 13);
    CHECK_DAYS(POLICY("keep-within-weekly", "12d"), daily, 3, 10, 13);
    CHECK_DAYS(POLICY("keep-within-monthly", "1y"), months, 0, 30, 58, 89, 90);
    /* Rules add up. */
    CHECK_DAYS(POLICY("keep-last", "2", "keep-weekly", "3"), daily, 3, 10, 12, 13);
    CHECK_DAYS(POLICY("keep-last", "1", "min-keep", "4"), daily, 10, 11, 12, 13);
    /* No rule, no expiry. */
    CHECK_DAYS(POLICY("min-keep", "2"), sundays, 3, 10, 17, 24, 31, 38, 45, 52);
}

static void
hours_and_days_end_in_utc(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-hourly", "2");

    (void)state;
    assert_int_equal(setenv("TZ", "Pacific/Kiritimati", 1), 0);
    tzset();
    history_add(&h, DAY_2026(9) + 22 * 3600 + 59 * 60);
    history_add(&h, DAY_2026(9) + 23 * 3600);
    history_add(&h, DAY_2026(9) + 24 * 3600 - 1);
    history_add(&h, DAY_2026(10));
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "..hh");
    p = POLICY("keep-daily", "2");
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "..hh");
    history_free(&h);
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static void
weeks_begin_on_monday_also_across_a_new_year(void **state)
{
    /* Monday 29 December 2025 and Sunday 4 January 2026 are one week (ISO 2026-W01); the 5th
     * begins the next. */
    (void)state;
    assert_int_equal(period_of(PERIOD_WEEK, DAY_2026(-3)), period_of(PERIOD_WEEK, DAY_2026(4) - 1));
    assert_int_not_equal(period_of(PERIOD_WEEK, DAY_2026(-3) - 1),
                         period_of(PERIOD_WEEK, DAY_2026(-3)));
    assert_int_not_equal(period_of(PERIOD_WEEK, DAY_2026(4)),
                         period_of(PERIOD_WEEK, DAY_2026(4) - 1));
    assert_int_not_equal(period_of(PERIOD_YEAR, DAY_2026(0)),
                         period_of(PERIOD_YEAR, DAY_2026(0) - 1));
}

static void
every_reason_is_told(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "1", "keep-daily", "2", "keep-within", "2d", "min-keep",
                              "1");

    (void)state;
    history_days(&h, 4);
    h.items[0].pinned = true;
    h.items[1].locked = true;
    h.items[2].proven = true;
    history_apply(&h, &p);
    assert_int_equal(h.items[0].why, WHY_PINNED);
    assert_int_equal(h.items[1].why, WHY_LOCKED);
    assert_int_equal(h.items[2].why, WHY_PROVEN | 1U << PERIOD_DAY | 1U << N_PERIODS);
    assert_int_equal(h.items[3].why,
                     WHY_NEWEST | WHY_MIN_KEEP | 1U << PERIOD_EACH | 1U << PERIOD_DAY |
                         1U << N_PERIODS);
    assert_string_equal(retention_why(PERIOD_DAY), "keep-daily");
    assert_string_equal(retention_why(N_PERIODS), "keep-within");
    assert_string_equal(retention_why(WHY_BITS - 1), "no-policy");
    for (unsigned i = 0; i < WHY_BITS; i++) {
        if (1U << i == WHY_PROVEN) {
            assert_string_equal(retention_why(i), "proven");
        }
    }
    history_free(&h);
}

static void
only_the_newest_proven_one_is_protected(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "1");

    (void)state;
    history_days(&h, 5);
    h.items[0].proven = h.items[2].proven = true;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "..h.h");
    /* A damaged one proves nothing. */
    h.items[2].state = RETENTION_DAMAGED;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "h...h");
    history_free(&h);
}

static void
a_partial_backup_pushes_out_no_full_one(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "2");

    (void)state;
    history_days(&h, 6);
    h.items[2].scope = h.items[4].scope = h.items[5].scope = "0123456789abcdef";
    history_apply(&h, &p);
    HISTORY_STAYS(&h, ".h.hhh");
    history_free(&h);
}

static void
damaged_backups_take_nobodys_place_and_stay_as_long_as_good_ones(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "2", "min-keep", "2");

    (void)state;
    history_days(&h, 6);
    h.items[0].state = h.items[5].state = h.items[4].state = RETENTION_DAMAGED;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "..hhhh");
    assert_true((h.items[3].why & WHY_NEWEST) != 0);
    /* A damaged one does not hide the good one of its day. */
    p = POLICY("keep-daily", "3");
    h.items[5].time = h.items[4].time + 60;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, ".hhhhh");
    history_free(&h);
}

/* Whoever says of which time a dump is must not choose which good backups go. */
static void
imported_backups_count_only_before_the_first_of_our_own(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "2");

    (void)state;
    history_days(&h, 6);
    h.items[0].imported = h.items[1].imported = h.items[3].imported = h.items[5].imported = true;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "..hhhh");
    assert_true((h.items[4].why & WHY_NEWEST) != 0);
    /* One of the day of a good one does not push it out. */
    p = POLICY("keep-daily", "1");
    h.items[5].time = h.items[4].time + 60;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "....hh");
    /* Before them all, rules choose among them as usual. */
    p = POLICY("keep-last", "1");
    for (int i = 0; i < 6; i++) {
        h.items[i].imported = true;
    }
    history_apply(&h, &p);
    HISTORY_STAYS(&h, ".....h");
    h.items[2].imported = false;
    p = POLICY("keep-last", "3");
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "hhhhhh");
    /* They are whole, and not given up with what is damaged. */
    h.r.drop_damaged = true;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "hhhhhh");
    history_free(&h);
}

static void
what_cannot_be_read_keeps_all_until_it_is_given_up(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "2");

    (void)state;
    history_days(&h, 5);
    h.items[1].state = RETENTION_UNREADABLE;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "hhhhh");
    assert_true((h.items[0].why & WHY_UNREADABLE) != 0);
    h.r.drop_damaged = true;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "...hh");
    h.items[1].pinned = true;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, ".h.hh");
    history_free(&h);
}

static void
the_last_of_a_scope_is_not_given_up(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY_INIT;

    (void)state;
    history_days(&h, 3);
    h.items[0].state = h.items[1].state = RETENTION_DAMAGED;
    h.items[1].scope = h.items[2].scope = "0123456789abcdef";
    h.r.drop_damaged = true;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "h.h");
    history_free(&h);
}

static void
void_backups_go(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY_INIT;

    (void)state;
    history_days(&h, 3);
    h.items[0].state = h.items[2].state = RETENTION_VOID;
    h.items[2].pinned = true;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, ".h.");
    assert_true((h.items[1].why & WHY_NEWEST) != 0);
    history_free(&h);
}

static void
a_backup_from_the_future_keeps_all(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "1");

    (void)state;
    history_days(&h, 3);
    h.r.now = h.items[2].time - CLOCK_TOLERANCE_SECONDS;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "..h");
    h.r.now--;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "hhh");
    assert_true((h.items[0].why & WHY_FUTURE) != 0);
    history_free(&h);
}

/* ---- shrinking ---- */

static void
sizes(struct history *h, const uint64_t *rows, size_t n)
{
    history_days(h, n);
    for (size_t i = 0; i < n; i++) {
        h->items[i].rows = rows[i];
    }
}
#define SIZES(h, ...)                                                                              \
    sizes(h, (const uint64_t[]){__VA_ARGS__},                                                      \
          sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void
a_shrink_keeps_what_was_before_it(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "2");

    (void)state;
    SIZES(&h, 100, 110, 120, 59, 58, 57, 56);
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "hhhh.hh");
    assert_int_equal(h.r.n_alarms, 1);
    assert_string_equal(h.r.alarms[0].measure, "rows");
    assert_string_equal(h.r.alarms[0].since, h.items[3].id);
    assert_string_equal(h.r.alarms[0].newest, h.items[6].id);
    assert_int_equal(h.r.alarms[0].have, 59);
    assert_int_equal(h.r.alarms[0].largest, 120);
    assert_int_equal(h.items[0].why, WHY_SHRINK);
    history_free(&h);
}

static void
half_is_not_below_half(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "1");

    (void)state;
    SIZES(&h, 100, 50);
    history_apply(&h, &p);
    assert_int_equal(h.r.n_alarms, 0);
    h.items[1].rows = 49;
    history_apply(&h, &p);
    assert_int_equal(h.r.n_alarms, 1);
    p = POLICY("keep-last", "1", "shrink-share", "0.49");
    history_apply(&h, &p);
    assert_int_equal(h.r.n_alarms, 0);
    p = POLICY("keep-last", "1", "shrink-share", "0");
    h.items[1].rows = 0;
    history_apply(&h, &p);
    assert_int_equal(h.r.n_alarms, 0);
    history_free(&h);
}

static void
rows_tables_and_bytes_each_raise_it(void **state)
{
    static const char *const names[] = {"rows", "tables", "bytes"};
    struct policy            p = POLICY("keep-last", "1");

    (void)state;
    for (int m = 0; m < 3; m++) {
        struct history h = {0};

        history_days(&h, 2);
        *(m == 0 ? &h.items[1].rows : m == 1 ? &h.items[1].tables : &h.items[1].bytes) = 0;
        history_apply(&h, &p);
        assert_int_equal(h.r.n_alarms, 1);
        assert_string_equal(h.r.alarms[0].measure, names[m]);
        HISTORY_STAYS(&h, "hh");
        history_free(&h);
    }
}

static void
growing_again_or_accepting_ends_it(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "1");

    (void)state;
    SIZES(&h, 100, 20, 30, 50);
    history_apply(&h, &p);
    assert_int_equal(h.r.n_alarms, 0);
    HISTORY_STAYS(&h, "...h");
    h.items[3].rows = 40;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "hh.h");
    history_accept(&h, "full", h.items[2].id);
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "...h");
    /* The accepted size is what is compared with from now on. */
    h.items[3].rows = 14;
    history_apply(&h, &p);
    HISTORY_STAYS(&h, "hhhh");
    assert_string_equal(h.r.alarms[0].since, h.items[3].id);
    assert_int_equal(h.r.alarms[0].largest, 30);
    history_free(&h);
}

static void
an_acceptance_holds_for_its_scope(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "1");

    (void)state;
    SIZES(&h, 100, 20);
    history_accept(&h, "0123456789abcdef", h.items[1].id);
    history_apply(&h, &p);
    assert_int_equal(h.r.n_alarms, 1);
    history_free(&h);
}

static void
other_scopes_go_on(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "1");

    (void)state;
    SIZES(&h, 100, 50, 100, 50, 10, 50);
    h.items[1].scope = h.items[3].scope = h.items[5].scope = "0123456789abcdef";
    history_apply(&h, &p);
    assert_int_equal(h.r.n_alarms, 1);
    HISTORY_STAYS(&h, "h.h.hh");
    history_free(&h);
}

static void
the_largest_of_ten_backups_and_of_thirty_days_counts(void **state)
{
    struct policy p = POLICY("keep-last", "1");

    (void)state;
    for (int spread = 0; spread < 2; spread++) {
        struct history h = {0};

        /* 100, eleven of 60, then 45: hourly the 100 is within thirty days, every third day it
         * is neither. */
        for (int i = 0; i < 13; i++) {
            history_add(&h, DAY_2026(0) + (time_t)i * (spread ? 3 * 86400 : 3600));
            h.items[i].rows = i == 0 ? 100 : i == 12 ? 45 : 60;
        }
        history_apply(&h, &p);
        assert_int_equal(h.r.n_alarms, spread ? 0 : 1);
        history_free(&h);
    }
    for (int gap = 10; gap <= 11; gap++) {
        struct history h = {0};

        /* Once a month: only the ten before count. */
        for (int i = 0; i <= gap; i++) {
            history_add(&h, DAY_2026(0) + (time_t)i * 40 * 86400);
            h.items[i].rows = i == 0 ? 100 : i == gap ? 45 : 60;
        }
        history_apply(&h, &p);
        assert_int_equal(h.r.n_alarms, gap == 10 ? 1 : 0);
        history_free(&h);
    }
}

static void
damaged_and_void_ones_are_not_compared(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "1");

    (void)state;
    SIZES(&h, 100, 1000, 90, 1);
    h.items[1].state = RETENTION_DAMAGED;
    h.items[3].state = RETENTION_VOID;
    history_apply(&h, &p);
    assert_int_equal(h.r.n_alarms, 0);
    history_free(&h);
}

static void
imported_ones_raise_no_alarm_and_are_not_compared_with(void **state)
{
    struct history h = {0};
    struct policy  p = POLICY("keep-last", "1");

    (void)state;
    SIZES(&h, 1000, 100, 1);
    h.items[0].imported = h.items[2].imported = true;
    history_apply(&h, &p);
    assert_int_equal(h.r.n_alarms, 0);
    h.items[2].imported = false;
    history_apply(&h, &p);
    assert_int_equal(h.r.n_alarms, 1);
    history_free(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_choose_as_in_restic),
        cmocka_unit_test(hours_and_days_end_in_utc),
        cmocka_unit_test(weeks_begin_on_monday_also_across_a_new_year),
        cmocka_unit_test(every_reason_is_told),
        cmocka_unit_test(only_the_newest_proven_one_is_protected),
        cmocka_unit_test(a_partial_backup_pushes_out_no_full_one),
        cmocka_unit_test(imported_backups_count_only_before_the_first_of_our_own),
        cmocka_unit_test(damaged_backups_take_nobodys_place_and_stay_as_long_as_good_ones),
        cmocka_unit_test(what_cannot_be_read_keeps_all_until_it_is_given_up),
        cmocka_unit_test(the_last_of_a_scope_is_not_given_up),
        cmocka_unit_test(void_backups_go),
        cmocka_unit_test(a_backup_from_the_future_keeps_all),
        cmocka_unit_test(a_shrink_keeps_what_was_before_it),
        cmocka_unit_test(half_is_not_below_half),
        cmocka_unit_test(rows_tables_and_bytes_each_raise_it),
        cmocka_unit_test(growing_again_or_accepting_ends_it),
        cmocka_unit_test(an_acceptance_holds_for_its_scope),
        cmocka_unit_test(other_scopes_go_on),
        cmocka_unit_test(the_largest_of_ten_backups_and_of_thirty_days_counts),
        cmocka_unit_test(damaged_and_void_ones_are_not_compared),
        cmocka_unit_test(imported_ones_raise_no_alarm_and_are_not_compared_with),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
