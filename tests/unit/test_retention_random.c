/* retention_rules.h: what must hold for any history and any policy, tried on many of both.
 * RETENTION_SEED repeats one. */
#include "tests/unit/retention_history.h"

#include <inttypes.h>

enum { ROUNDS = 4000, BACKUPS_MAX = 40 };

static uint64_t seed, state64;

static unsigned
any(unsigned below)
{
    state64 ^= state64 << 13;
    state64 ^= state64 >> 7;
    state64 ^= state64 << 17;
    return (unsigned)(state64 >> 33) % below;
}

static bool
one_in(unsigned n)
{
    return any(n) == 0;
}

static void
random_policy(struct policy *p)
{
    char       text[16];
    struct err e = ERR_INIT;

    *p = (struct policy)POLICY_INIT;
    for (size_t i = 0; policy_key(i) != NULL; i++) {
        bool span = strncmp(policy_key(i), "keep-within", strlen("keep-within")) == 0;

        if (!one_in(3)) {
            continue;
        }
        if (strcmp(policy_key(i), "shrink-share") == 0) {
            (void)snprintf(text, sizeof text, "0.%u", any(10));
        } else {
            (void)snprintf(text, sizeof text, "%u%s", 1 + any(6),
                           span ? (one_in(2) ? "d" : "m") : "");
        }
        assert_ok(policy_set(p, policy_key(i), text, &e), &e);
    }
}

static void
random_history(struct history *h, unsigned most)
{
    static const char *const scopes[] = {"full", "full", "full", "0123456789abcdef"};
    time_t                   at = DAY_2026(0);
    unsigned                 n = any(most + 1);

    for (unsigned i = 0; i < n; i++) {
        struct retention_item *x;

        at += one_in(3) ? 3600 * (time_t)any(6) : 86400 * (time_t)any(one_in(10) ? 90 : 3);
        history_add(h, at + 1);
        x = &h->items[h->n - 1];
        x->scope = scopes[any(4)];
        x->state = one_in(6) ? (one_in(2) ? RETENTION_DAMAGED : RETENTION_VOID) : RETENTION_GOOD;
        x->rows = one_in(12) ? any(60) : 60 + any(60);
        x->bytes = 10 * x->rows;
        x->proven = one_in(6);
        x->pinned = one_in(12);
        x->locked = one_in(20);
    }
    if (n > 0 && one_in(4)) {
        history_accept(h, scopes[any(4)], h->items[any(n)].id);
    }
}

static bool
good(const struct retention_item *x)
{
    return x->state == RETENTION_GOOD;
}

/* What may never be removed, found in another way than by the code under test. */
static void
protected_ones_stay(const struct history *h, const struct policy *p)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct retention_item *x = &h->items[i];
        bool                         proven_later = false;
        int                          later = 0;

        for (size_t k = i + 1; k < h->n; k++) {
            if (good(&h->items[k]) && strcmp(h->items[k].scope, x->scope) == 0) {
                later++;
                proven_later |= h->items[k].proven;
            }
        }
        if (good(x) &&
            (later < p->min_keep || (x->proven && !proven_later) || x->pinned || x->locked ||
             !policy_expires(p))) {
            assert_int_not_equal(x->why, 0);
        }
        if (x->state == RETENTION_VOID) {
            assert_int_equal(x->why, 0);
        }
        if (x->state == RETENTION_DAMAGED && (x->pinned || x->locked)) {
            assert_int_not_equal(x->why, 0);
        }
    }
}

/* keep-last N keeps N, when there are so many. */
static void
promised_numbers_are_there(const struct history *h, const struct policy *p)
{
    int left = p->keep[PERIOD_EACH];

    for (size_t i = h->n; i-- > 0;) {
        if (good(&h->items[i]) && strcmp(h->items[i].scope, "full") == 0 && left-- > 0) {
            assert_int_not_equal(h->items[i].why, 0);
        }
    }
}

/* A copy without the i-th backup, or with only those that stay. */
static void
copy_without(const struct history *h, size_t without, bool only_kept, struct history *out)
{
    *out = (struct history){.r = {.n_baselines = h->r.n_baselines}};
    memcpy(out->baselines, h->baselines, sizeof h->baselines);
    out->items = xcalloc(h->n + 1, sizeof *out->items);
    for (size_t i = 0; i < h->n; i++) {
        if (i != without && (!only_kept || h->items[i].why != 0)) {
            out->items[out->n++] = h->items[i];
        }
    }
}

