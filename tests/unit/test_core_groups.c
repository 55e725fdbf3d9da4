/*
 * test_core_groups.c - things in groups, and groups in shares.
 */
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include "core/groups.h"
#include "tests/support/cmocka.h"

enum { THINGS = 64 };

static void
a_group_is_known_by_its_first_thing(void **state)
{
    struct groups g = groups_new(6);

    (void)state;
    groups_join(&g, 5, 3);
    groups_join(&g, 4, 4);
    groups_join(&g, 1, 5);
    assert_int_equal(groups_first(&g, 0), 0);
    assert_int_equal(groups_first(&g, 1), 1);
    assert_int_equal(groups_first(&g, 2), 2);
    assert_int_equal(groups_first(&g, 3), 1);
    assert_int_equal(groups_first(&g, 4), 4);
    assert_int_equal(groups_first(&g, 5), 1);
    groups_free(&g);
}

/* The oracle writes each member anew. */
static void
any_pairs_make_the_groups_that_they_should(void **state)
{
    struct groups g = groups_new(THINGS);
    size_t        want[THINGS];

    (void)state;
    for (size_t i = 0; i < THINGS; i++) {
        want[i] = i;
    }
    for (size_t n = 0; n < THINGS; n++) {
        size_t i = n * 37 % THINGS, j = (n * n * 11 + 5) % THINGS, from, to;

        groups_join(&g, i, j);
        from = want[i] < want[j] ? want[j] : want[i];
        to = want[i] < want[j] ? want[i] : want[j];
        for (size_t k = 0; k < THINGS; k++) {
            want[k] = want[k] == from ? to : want[k];
        }
        for (size_t k = 0; k < THINGS; k++) {
            assert_int_equal(groups_first(&g, k), want[k]);
        }
    }
    groups_free(&g);
}

static void
shares_hold_whole_groups_up_to_a_size(void **state)
{
    /* Of 2, 1, 4, 1, 2 things; 9 is in none. */
    static const size_t group[] = {0, 0, 9, 1, 2, 2, 3, 2, 2, 4, 4};
    static const size_t want[] = {0, 0, 1, 2, 2};
    size_t              shares, *share = groups_share(group, 11, 5, 3, &shares);

    (void)state;
    assert_int_equal(shares, 3);
    assert_memory_equal(share, want, sizeof want);
    free(share);
    share = groups_share(group, 0, 0, 3, &shares);
    assert_int_equal(shares, 0);
    free(share);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_known_by_its_first_thing),
        cmocka_unit_test(any_pairs_make_the_groups_that_they_should),
        cmocka_unit_test(shares_hold_whole_groups_up_to_a_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
