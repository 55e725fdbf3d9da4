/* policy.h: the words, their override by a database, and their place in the repository. */
#include "tests/fault/fixture.h"

#include "storage/retention/policy.h"
#include "tests/unit/retention_history.h"

static void
spans_are_written_as_restic_writes_them(void **state)
{
    static const struct {
        const char *text;
        struct span want;
        const char *back;
    } good[] = {
        {"7d", {.days = 7}, "7d"},
        {"1y5m7d2h", {.years = 1, .months = 5, .days = 7, .hours = 2}, "1y5m7d2h"},
        {"36h", {.hours = 36}, "36h"},
        {"2m1y", {.years = 1, .months = 2}, "1y2m"},
        {"0d", {0}, "0d"},
    };
    static const char *const bad[] = {"",     "d",   "7",   "7w",           "-1d", "7d7d",
                                      "1.5d", "7d ", " 7d", "99999999999d", "7D"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct span s;
        struct err  e = ERR_INIT;
        char        text[48];

        assert_ok(span_parse(good[i].text, &s, &e), &e);
        assert_memory_equal(&s, &good[i].want, sizeof s);
        assert_string_equal(span_text(&s, text, sizeof text), good[i].back);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct span s;
        struct err  e = ERR_INIT;

        assert_int_equal(span_parse(bad[i], &s, &e), -1);
        assert_err(&e, ERR_USAGE, "span of time");
    }
}

static void
every_key_takes_its_values_and_no_others(void **state)
{
    static const char *const bad[][2] = {
        {"keep-last", "-1"},     {"keep-last", ""},        {"keep-last", "3x"},
        {"keep-daily", "all"},   {"min-keep", "0"},        {"min-keep", "unlimited"},
        {"shrink-share", "1.1"}, {"shrink-share", "-0.1"}, {"shrink-share", "nan"},
        {"keep-within", "7"},    {"keep-last", "1000001"}, {"keep-fortnightly", "2"},
    };
    struct policy p = POLICY("keep-last", "unlimited", "keep-daily", "7", "keep-within-weekly",
                             "2m", "min-keep", "3", "shrink-share", "0.25");

    (void)state;
    assert_int_equal(p.keep[PERIOD_EACH], KEEP_ALL);
    assert_int_equal(p.keep[PERIOD_DAY], 7);
    assert_int_equal(p.within[PERIOD_WEEK].months, 2);
    assert_int_equal(p.min_keep, 3);
    assert_true(p.shrink_share == 0.25);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = ERR_INIT;

        assert_int_equal(policy_set(&p, bad[i][0], bad[i][1], &e), -1);
        assert_err(&e, ERR_USAGE, bad[i][0]);
    }
    for (size_t i = 0; policy_key(i) != NULL; i++) {
        char *text = policy_text(&p, i);
        bool  given = strstr("keep-last keep-daily keep-within-weekly min-keep shrink-share",
                             policy_key(i)) != NULL &&
            strcmp(policy_key(i), "keep-within") != 0;

        assert_int_equal(policy_given(&p, i), given);
        assert_int_equal(text != NULL, given);
        free(text);
    }
}

static void
nothing_set_keeps_everything(void **state)
{
    struct policy none = POLICY_INIT,
                  zero = POLICY("keep-last", "0", "min-keep", "5", "keep-within", "0d"),
                  some = POLICY("keep-within-yearly", "1y"), all = POLICY("keep-last", "unlimited");

    (void)state;
    assert_false(policy_expires(&none));
    assert_false(policy_expires(&zero));
    assert_true(policy_expires(&some));
    assert_true(policy_expires(&all));
    assert_int_equal(none.min_keep, 1);
}

static void
json_gives_back_what_was_set(void **state)
{
    struct policy p = POLICY("keep-last", "unlimited", "keep-daily", "7", "keep-within", "1y5m",
                             "min-keep", "2", "shrink-share", "0.1"),
                  back;
    struct err e = ERR_INIT;
    json_t    *o = policy_json(&p);

    (void)state;
    assert_int_equal(json_object_size(o), 5);
    assert_ok(policy_parse(o, &back, &e), &e);
    assert_memory_equal(&p, &back, sizeof p);
    (void)json_object_set_new(o, "keep_moonly", json_integer(3));
    assert_int_equal(policy_parse(o, &back, &e), -1);
    assert_err(&e, ERR_CORRUPT, "keep-moonly");
    json_decref(o);
    o = json_pack("{s:b}", "keep_last", 1);
    err_clear(&e);
    assert_int_equal(policy_parse(o, &back, &e), -1);
    assert_err(&e, ERR_CORRUPT, "keep_last");
    json_decref(o);
}

