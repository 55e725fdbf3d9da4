/*
 * Chunks read ahead: each is what was written, in whatever order it is asked for, and a bad one is
 * the error of whoever asks for it, and of nobody else.
 */
#include "tests/fault/fixture.h"

#include "storage/read/readahead.h"

struct fixture {
    struct repo      *repo;
    struct label     *label;
    struct manifest  *manifest;
    struct readahead *chunks;
    char             *state;
};

static int
setup(void **ctx)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct err      e = ERR_INIT;
    char            id[BACKUP_ID_MAX];

    f->state = fixture_state();
    f->repo = fixture_repo_in_memory();
    assert_ok(fixture_backup(f->repo, 7, id, NULL, &e), &e);
    f->label = label_load(f->repo, "shop", id, &e);
    f->manifest = manifest_load(f->repo, f->label, &e);
    assert_non_null(f->manifest);
    assert_int_equal(f->manifest->n_chunks, FIXTURE_CHUNKS);
    f->chunks = readahead_new(f->repo, "shop", f->manifest);
    *ctx = f;
    return 0;
}

static int
teardown(void **ctx)
{
    struct fixture *f = *ctx;

    readahead_free(f->chunks);
    manifest_free(f->manifest);
    label_free(f->label);
    repo_close(f->repo);
    fixture_remove(f->state);
    free(f);
    return 0;
}

/* The fixture's chunks stand in the manifest in the order in which they were put. */
static void
check_chunk(struct fixture *f, uint32_t chunk)
{
    struct err        e = ERR_INIT;
    const struct buf *raw = readahead_get(f->chunks, chunk, &e);
    char              want[FIXTURE_CHUNK_BYTES];

    if (raw == NULL) {
        fail_msg("chunk %u: %s", chunk, e.text);
    }
    fixture_fill(7, chunk, want);
    assert_int_equal(raw->len, sizeof want);
    assert_memory_equal(raw->data, want, sizeof want);
}

static void
test_in_the_order_expected(void **ctx)
{
    const uint32_t  order[] = {2, 0, 1, 1, 3, 2};
    struct fixture *f = *ctx;

    for (int round = 0; round < 50; round++) {
        readahead_expect(f->chunks, order, sizeof order / sizeof *order);
        for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
            check_chunk(f, order[i]);
        }
    }
}

static void
test_in_another_order(void **ctx)
{
    const uint32_t  order[] = {0, 1, 2, 3};
    struct fixture *f = *ctx;
    unsigned        seed = 1;

    check_chunk(f, 3); /* nothing was expected */
    readahead_expect(f->chunks, order, 4);
    for (int i = 0; i < 200; i++) {
        seed = seed * 1103515245U + 12345U;
        check_chunk(f, seed >> 16U & 3U);
        if (i % 7 == 0) {
            readahead_expect(f->chunks, order, seed >> 20U & 3U);
        }
    }
}

static void
test_a_lost_chunk_is_who_asks_for_its(void **ctx)
{
    const uint32_t  order[] = {0, 1, 2, 3};
    struct fixture *f = *ctx;
    struct err      e = ERR_INIT;
    char           *key = chunk_key("shop", &f->manifest->chunks[2].name);
    struct buf      kept = BUF_INIT(MIB);

    assert_ok(storage_get(f->repo->st, key, &kept, &e), &e);
    assert_ok(storage_remove(f->repo->st, (const char *const *)&key, 1, &e), &e);
    readahead_expect(f->chunks, order, 4);
    check_chunk(f, 0);
    check_chunk(f, 1); /* the next one is being looked for meanwhile */
    assert_null(readahead_get(f->chunks, 2, &e));
    assert_err(&e, ERR_NOT_FOUND, key + strlen("shop/chunks/"));
    err_clear(&e);
    check_chunk(f, 3);
    assert_null(readahead_get(f->chunks, 2, &e));
    err_clear(&e);
    assert_ok(storage_put(f->repo->st, key, kept.data, kept.len, &e), &e);
    check_chunk(f, 2);
    buf_free(&kept);
    free(key);
}

static void
test_left_in_the_middle(void **ctx)
{
    const uint32_t  order[] = {0, 1, 2, 3};
    struct fixture *f = *ctx;

    readahead_expect(f->chunks, order, 4);
    check_chunk(f, 0); /* teardown comes while the next one is read */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_the_order_expected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_another_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_lost_chunk_is_who_asks_for_its, setup, teardown),
        cmocka_unit_test_setup_teardown(test_left_in_the_middle, setup, teardown),
    };

    return cmocka_run_group_tests_name("readahead", tests, NULL, NULL);
}
