/* Every storage call of a backup and of a restore failed once, before and after its effect: no
 * failure is swallowed, and either the whole backup is there or none of it. */
#include "storage/read/backup_find.h"
#include "tests/fault/fixture.h"
#include "tests/support/drivers.h"

/* A repository of one good backup; the n-th call after that fails. */
static struct repo *
repo_with_fault(unsigned n, bool after, unsigned *calls)
{
    struct repo    *plain = fixture_repo_in_memory();
    struct err      e = ERR_INIT;
    struct repo    *r;
    struct storage *inner;
    struct storage *outer;

    assert_ok(fixture_backup(plain, 1, NULL, NULL, &e), &e);
    inner = plain->st;
    plain->st = NULL;
    repo_close(plain);
    /* Opening takes two calls: repo.1.json, and repo.2.json which is not there. */
    outer = storage_failing_new(inner, n == 0 ? 0 : n + 2, after, calls);
    r = repo_open_storage(outer, &e);
    assert_non_null(r);
    assert_int_equal(*calls, 2);
    return r;
}

/* Removing a run mark beside its label is the one thing that may fail with a warning only. */
static bool
only_the_mark_stayed(struct repo *r, const char *id)
{
    struct label      *l;
    struct err         e = ERR_INIT;
    struct object_info info;
    char              *key;
    bool               there;

    l = label_load(r, "shop", id, &e);
    assert_non_null(l);
    key = xasprintf("shop/runs/%s", l->run);
    there = storage_head(r->st, key, &info, &e) == 0;
    free(key);
    label_free(l);
    return there;
}

/* What a failed call left: nothing that is half there.  A backup may be whole when the fault
 * came after its label: then the run said so, and did not count on it. */
static void
assert_all_or_nothing(struct repo *r)
{
    struct backup_list list;
    struct err         e = ERR_INIT;

    assert_ok(backup_list_load(r, "shop", &list, &e), &e);
    assert_true(list.n == 1 || list.n == 2);
    for (size_t i = 0; i < list.n; i++) {
        assert_int_equal(list.v[i].state, BACKUP_COMMITTED);
        assert_ok(fixture_read(r, list.v[i].id, (unsigned)i + 1, &e), &e);
    }
    backup_list_free(&list);
}

static char *journals;

/* True as long as there was an n-th call. */
static bool
backup_with_a_fault_at(unsigned n, bool after, unsigned *swallowed)
{
    unsigned     calls = 0;
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX] = "";
    struct repo *r;
    int          rc;

    /* Each repository has the same id: what this host remembers of the one before is no memory
     * of this one. */
    fixture_remove(journals);
    journals = fixture_state();
    r = repo_with_fault(n, after, &calls);
    rc = fixture_backup(r, 2, id, NULL, &e);

    if (calls < n + 2) {
        assert_int_equal(rc, 0);
        repo_close(r);
        return false;
    }
    assert_all_or_nothing(r);
    if (rc == 0) {
        ++*swallowed;
        assert_true(after || only_the_mark_stayed(r, id));
    } else {
        assert_err(&e, ERR_IO, "injected fault");
    }
    /* And the next run succeeds. */
    assert_ok(fixture_backup(r, 2, id, NULL, &e), &e);
    assert_ok(fixture_read(r, id, 2, &e), &e);
    repo_close(r);
    return true;
}

static void
backup_with_a_fault_at_every_call(bool after)
{
    unsigned n = 1;
    unsigned swallowed = 0;

    while (backup_with_a_fault_at(n, after, &swallowed)) {
        n++;
    }
    assert_int_equal(swallowed, 1);
    assert_true(n > 10);
}

static void
a_backup_survives_a_fault_before_any_call(void **state)
{
    (void)state;
    backup_with_a_fault_at_every_call(false);
}

static void
a_backup_survives_a_fault_behind_any_call(void **state)
{
    (void)state;
    backup_with_a_fault_at_every_call(true);
}

/* What is said to be stored and is not: no backup counts on it, and the next one goes on. */
static void
a_put_that_was_only_said_to_happen_makes_no_backup(void **state)
{
    unsigned n = 0, calls, unnoticed = 0;
    bool     hit;

    (void)state;
    do {
        struct repo    *r = fixture_repo_in_memory();
        struct storage *honest = r->st;
        struct err      e = ERR_INIT;
        char            id[BACKUP_ID_MAX];
        int             rc;

        fixture_remove(journals);
        journals = fixture_state();
        assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
        calls = 0;
        r->st = storage_lying_new(honest, ++n, &calls);
        rc = fixture_backup(r, 2, id, NULL, &e);
        hit = calls >= n;
        if (rc == 0) {
            assert_ok(fixture_read(r, id, 2, &e), &e);
            unnoticed += hit;
        } else {
            assert_int_equal(e.kind, ERR_IO);
            assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 1);
        }
        if (hit) {
            assert_ok(fixture_backup(r, 2, id, NULL, &e), &e);
            assert_ok(fixture_read(r, id, 2, &e), &e);
        }
        repo_close(r);
    } while (hit);
    assert_int_equal(unnoticed, 1); /* the sign of life before the label */
    assert_true(n > FIXTURE_CHUNKS + 4);
}

static void
a_fault_while_reading_is_reported(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        unsigned      calls = 0;
        struct err    e = ERR_INIT;
        struct repo  *r = repo_with_fault(n, false, &calls);
        struct label *l = backup_find(r, "shop", NULL, 0, &e);
        int           rc = l == NULL ? -1 : fixture_read(r, l->id, 1, &e);

        if (calls < n + 2) {
            assert_int_equal(rc, 0);
            label_free(l);
            repo_close(r);
            assert_true(n > 6);
            return;
        }
        assert_int_equal(rc, -1);
        assert_err(&e, ERR_IO, "injected fault");
        label_free(l);
        repo_close(r);
    }
}

static void
a_fault_while_opening_is_reported(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 2; n++) {
        struct err      e = ERR_INIT;
        struct repo    *plain = fixture_repo_in_memory();
        struct storage *st = storage_failing_new(plain->st, n, false, NULL);

        plain->st = NULL;
        repo_close(plain);
        assert_null(repo_open_storage(st, &e));
        assert_err(&e, ERR_IO, "injected fault");
    }
}

static int
set_up(void **state)
{
    (void)state;
    journals = fixture_state();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fixture_remove(journals);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_backup_survives_a_fault_before_any_call, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_backup_survives_a_fault_behind_any_call, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_put_that_was_only_said_to_happen_makes_no_backup, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_fault_while_reading_is_reported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fault_while_opening_is_reported, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
