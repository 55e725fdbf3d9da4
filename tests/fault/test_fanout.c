/* fanout.h: one backup into several repositories, of which some fail, at any moment: the others
 * have it whole. */
#include "tests/fault/damage.h"
#include "tests/support/drivers.h"

#include <pthread.h>

enum { REPOS = 3 };

static char *state_dir;

static int
set_up(void **state)
{
    (void)state;
    state_dir = fixture_state();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fixture_remove(state_dir);
    return 0;
}

/* ---- a backup into n repositories ---- */

struct set {
    struct fanout_repo v[REPOS];
    size_t             n;
    char               id[BACKUP_ID_MAX];
};

static int
backup_into(struct set *s, unsigned seed, struct err *e)
{
    struct manifest *m = manifest_new();
    struct label    *l = fixture_label();
    struct fanout   *f = fixture_begin(s->v, s->n, 1, e);
    int              rc = -1;

    s->id[0] = '\0';
    if (f != NULL) {
        memcpy(s->id, fanout_backup_id(f), sizeof s->id);
        memcpy(m->fingerprint_key, fanout_fingerprint_key(f), sizeof m->fingerprint_key);
        m->has_fingerprint_key = true;
        rc = fixture_put(f, m, seed, e) == 0 ? fixture_commit(f, m, l, e) : -1;
    }
    fanout_end(f);
    manifest_free(m);
    label_free(l);
    for (size_t i = 0; i < s->n; i++) {
        assert_true((s->v[i].label != NULL) == (rc == 0 && s->v[i].failed.kind == ERR_NONE));
        label_free(s->v[i].label);
        s->v[i].label = NULL;
    }
    return rc;
}

static struct set
memory_set(size_t n)
{
    struct set s = {.n = n};

    for (size_t i = 0; i < n; i++) {
        s.v[i].repo = fixture_repo_number((unsigned)i);
    }
    return s;
}

static void
close_set(struct set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        repo_close(s->v[i].repo);
    }
}

/* Forget what failed before. */
static void
again(struct set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        s->v[i] = (struct fanout_repo){.repo = s->v[i].repo};
    }
}

/* ---- all is well ---- */

static void
one_backup_stands_in_every_repository(void **state)
{
    struct err       e = ERR_INIT;
    struct set       s = memory_set(REPOS);
    struct manifest *m[REPOS];

    (void)state;
    assert_ok(backup_into(&s, 1, &e), &e);
    for (size_t i = 0; i < REPOS; i++) {
        struct label *l = label_load(s.v[i].repo, "shop", s.id, &e);

        assert_non_null(l);
        assert_ok(fixture_read(s.v[i].repo, s.id, 1, &e), &e);
        assert_int_equal(s.v[i].stats.new_chunks, FIXTURE_CHUNKS);
        assert_int_equal(fixture_count_keys(s.v[i].repo, "shop/runs/"), 0);
        m[i] = manifest_load(s.v[i].repo, l, &e);
        assert_non_null(m[i]);
        /* Every repository names chunks by its own key, and all have the key of the
         * fingerprints. */
        assert_memory_equal(m[i]->fingerprint_key, fixture_naming(s.v[0].repo) + ID_KEY,
                            sizeof m[i]->fingerprint_key);
        assert_true(i == 0 || !chunk_name_equal(&m[i]->chunks[0].name, &m[0]->chunks[0].name));
        label_free(l);
    }
    for (size_t i = 0; i < REPOS; i++) {
        manifest_free(m[i]);
    }
    close_set(&s);
}

static void
each_gets_what_it_lacks(void **state)
{
    struct err e = ERR_INIT;
    struct set s = memory_set(2);

    (void)state;
    assert_ok(fixture_backup(s.v[1].repo, 1, NULL, NULL, &e), &e);
    assert_ok(backup_into(&s, 1, &e), &e);
    assert_int_equal(s.v[0].stats.new_chunks, FIXTURE_CHUNKS);
    assert_int_equal(s.v[1].stats.new_chunks, 0);
    assert_int_equal(s.v[1].stats.reused_chunks, FIXTURE_CHUNKS);
    assert_ok(fixture_read(s.v[0].repo, s.id, 1, &e), &e);
    assert_ok(fixture_read(s.v[1].repo, s.id, 1, &e), &e);
    close_set(&s);
}

