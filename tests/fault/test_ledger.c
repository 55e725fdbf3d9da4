/* Every storage call of the ledger failed once: no record is half there, and none is missed because
 * something could not be read. */
#include "tests/fault/fixture.h"

#include "storage/repo/ledger.h"

enum { OPENING = 2, RECORDS = 3 }; /* repo.1.json, and repo.2.json, which is not there */

static const struct ledger_event scrubbed = {
    .event = "scrub", .verdict = "good", .good = true, .started = 1795000000};

/* Some records, of which one was taken away; the n-th call from then on fails (0: none). */
static struct repo *
with_fault(unsigned n, bool after, unsigned *calls)
{
    struct repo    *plain = fixture_repo_in_memory(), *r;
    struct storage *inner;
    struct ledger   l;
    struct err      e = ERR_INIT;
    char           *key;

    for (int i = 0; i < RECORDS; i++) {
        assert_ok(ledger_put(plain, "shop", &scrubbed, &e), &e);
    }
    assert_ok(ledger_load(plain, "shop", 0, 0, &l, &e), &e);
    assert_int_equal(l.n, RECORDS);
    key = xasprintf("shop/ledger/%s.json", l.v[1].name);
    assert_ok(storage_remove(plain->st, (const char *const *)&key, 1, &e), &e);
    free(key);
    ledger_free(&l);
    inner = plain->st;
    plain->st = NULL;
    repo_close(plain);
    *calls = 0;
    r = repo_open_storage(storage_failing_new(inner, n == 0 ? 0 : n + OPENING, after, calls), &e);
    assert_non_null(r);
    assert_int_equal(*calls, OPENING);
    return r;
}

static void
what_cannot_be_read_is_an_error_and_what_is_gone_is_missed(void **state)
{
    unsigned calls, n = 1;
    bool     hit = true;

    (void)state;
    for (; hit; n++) {
        struct repo  *r = with_fault(n, false, &calls);
        struct ledger l;
        struct err    e = ERR_INIT;
        int           rc = ledger_load(r, "shop", 0, 0, &l, &e);

        hit = calls >= n + OPENING;
        assert_int_equal(rc, hit ? -1 : 0);
        if (hit) {
            assert_err(&e, ERR_IO, "injected fault");
        } else {
            assert_int_equal(l.n, RECORDS - 1);
            assert_int_equal(l.missing.n, 1);
            assert_int_equal(l.strays.n, 0);
        }
        ledger_free(&l);
        repo_close(r);
    }
    assert_in_range(n, 4, 20); /* there was something to fail */
}

static void
a_record_is_there_whole_or_not_at_all(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++) {
        unsigned calls;
        bool     hit = true;

        for (unsigned n = 1; hit; n++) {
            struct repo  *r = with_fault(n, after, &calls);
            struct ledger l;
            struct err    e = ERR_INIT;
            int           rc = ledger_put(r, "shop", &scrubbed, &e);

            hit = calls >= n + OPENING;
            assert_int_equal(rc, hit ? -1 : 0);
            if (hit) {
                err_clear(&e);
                assert_ok(ledger_load(r, "shop", 0, 0, &l, &e), &e);
                assert_in_range(l.n, RECORDS - 1, RECORDS);
                for (size_t i = 0; i < l.n; i++) {
                    assert_non_null(l.v[i].o);
                }
                assert_int_equal(l.missing.n, 1);
                ledger_free(&l);
            }
            repo_close(r);
        }
    }
}

static int
set_state(void **state)
{
    *state = fixture_state();
    return 0;
}

static int
remove_state(void **state)
{
    fixture_remove(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_an_error_and_what_is_gone_is_missed,
                                        set_state, remove_state),
        cmocka_unit_test_setup_teardown(a_record_is_there_whole_or_not_at_all, set_state,
                                        remove_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