static struct repo *
again(struct repo *r)
{
    struct err      e = ERR_INIT;
    struct repo    *r2;
    struct storage *st = r->st;

    r->st = NULL;
    repo_close(r);
    r2 = repo_open_storage(st, &e);
    assert_non_null(r2);
    return r2;
}

static void
a_repository_remembers_and_a_database_overrides_single_keys(void **state)
{
    struct repo  *r = fixture_repo_in_memory();
    struct policy all = POLICY("keep-daily", "7", "keep-weekly", "4"),
                  shop = POLICY("keep-daily", "30"), p;
    struct err e = ERR_INIT;
    char       id[33];

    (void)state;
    memcpy(id, r->id, sizeof id);
    assert_ok(policy_store(r, NULL, &all, &e), &e);
    assert_ok(policy_store(r, "Shop", &shop, &e), &e);
    assert_int_equal(r->generation, 3);
    r = again(r);
    assert_int_equal(r->generation, 3);
    assert_string_equal(r->id, id);
    assert_ok(policy_load(r, "Shop", &p, &e), &e);
    assert_int_equal(p.keep[PERIOD_DAY], 30);
    assert_int_equal(p.keep[PERIOD_WEEK], 4);
    assert_ok(policy_load(r, "shop", &p, &e), &e);
    assert_int_equal(p.keep[PERIOD_DAY], 7);
    assert_ok(policy_load_own(r, "Shop", &p, &e), &e);
    assert_int_equal(p.keep[PERIOD_WEEK], 0);

    /* Cleared for the database: the repository's again. */
    assert_ok(policy_store(r, "Shop", &(struct policy)POLICY_INIT, &e), &e);
    r = again(r);
    assert_null(json_object_get(r->object, "database_policies"));
    assert_ok(policy_load(r, "Shop", &p, &e), &e);
    assert_int_equal(p.keep[PERIOD_DAY], 7);
    repo_close(r);
}

static void
two_who_change_the_policy_at_once_do_not_overwrite_each_other(void **state)
{
    struct repo  *r = fixture_repo_in_memory(), *other;
    struct policy p = POLICY("keep-last", "3"), q = POLICY("keep-last", "30");
    struct err    e = ERR_INIT;

    (void)state;
    other = repo_open_storage(r->st, &e);
    assert_non_null(other);
    assert_ok(policy_store(r, NULL, &p, &e), &e);
    assert_int_equal(policy_store(other, NULL, &q, &e), -1);
    assert_err(&e, ERR_EXISTS, "repo.2.json");
    other->st = NULL;
    repo_close(other);
    r = again(r);
    assert_ok(policy_load(r, NULL, &q, &e), &e);
    assert_int_equal(q.keep[PERIOD_EACH], 3);
    repo_close(r);
}

static void
a_policy_of_a_newer_program_stops_only_who_must_understand_it(void **state)
{
    struct repo  *r = fixture_repo_in_memory();
    json_t       *o = json_deep_copy(r->object);
    struct err    e = ERR_INIT;
    struct policy p;

    (void)state;
    (void)json_object_set_new(
        o, "policy",
        json_pack("{s:I, s:I}", "keep_last", (json_int_t)3, "keep_moonly", (json_int_t)2));
    assert_ok(repo_change(r, o, &e), &e);
    json_decref(o);
    r = again(r); /* opens */
    assert_int_equal(policy_load(r, "shop", &p, &e), -1);
    assert_err(&e, ERR_CORRUPT, "repo.2.json");
    repo_close(r);
}

/* A host that has seen nothing. */
static int
set_up(void **state)
{
    *state = fixture_state();
    return 0;
}

static int
tear_down(void **state)
{
    fixture_remove(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_written_as_restic_writes_them),
        cmocka_unit_test(every_key_takes_its_values_and_no_others),
        cmocka_unit_test(nothing_set_keeps_everything),
        cmocka_unit_test(json_gives_back_what_was_set),
        cmocka_unit_test_setup_teardown(a_repository_remembers_and_a_database_overrides_single_keys,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            two_who_change_the_policy_at_once_do_not_overwrite_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_policy_of_a_newer_program_stops_only_who_must_understand_it, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
