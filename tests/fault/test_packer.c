/*
 * test_packer.c - readers fill buffers, other threads make chunks of them, and each reader is told
 * its own.
 */
#include "tests/fault/fixture.h"

#include <pthread.h>

#include "backup/packer.h"

enum { READERS = 6, CHUNKS = 400, TEXT = 64 };

struct reader {
    pthread_t      thread;
    struct packer *p;
    size_t         number, tickets[CHUNKS];
};

static size_t
text_of(size_t reader, size_t chunk, char out[TEXT])
{
    return (size_t)snprintf(out, TEXT, "chunk %zu of reader %zu", chunk, reader);
}

static void *
read_on(void *arg)
{
    struct reader *r = arg;
    struct err     e = ERR_INIT;
    char           text[TEXT];

    for (size_t i = 0; i < CHUNKS; i++) {
        struct parcel *b = packer_take(r->p, &e);

        assert_non_null(b);
        assert_int_equal(b->raw.len, 0);
        assert_ok(buf_append(&b->raw, text, text_of(r->number, i, text), &e), &e);
        b->at = (struct deltas_place){.schema = "public", .name = "a", .ordinal = (uint32_t)i};
        r->tickets[i] = packer_put(r->p, b);
    }
    return NULL;
}

static void
each_reader_is_told_its_own_chunks(void **state)
{
    char                 *dir = fixture_state();
    struct repo          *repo = fixture_repo_in_memory();
    struct fanout_repo    to = {.repo = repo};
    struct err            e = ERR_INIT;
    struct fanout        *f = fixture_begin(&to, 1, READERS, &e);
    struct deltas_options o = {
        .db = "shop", .fingerprint_key = fanout_fingerprint_key(f), .whole = true};
    struct deltas *d = deltas_begin(f, &o);
    struct packer *p = packer_new(d, READERS);
    struct reader  readers[READERS];
    char           text[TEXT];

    (void)state;
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.p = p, .number = i};
        pthread_create(&readers[i].thread, NULL, read_on, &readers[i]);
    }
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
    }
    assert_ok(packer_finish(p, &e), &e);
    for (size_t i = 0; i < READERS; i++) {
        for (size_t k = 0; k < CHUNKS; k++) {
            struct chunk_number same; /* the same bytes are the same chunk */

            assert_ok(fanout_put(f, 0, text, text_of(i, k, text), &same, &e), &e);
            assert_int_equal(packer_placed(p, readers[i].tickets[k])->chunk.n, same.n);
        }
    }
    packer_free(p);
    deltas_end(d);
    fanout_end(f);
    repo_close(repo);
    fixture_remove(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reader_is_told_its_own_chunks),
    };

    return cmocka_run_group_tests_name("packer", tests, NULL, NULL);
}