static void
the_id_sorts_behind_the_newest_of_each(void **state)
{
    struct err e = ERR_INIT;
    struct set s = memory_set(2);
    char       before[BACKUP_ID_MAX];

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_ok(fixture_backup(s.v[i % 2].repo, 1, before, NULL, &e), &e);
        assert_ok(backup_into(&s, 1, &e), &e);
        assert_true(strcmp(before, s.id) < 0);
        again(&s);
    }
    close_set(&s);
}

enum { THREADS = 4, ROUNDS = 40 };

struct racer {
    struct fanout *f;
    int            number;
    bool           failed;
};

static void *
race(void *arg)
{
    struct racer *me = arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        char                raw[FIXTURE_CHUNK_BYTES];
        struct chunk_number chunk;
        struct err          e = ERR_INIT;

        fixture_fill(i, 1, raw);
        me->failed |= fanout_put(me->f, me->number, raw, sizeof raw, &chunk, &e) != 0;
    }
    return NULL;
}

static void
workers_with_the_same_content_store_it_once_everywhere(void **state)
{
    struct err       e = ERR_INIT;
    struct set       s = memory_set(REPOS);
    struct fanout   *f = fixture_begin(s.v, s.n, THREADS, &e);
    struct racer     racer[THREADS];
    pthread_t        t[THREADS];
    struct manifest *m = manifest_new();
    struct label    *l = fixture_label();

    (void)state;
    assert_non_null(f);
    for (int i = 0; i < THREADS; i++) {
        racer[i] = (struct racer){f, i, false};
        assert_int_equal(pthread_create(&t[i], NULL, race, &racer[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
        assert_false(racer[i].failed);
    }
    assert_ok(fixture_commit(f, m, l, &e), &e);
    fanout_end(f);
    for (size_t i = 0; i < REPOS; i++) {
        assert_int_equal(s.v[i].stats.new_chunks, ROUNDS);
        assert_int_equal(fixture_count_keys(s.v[i].repo, "shop/chunks/"), ROUNDS);
        label_free(s.v[i].label);
    }
    manifest_free(m);
    label_free(l);
    close_set(&s);
}

/* ---- one fails ---- */

/* A repository whose n-th call from now on fails; *calls counts them. */
static struct repo *
failing_repo(unsigned number, unsigned n, bool after, unsigned *calls)
{
    struct repo    *plain = fixture_repo_number(number);
    struct err      e = ERR_INIT;
    struct storage *st = plain->st;
    struct repo    *r;

    plain->st = NULL;
    repo_close(plain);
    /* Opening takes two calls. */
    r = repo_open_storage(storage_failing_new(st, n + 2, after, calls), &e);
    assert_non_null(r);
    return r;
}

/* Nothing, or all of it (when the fault came after the label). */
static void
assert_whole_or_nothing(struct repo *r, const char *id)
{
    struct err e = ERR_INIT;

    if (fixture_count(r, BACKUP_COMMITTED) > 0) {
        assert_ok(fixture_read(r, id, 1, &e), &e);
    }
    assert_int_equal(fixture_count(r, BACKUP_DAMAGED), 0);
}

/* The one at place `bad` fails at its n-th call.  True as long as there was an n-th call. */
static bool
one_fails_at(size_t bad, unsigned n, bool after)
{
    struct set s = memory_set(REPOS);
    struct err e = ERR_INIT;
    unsigned   calls = 0;
    bool       hit;

    repo_close(s.v[bad].repo);
    s.v[bad].repo = failing_repo((unsigned)bad, n, after, &calls);
    assert_ok(backup_into(&s, 1, &e), &e);
    hit = calls >= n + 2;
    for (size_t i = 0; i < REPOS; i++) {
        if (i != bad) {
            assert_int_equal(s.v[i].failed.kind, ERR_NONE);
            assert_ok(fixture_read(s.v[i].repo, s.id, 1, &e), &e);
            assert_int_equal(fixture_count_keys(s.v[i].repo, "shop/runs/"), 0);
        }
    }
    if (hit) {
        assert_whole_or_nothing(s.v[bad].repo, s.id);
    }
    if (hit && s.v[bad].failed.kind != ERR_NONE) {
        assert_err(&s.v[bad].failed, ERR_IO, "injected fault");
        assert_non_null(strstr(s.v[bad].failed.text, "repository"));
        /* The next run completes it. */
        again(&s);
        assert_ok(backup_into(&s, 1, &e), &e);
        assert_ok(fixture_read(s.v[bad].repo, s.id, 1, &e), &e);
    }
    close_set(&s);
    return hit;
}

static void
one_fails_at_every_call(size_t bad)
{
    for (int after = 0; after < 2; after++) {
        unsigned n = 1;

        while (one_fails_at(bad, n, after == 1)) {
            n++;
        }
        assert_true(n > 10);
    }
}

static void
the_first_fails_at_any_call_and_the_others_have_it(void **state)
{
    (void)state;
    one_fails_at_every_call(0);
}

static void
another_fails_at_any_call_and_the_others_have_it(void **state)
{
    (void)state;
    one_fails_at_every_call(1);
}

static void
one_that_was_never_there_is_left_out(void **state)
{
    struct set s = memory_set(2);
    struct err e = ERR_INIT;

    (void)state;
    repo_close(s.v[0].repo);
    s.v[0].repo = NULL;
    err_set(&s.v[0].failed, ERR_NOT_FOUND, "is not there");
    assert_ok(backup_into(&s, 1, &e), &e);
    assert_ok(fixture_read(s.v[1].repo, s.id, 1, &e), &e);
    assert_err(&s.v[0].failed, ERR_NOT_FOUND, "is not there");
    close_set(&s);
}

static void
all_fail_and_so_does_the_backup(void **state)
{
    struct err e = ERR_INIT;
    struct set s = {.n = 2};

    (void)state;
    for (unsigned n = 1; n < 20; n++) {
        unsigned calls[2] = {0, 0};

        again(&s);
        s.v[0].repo = failing_repo(0, n, false, &calls[0]);
        s.v[1].repo = failing_repo(1, n, false, &calls[1]);
        if (backup_into(&s, 1, &e) != 0) {
            assert_err(&e, ERR_IO, "injected fault");
            assert_int_equal(s.v[0].failed.kind, ERR_IO);
            assert_int_equal(s.v[1].failed.kind, ERR_IO);
        } else {
            assert_true(n > 10);
        }
        err_clear(&e);
        close_set(&s);
    }
}

static void
a_run_revoked_in_one_is_committed_in_the_other(void **state)
{
    struct set       s = memory_set(2);
    struct err       e = ERR_INIT;
    struct manifest *m = manifest_new();
    struct label    *l = fixture_label();
    struct fanout   *f = fixture_begin(s.v, s.n, 1, &e);
    char            *key;

    (void)state;
    assert_non_null(f);
    assert_ok(fixture_put(f, m, 1, &e), &e);
    key = xasprintf("shop/runs/%s.revoked", writer_run(s.v[0].writer));
    assert_ok(storage_put(s.v[0].repo->st, key, "{}\n", 3, &e), &e);
    free(key);
    assert_ok(fixture_commit(f, m, l, &e), &e);
    fanout_end(f);
    assert_err(&s.v[0].failed, ERR_BUSY, "revoked");
    assert_int_equal(fixture_count(s.v[0].repo, BACKUP_COMMITTED), 0);
    assert_int_equal(fixture_count(s.v[1].repo, BACKUP_COMMITTED), 1);
    assert_ok(fixture_read(s.v[1].repo, s.v[1].label->id, 1, &e), &e);
    label_free(s.v[1].label);
    manifest_free(m);
    label_free(l);
    close_set(&s);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_backup_stands_in_every_repository),
        TEST(each_gets_what_it_lacks),
        TEST(the_id_sorts_behind_the_newest_of_each),
        TEST(workers_with_the_same_content_store_it_once_everywhere),
        TEST(the_first_fails_at_any_call_and_the_others_have_it),
        TEST(another_fails_at_any_call_and_the_others_have_it),
        TEST(one_that_was_never_there_is_left_out),
        TEST(all_fail_and_so_does_the_backup),
        TEST(a_run_revoked_in_one_is_committed_in_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