/* Nothing changes when the same prune runs again; no alarm is silenced by what was removed. */
static void
a_second_time_changes_nothing(const struct history *h, const struct policy *p)
{
    struct history again;

    copy_without(h, SIZE_MAX, true, &again);
    history_apply(&again, p);
    for (size_t i = 0; i < again.n; i++) {
        assert_int_not_equal(again.items[i].why, 0);
    }
    for (size_t i = 0; i < h->r.n_alarms; i++) {
        bool still = false;

        for (size_t k = 0; k < again.r.n_alarms; k++) {
            still |= strcmp(h->r.alarms[i].since, again.r.alarms[k].since) == 0;
        }
        assert_true(still);
    }
    history_free(&again);
}

/* Neither a bad backup nor one of another scope makes a good one go. */
static void
what_does_not_count_pushes_nobody_out(const struct history *h, const struct policy *p)
{
    for (size_t i = 0; i < h->n; i++) {
        struct history less;

        copy_without(h, i, false, &less);
        history_apply(&less, p);
        for (size_t k = 0, m = 0; k < h->n; k++) {
            if (k == i) {
                continue;
            }
            if (!good(&h->items[i]) || strcmp(h->items[i].scope, h->items[k].scope) != 0) {
                assert_int_equal(good(&h->items[k]) ? less.items[m].why : 0,
                                 good(&h->items[k]) ? h->items[k].why : 0);
            }
            m++;
        }
        history_free(&less);
    }
}

static void
in_any_history(void (*check)(const struct history *, const struct policy *), unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        struct history h = {0};
        struct policy  p;

        state64 = (seed + i) * 0x9e3779b97f4a7c15 + 1;
        random_policy(&p);
        random_history(&h, BACKUPS_MAX);
        history_apply(&h, &p);
        check(&h, &p);
        history_free(&h);
    }
}

static void
protected_backups_stay(void **state)
{
    (void)state;
    in_any_history(protected_ones_stay, ROUNDS);
}

static void
as_many_stay_as_promised(void **state)
{
    (void)state;
    in_any_history(promised_numbers_are_there, ROUNDS);
}

static void
pruning_twice_is_pruning_once(void **state)
{
    (void)state;
    in_any_history(a_second_time_changes_nothing, ROUNDS);
}

static void
only_good_backups_of_a_scope_push_each_other_out(void **state)
{
    (void)state;
    in_any_history(what_does_not_count_pushes_nobody_out, ROUNDS / 4);
}

/* Night after night: what stays of a year of daily backups is what the rules promise. */
static void
a_year_of_nights_ends_as_promised(void **state)
{
    struct policy  p = POLICY("keep-daily", "7", "keep-weekly", "5", "keep-monthly", "12");
    struct history h = {0};

    (void)state;
    for (int day = 0; day < 730; day++) {
        struct history left;

        history_add(&h, DAY_2026(day) + 2 * 3600);
        h.r.now = h.items[h.n - 1].time + 600;
        history_apply(&h, &p);
        copy_without(&h, SIZE_MAX, true, &left);
        memcpy(h.items, left.items, left.n * sizeof *left.items);
        h.n = left.n;
        for (size_t i = 0; i < h.n; i++) { /* the ids move with the items */
            memmove(h.ids[i], left.items[i].id, sizeof *h.ids);
        }
        h.n_ids = h.n;
        history_free(&left);
    }
    /* 31 December 2027 back: 7 days, 5 weeks of which one lies in the days, 12 months of which
     * one does. */
    assert_in_range(h.n, 7 + 4 + 10, 7 + 4 + 12);
    assert_int_equal(period_of(PERIOD_MONTH, h.items[0].time),
                     period_of(PERIOD_MONTH, DAY_2026(365 + 15)));
    history_free(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protected_backups_stay),
        cmocka_unit_test(as_many_stay_as_promised),
        cmocka_unit_test(pruning_twice_is_pruning_once),
        cmocka_unit_test(only_good_backups_of_a_scope_push_each_other_out),
        cmocka_unit_test(a_year_of_nights_ends_as_promised),
    };
    const char *given = getenv("RETENTION_SEED");

    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("RETENTION_SEED=%" PRIu64 "\n", seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
