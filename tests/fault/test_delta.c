/*
 * Deltas: what is put together is what was backed up, or an error that names the chunk; the list of
 * pieces reads back as it was written, and nothing else is one.
 */
#include "tests/fault/fixture.h"

#include "core/crypto/hash.h"
#include "storage/format/chunkusers.h"
#include "storage/format/delta.h"

/* ---- the list ---- */

static void
a_list_reads_back_as_it_was(void **state)
{
    struct delta_runs runs = {0}, back = {0};
    struct buf        text = BUF_INIT(MIB);
    struct err        e = ERR_INIT;

    (void)state;
    delta_runs_add(&runs, &(struct delta_run){0, 0, 100});
    delta_runs_add(&runs, &(struct delta_run){0, 100, 20}); /* continues the one before it */
    delta_runs_add(&runs, &(struct delta_run){1, 120, 7});
    delta_runs_add(&runs, &(struct delta_run){0, 120, 1});
    delta_runs_add(&runs, &(struct delta_run){0, 125, UINT32_MAX});
    assert_ok(delta_list_format(&runs, &text, &e), &e);
    assert_string_equal(buf_str(&text), "0 0 120\n1 120 7\n0 120 1\n0 125 4294967295\n");
    assert_ok(delta_list_parse(text.data, text.len, &back, &e), &e);
    assert_int_equal(back.n, runs.n);
    assert_memory_equal(back.v, runs.v, runs.n * sizeof *runs.v);
    delta_runs_free(&runs);
    delta_runs_free(&back);
    buf_free(&text);
}

static void
nothing_else_is_a_list(void **state)
{
    static const char *const bad[] = {
        "\n",        "0 0 1",     "0 0 0\n",  "0 0\n",    "0 0 1 \n", " 0 0 1\n",
        "0  0 1\n",  "00 0 1\n",  "0 01 1\n", "-1 0 1\n", "+1 0 1\n", "0 0 1\n0 4294967296 1\n",
        "0 0 1\r\n", "0 0 1\n\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct delta_runs runs = {0};
        struct err        e = ERR_INIT;

        if (delta_list_parse(bad[i], strlen(bad[i]), &runs, &e) == 0) {
            fail_msg("\"%s\" was accepted", bad[i]);
        }
        assert_err(&e, ERR_CORRUPT, "is not \"source offset length\"");
        delta_runs_free(&runs);
    }
}

/* ---- a backup with one ---- */

struct fixture {
    struct repo     *repo;
    struct manifest *m; /* of the backup, as read */
    struct label    *label;
    char            *state;
};

