/*
 * A bundle, with every call to the store and every write of its own failing once: no failure is
 * swallowed, and what is said to be whole is the same as ever.
 */
#include "tests/fault/fixture.h"

#include "storage/exchange/bundle.h"

struct fixture {
    struct repo  *repo;
    struct label *label;
    char         *state;
};

/* Where a bundle goes; the fail_at-th write fails (0: none). */
struct sink {
    struct buf bytes;
    unsigned   writes, fail_at;
};

static int
setup(void **ctx)
{
    struct fixture    *f = xcalloc(1, sizeof *f);
    struct err         e = ERR_INIT;
    struct fanout_repo to;
    struct manifest   *m = manifest_new();
    struct label      *l = fixture_label();
    struct fanout     *out;

    f->state = fixture_state();
    f->repo = fixture_repo_in_memory();
    to = (struct fanout_repo){.repo = f->repo};
    out = fixture_begin(&to, 1, 1, &e);
    assert_ok(fixture_put(out, m, 7, &e), &e);
    m->tables[0].rows = m->tables[0].ranges[0].rows = 5;
    assert_ok(fixture_commit(out, m, l, &e), &e);
    f->label = to.label;
    fanout_end(out);
    manifest_free(m);
    label_free(l);
    *ctx = f;
    return 0;
}

static int
teardown(void **ctx)
{
    struct fixture *f = *ctx;

    label_free(f->label);
    repo_close(f->repo);
    fixture_remove(f->state);
    free(f);
    return 0;
}

static int
take(void *ctx, const void *data, size_t n, struct err *e)
{
    struct sink *s = ctx;

    assert_true(s->fail_at == 0 || s->writes < s->fail_at); /* never again after a failure */
    return ++s->writes == s->fail_at ? err_set(e, ERR_IO, "the sink is full")
                                     : buf_append(&s->bytes, data, n, e);
}

static int export(struct fixture *f, struct sink *s, bool zstd, struct err *e)
{
    struct bundle *b = bundle_plan(f->repo, f->label, e);
    int            rc = b == NULL ? -1 : bundle_write(b, take, s, zstd, e);

    bundle_free(b);
    return rc;
}

static struct sink
whole(struct fixture *f, bool zstd)
{
    struct sink s = {.bytes = BUF_INIT(MIB)};
    struct err  e = ERR_INIT;

    assert_ok(export(f, &s, zstd, &e), &e);
    return s;
}

static void
every_call_to_the_store_fails_once(void **ctx)
{
    struct fixture *f = *ctx;
    struct sink     want = {.bytes = BUF_INIT(MIB)};
    struct err      e = ERR_INIT;
    unsigned        calls = 0;

    f->repo->st = storage_failing_new(f->repo->st, 0, false, &calls);
    assert_ok(export(f, &want, false, &e), &e);
    assert_true(calls > FIXTURE_CHUNKS); /* the manifest, too */
    for (unsigned n = 1, last = calls; n <= last; n++) {
        struct sink s = {.bytes = BUF_INIT(MIB)};

        f->repo->st = storage_failing_new(f->repo->st, n, false, NULL);
        assert_int_equal(export(f, &s, false, &e), -1);
        assert_err(&e, ERR_IO, "injected fault");
        err_clear(&e);
        assert_ok(export(f, &s, false, &e), &e); /* and the next one is whole */
        assert_true(s.bytes.len >= want.bytes.len);
        assert_memory_equal(s.bytes.data + s.bytes.len - want.bytes.len, want.bytes.data,
                            want.bytes.len);
        buf_free(&s.bytes);
    }
    buf_free(&want.bytes);
}

static void
every_write_fails_once(void **ctx)
{
    for (int zstd = 0; zstd < 2; zstd++) {
        struct sink want = whole(*ctx, zstd == 1);

        for (unsigned n = 1; n <= want.writes; n++) {
            struct sink s = {.bytes = BUF_INIT(MIB), .fail_at = n};
            struct err  e = ERR_INIT;

            assert_int_equal(export(*ctx, &s, zstd == 1, &e), -1);
            assert_err(&e, ERR_IO, "the sink is full");
            assert_int_equal(s.writes, n);
            buf_free(&s.bytes);
        }
        buf_free(&want.bytes);
    }
}

static void
a_file_of_another_size_than_was_said_is_an_error(void **ctx)
{
    struct sink     s = {.bytes = BUF_INIT(MIB)};
    struct err      e = ERR_INIT;
    struct tarball *t = tarball_new(&(struct tarball_to){.write = take, .ctx = &s, .time = 1}, &e);

    (void)ctx;
    assert_non_null(t);
    assert_ok(tarball_file(t, "a", 3, false, &e), &e);
    assert_ok(tarball_data(t, "ab", 2, &e), &e);
    assert_int_equal(tarball_data(t, "cd", 2, &e), -1);
    assert_err(&e, ERR_IO, "\"a\" is longer");
    err_clear(&e);
    assert_int_equal(tarball_file(t, "b", 0, false, &e), -1);
    assert_err(&e, ERR_IO, "\"a\" is shorter");
    err_clear(&e);
    assert_int_equal(tarball_end(t, &e), -1);
    assert_err(&e, ERR_IO, "\"a\" is shorter");
    tarball_free(t);
    buf_free(&s.bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_call_to_the_store_fails_once, setup, teardown),
        cmocka_unit_test_setup_teardown(every_write_fails_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_of_another_size_than_was_said_is_an_error, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