static const char base[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
static const char fresh[] = "FOUR\n";
static const char wanted[] = "one\ntwo\nthree\nFOUR\nfive\nsix\nseven\none\n";

/* Three chunks: a whole one, and one with new rows and this list. */
static int
back_up(struct repo *r, const char *list, char *id, struct err *e)
{
    struct fanout_repo     to = {.repo = r};
    struct fanout         *f = fixture_begin(&to, 1, 1, e);
    struct manifest       *m = manifest_new();
    struct label          *l = fixture_label();
    struct manifest_table *t = manifest_add_table(m);
    struct manifest_delta  d = {.raw_size = sizeof wanted - 1};
    char                  *own = xasprintf("%s%s", fresh, list);
    struct chunk_number    chunk[2];
    uint32_t               place[2];
    int                    rc;

    assert_non_null(f);
    assert_ok(fanout_put(f, 0, base, sizeof base - 1, &chunk[0], e), e);
    assert_ok(fanout_put(f, 0, own, strlen(own), &chunk[1], e), e);
    place[1] = manifest_add_chunk(m, chunk[1]);
    place[0] = manifest_add_chunk(m, chunk[0]);
    sha256_hex(wanted, sizeof wanted - 1, d.sha256);
    segment_add(&d.sources, &d.n, &d.cap, &(struct manifest_segment){place[0], 0, sizeof base - 1});
    segment_add(&d.sources, &d.n, &d.cap,
                &(struct manifest_segment){place[1], 0, sizeof fresh - 1});
    segment_add(&d.sources, &d.n, &d.cap,
                &(struct manifest_segment){place[1], sizeof fresh - 1, strlen(list)});
    t->schema = xstrdup("public");
    t->name = xstrdup("events");
    t->kind = 'r';
    t->persistence = 'p';
    t->ranges = xcalloc(1, sizeof *t->ranges);
    t->n_ranges = t->cap_ranges = 1;
    segment_add(&t->ranges[0].segments, &t->ranges[0].n, &t->ranges[0].cap,
                &(struct manifest_segment){manifest_add_delta(m, &d), 0, sizeof wanted - 1});
    t->bytes = sizeof wanted - 1;
    rc = fixture_commit(f, m, l, e);
    if (rc == 0) {
        memcpy(id, to.label->id, BACKUP_ID_MAX);
    }
    free(own);
    fanout_end(f);
    manifest_free(m);
    label_free(l);
    label_free(to.label);
    return rc;
}

static const char good_list[] = "0 0 14\n1 0 5\n0 19 15\n0 0 4\n";

static struct fixture
made(const char *list)
{
    struct fixture f = {.state = fixture_state(), .repo = fixture_repo_in_memory()};
    struct err     e = ERR_INIT;
    char           id[BACKUP_ID_MAX];

    assert_ok(back_up(f.repo, list, id, &e), &e);
    f.label = label_load(f.repo, "shop", id, &e);
    assert_non_null(f.label);
    f.m = manifest_load(f.repo, f.label, &e);
    if (f.m == NULL) {
        fail_msg("%s", e.text);
    }
    return f;
}

static void
unmade(struct fixture *f)
{
    manifest_free(f->m);
    label_free(f->label);
    repo_close(f->repo);
    fixture_remove(f->state);
}

static int
read_rows(struct fixture *f, struct buf *out, struct err *e)
{
    const struct manifest_range *r = &f->m->tables[0].ranges[0];

    return segments_read(f->repo, "shop", f->m, r->segments, r->n, out, e);
}

static void
what_is_put_together_is_what_was_backed_up(void **state)
{
    struct fixture f = made(good_list);
    struct buf     out = BUF_INIT(MIB);
    struct err     e = ERR_INIT;

    (void)state;
    assert_int_equal(f.m->n_deltas, 1);
    assert_int_equal(f.label->chunks, 2); /* so prune, scrub and copy know them */
    assert_ok(read_rows(&f, &out, &e), &e);
    assert_string_equal(buf_str(&out), wanted);
    buf_free(&out);
    unmade(&f);
}

/* By a writer's fault: the chunks are good, but not what they say. */
static void
a_list_that_does_not_add_up_is_refused(void **state)
{
    static const struct {
        const char *list, *says;
    } table[] = {
        {"0 0 14\n1 0 5\n0 19 15\n0 4 4\n", "is not what was backed up: the SHA-256 differs"},
        {"0 0 14\n1 0 5\n0 19 15\n", "have 34 bytes, not 38"},
        {"0 0 14\n1 0 5\n0 19 15\n0 0 5\n", "have 39 bytes, not 38"},
        {"0 0 14\n1 1 5\n0 19 15\n0 0 4\n", "piece 1 lies outside of its source"},
        {"0 0 14\n3 0 5\n0 19 15\n0 0 4\n", "piece 1 lies outside of its source"},
        {"0 0 14\n1 0 5\n0 99 15\n0 0 4\n", "piece 2 lies outside of its source"},
        {"0 0 14\nx\n", "line 2 is not"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct fixture f = made(table[i].list);
        struct buf     out = BUF_INIT(MIB);
        struct err     e = ERR_INIT;

        assert_int_equal(read_rows(&f, &out, &e), -1);
        assert_err(&e, ERR_CORRUPT, table[i].says);
        assert_err(&e, ERR_CORRUPT, "chunk \"1/");
        buf_free(&out);
        unmade(&f);
    }
}

static void
note_user(void *ctx, uint32_t chunk, const char *what)
{
    ((bool *)ctx)[chunk] = true;
    assert_string_equal(what, "public.events");
}

/* The whole one, then the one with the list, is gone: the error names it, and who is hurt. */
static void
a_lost_source_is_named_with_its_tables(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct fixture f = made(good_list);
        struct buf     out = BUF_INIT(MIB);
        struct err     e = ERR_INIT;
        char          *key = chunk_key("shop", &f.m->chunks[i].name);
        char           name[CHUNK_NAME_MAX];
        const bool     want[2] = {i == 0, i == 1};
        bool           told[2] = {false, false};

        (void)state;
        assert_ok(storage_remove(f.repo->st, (const char *const *)&key, 1, &e), &e);
        assert_int_equal(read_rows(&f, &out, &e), -1);
        assert_err(&e, ERR_NOT_FOUND, chunk_name_format(&f.m->chunks[i].name, name));
        chunkusers_trace(f.m, want, note_user, told);
        assert_true(told[i] && !told[1 - i]);
        free(key);
        buf_free(&out);
        unmade(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_reads_back_as_it_was),
        cmocka_unit_test(nothing_else_is_a_list),
        cmocka_unit_test(what_is_put_together_is_what_was_backed_up),
        cmocka_unit_test(a_list_that_does_not_add_up_is_refused),
        cmocka_unit_test(a_lost_source_is_named_with_its_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
