/* writer.h and reader.h: what is reused, resumed, void, and what happens when two do it at once. */
#include "tests/fault/damage.h"

#include <pthread.h>

#include "storage/format/chunkname.h"
#include "storage/read/backup_find.h"
#include "storage/repo/blocklist.h"

static char *state_dir;

static int
set_up(void **state)
{
    *state = fixture_repo_in_memory();
    state_dir = fixture_state();
    return 0;
}

static int
tear_down(void **state)
{
    repo_close(*state);
    fixture_remove(state_dir);
    return 0;
}

static void
what_is_backed_up_reads_back(void **state)
{
    struct repo        *r = *state;
    struct err          e = ERR_INIT;
    char                id[BACKUP_ID_MAX];
    struct writer_stats stats;

    assert_ok(fixture_backup(r, 1, id, &stats, &e), &e);
    assert_ok(fixture_read(r, id, 1, &e), &e);
    assert_int_equal(stats.new_chunks, FIXTURE_CHUNKS);
    assert_int_equal(stats.reused_chunks, 0);
    assert_int_equal(fixture_count_keys(r, "shop/runs/"), 0);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 1);
}

static void
an_unchanged_chunk_is_stored_once(void **state)
{
    struct repo        *r = *state;
    struct err          e = ERR_INIT;
    char                id[BACKUP_ID_MAX];
    struct writer_stats stats;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    assert_ok(fixture_backup(r, 1, id, &stats, &e), &e);
    assert_int_equal(stats.new_chunks, 0);
    assert_int_equal(stats.reused_chunks, FIXTURE_CHUNKS);
    assert_ok(fixture_backup(r, 2, id, &stats, &e), &e);
    assert_int_equal(stats.new_chunks, FIXTURE_CHUNKS - 1);
    assert_int_equal(stats.reused_chunks, 1);
    assert_ok(fixture_read(r, id, 2, &e), &e);
}

static void
ids_ascend_within_a_second(void **state)
{
    struct err e = ERR_INIT;
    char       before[BACKUP_ID_MAX] = "";
    char       id[BACKUP_ID_MAX];

    for (int i = 0; i < 20; i++) {
        assert_ok(fixture_backup(*state, 1, id, NULL, &e), &e);
        assert_true(strcmp(before, id) < 0);
        assert_true(backup_id_valid(id));
        memcpy(before, id, sizeof before);
    }
}

/* A backup of n chunks through a store whose put() number `lie` is one in name only (0: none);
 * *calls counts what failing.c counts. */
static int
backup_of(unsigned n, unsigned lie, unsigned *calls, struct err *e)
{
    struct repo       *r = fixture_repo_number(n);
    struct fanout_repo to = {.repo = r};
    struct manifest   *m = manifest_new();
    struct label      *l = fixture_label();
    struct fanout     *f;
    int                rc = 0;

    *calls = 0;
    r->st = lie == 0 ? storage_failing_new(r->st, 0, false, calls)
                     : storage_lying_new(r->st, lie, calls);
    f = fixture_begin(&to, 1, 1, e);
    assert_non_null(f);
    for (unsigned i = 0; rc == 0 && i < n; i++) {
        struct chunk_number chunk;
        char                text[32];

        (void)snprintf(text, sizeof text, "content %u", i);
        rc = fanout_put(f, 0, text, strlen(text), &chunk, e);
        (void)manifest_add_chunk(m, chunk);
    }
    rc = rc != 0 ? rc : fixture_commit(f, m, l, e);
    fanout_end(f);
    manifest_free(m);
    label_free(l);
    label_free(to.label);
    repo_close(r);
    return rc;
}

/* Each more costs its put(), and no question of its own. */
static void
that_many_chunks_are_there_is_seen_in_one_listing(void **state)
{
    struct err e = ERR_INIT;
    unsigned   few, many;

    (void)state;
    assert_ok(backup_of(20, 0, &few, &e), &e);
    assert_ok(backup_of(60, 0, &many, &e), &e);
    assert_int_equal(many - few, 40);
    assert_int_equal(backup_of(60, 30, &many, &e), -1);
    assert_err(&e, ERR_IO, "is not there, although");
}

/* ---- reuse, rule by rule: after the change, chunk 0 must be stored anew ---- */

static char *
first_chunk(struct repo *r)
{
    struct strlist keys = fixture_keys_with(r, "shop/chunks/", "");
    char          *key = xstrdup(keys.v[0]);

    strlist_free(&keys);
    return key;
}

static void
assert_stored_anew(struct repo *r, size_t chunks)
{
    struct err          e = ERR_INIT;
    char                id[BACKUP_ID_MAX];
    struct writer_stats stats;

    assert_ok(fixture_backup(r, 1, id, &stats, &e), &e);
    assert_int_equal(stats.new_chunks, chunks);
    assert_ok(fixture_read(r, id, 1, &e), &e);
}

static void
a_missing_chunk_is_stored_anew(void **state)
{
    struct err e = ERR_INIT;
    char      *key;

    assert_ok(fixture_backup(*state, 1, NULL, NULL, &e), &e);
    key = first_chunk(*state);
    fixture_take_away(*state, key);
    free(key);
    assert_stored_anew(*state, 1);
}

static void
a_chunk_of_another_size_is_stored_anew(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char        *key;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    key = first_chunk(r);
    fixture_take_away(r, key);
    assert_ok(storage_put(r->st, key, "cut", 3, &e), &e);
    free(key);
    assert_stored_anew(r, 1);
}

static void
put_namelist(struct repo *r, const char *type)
{
    struct err     e = ERR_INIT;
    struct strlist names = {0};
    char          *key = first_chunk(r);
    char          *list = xasprintf("shop/%s/20261121T021500Z-0123456789abcdef", type);

    strlist_add(&names, key + strlen("shop/chunks/"));
    assert_ok(blocklist_write(r, list, type, &names, &e), &e);
    strlist_free(&names);
    free(list);
    free(key);
}

static void
a_chunk_in_the_trash_is_stored_anew(void **state)
{
    struct err e = ERR_INIT;

    assert_ok(fixture_backup(*state, 1, NULL, NULL, &e), &e);
    put_namelist(*state, "trash");
    assert_stored_anew(*state, 1);
}

static void
a_condemned_chunk_is_stored_anew_and_then_reused(void **state)
{
    struct err e = ERR_INIT;

    assert_ok(fixture_backup(*state, 1, NULL, NULL, &e), &e);
    put_namelist(*state, "condemned");
    assert_stored_anew(*state, 1);
    assert_stored_anew(*state, 0);
}

static void
an_unreadable_trash_list_lets_nothing_be_reused(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    assert_ok(storage_put(r->st, "shop/trash/20261121T000000Z", "{\"format\":9", 11, &e), &e);
    assert_stored_anew(r, FIXTURE_CHUNKS);
}

static void
another_epoch_is_not_reused(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    (void)json_object_set_new(r->object, "epoch", json_integer(2));
    keyring_free(r->keys);
    assert_ok(keyring_open(NULL, &r->keys, &e), &e);
    assert_ok(keyring_bind(r->keys, repo_signed(r), r->object, r->id, &e), &e);
    r->epoch = 2;
    assert_stored_anew(r, FIXTURE_CHUNKS);
}

static void
what_only_a_void_backup_names_is_not_reused(void **state)
{
    struct repo  *r = *state;
    struct err    e = ERR_INIT;
    char          id[BACKUP_ID_MAX];
    struct label *l;
    char         *key;

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    l = label_load(r, "shop", id, &e);
    assert_non_null(l);
    key = xasprintf("shop/runs/%s.revoked", l->run);
    assert_ok(storage_put(r->st, key, "{}\n", 3, &e), &e);
    assert_int_equal(fixture_count(r, BACKUP_VOID), 1);
    assert_null(backup_find(r, "shop", NULL, 0, &e));
    assert_err(&e, ERR_NOT_FOUND, "no whole backup");
    assert_null(backup_find(r, "shop", id, 0, &e));
    assert_err(&e, ERR_CORRUPT, "void");
    assert_stored_anew(r, FIXTURE_CHUNKS);
    free(key);
    label_free(l);
}

static void
an_untrusted_chunk_is_not_reused(void **state)
{
    struct repo   *r = *state;
    struct err     e = ERR_INIT;
    struct strlist keys;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    keys = fixture_keys_with(r, "shop/backups/", "");
    assert_ok(storage_remove(r->st, (const char *const *)keys.v, keys.n, &e), &e);
    strlist_free(&keys);
    assert_stored_anew(r, FIXTURE_CHUNKS);
}

static void
the_full_backups_chunks_are_reused_after_a_partial_one(void **state)
{
    struct repo       *r = *state;
    struct err         e = ERR_INIT;
    struct fanout_repo to = {.repo = r};
    struct fanout     *f;
    struct manifest   *m = manifest_new();
    struct label      *l = fixture_label();
    struct label      *latest;
    char               id[BACKUP_ID_MAX];

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    f = fixture_begin(&to, 1, 1, &e);
    assert_non_null(f);
    free(l->scope);
    l->scope = xstrdup("0123456789abcdef");
    assert_ok(fixture_commit(f, m, l, &e), &e);
    fanout_end(f);
    label_free(to.label);
    latest = backup_find(r, "shop", "latest", 0, &e);
    assert_non_null(latest);
    assert_string_equal(latest->id, id);
    assert_stored_anew(r, 0);
    label_free(latest);
    label_free(l);
    manifest_free(m);
}

/* ---- interruptions ---- */

static void
an_interrupted_run_is_resumed(void **state)
{
    struct repo       *r = *state;
    struct err         e = ERR_INIT;
    struct fanout_repo to = {.repo = r};
    struct fanout     *f = fixture_begin(&to, 1, 1, &e);
    struct manifest   *m = manifest_new();

    assert_non_null(f);
    assert_ok(fixture_put(f, m, 1, &e), &e);
    fanout_end(f);
    manifest_free(m);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 0);
    assert_int_equal(fixture_count_keys(r, "shop/runs/"), 0);
    assert_stored_anew(r, 0);
}

static void
a_torn_journal_line_is_no_harm(void **state)
{
    struct repo *r = *state;
    char        *path;
    FILE        *f;

    an_interrupted_run_is_resumed(state);
    path = xasprintf("%s/%s/shop.journal", state_dir, r->id);
    f = fopen(path, "a");
    assert_non_null(f);
    assert_true(fputs("rubbish\n1/ab/0123 5 5\n1/43/430b9560fc5f9f4b4239d9d", f) >= 0);
    assert_int_equal(fclose(f), 0);
    free(path);
    assert_stored_anew(r, 0);
}

static void
a_journal_that_cannot_be_kept_stops_nothing(void **state)
{
    assert_int_equal(setenv("PGASSAY_STATE_DIR", "/proc/nothing", 1), 0);
    assert_stored_anew(*state, FIXTURE_CHUNKS);
}

static void
a_revoked_run_does_not_commit(void **state)
{
    struct repo       *r = *state;
    struct err         e = ERR_INIT;
    struct fanout_repo to = {.repo = r};
    struct fanout     *f = fixture_begin(&to, 1, 1, &e);
    struct manifest   *m = manifest_new();
    struct label      *l = fixture_label();
    char              *key;

    assert_non_null(f);
    assert_ok(fixture_put(f, m, 1, &e), &e);
    key = xasprintf("shop/runs/%s.revoked", writer_run(to.writer));
    assert_ok(storage_put(r->st, key, "{}\n", 3, &e), &e);
    assert_int_equal(fixture_commit(f, m, l, &e), -1);
    assert_err(&e, ERR_BUSY, "revoked");
    fanout_end(f);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 0);
    manifest_free(m);
    label_free(l);
    free(key);
}

/* Neither does the writer give it a name, nor does it commit what is encoded otherwise. */
static void
assert_foreign(struct writer *w, struct chunk_number chunk)
{
    struct encoded       manifest = {.raw_size = 0};
    struct writer_backup b = {.chunks = &chunk, .n = 1, .manifest = &manifest};
    struct label        *l = fixture_label();
    struct chunk_ref     ref;
    struct err           e = ERR_INIT;

    assert_int_equal(writer_refs(w, &chunk, 1, &ref, &e), -1);
    assert_err(&e, ERR_CORRUPT, "which this run did not store");
    err_clear(&e);
    assert_int_equal(writer_commit(w, &b, l, &e), -1);
    assert_err(&e, ERR_CORRUPT, "which this run did not store");
    label_free(l);
}

static void
a_backup_with_a_foreign_chunk_is_not_committed(void **state)
{
    struct repo          *r = *state;
    struct err            e = ERR_INIT;
    struct writer_options o = {.db = "shop", .threads = 1};
    struct writer        *w;
    struct chunk_number   claimed;
    bool                  missing;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    w = writer_begin(r, &o, &e);
    assert_non_null(w);
    assert_foreign(w, (struct chunk_number){7});
    /* Reusable, but nobody asked for it. */
    assert_true(writer_known(w)->n > 0);
    assert_foreign(w, (struct chunk_number){0});
    /* Claimed, but never sent. */
    claimed = writer_claim(w, (const uint8_t *)"a content that nobody has in here", &missing);
    assert_true(missing);
    assert_foreign(w, claimed);
    writer_end(w);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 1);
}

/* ---- at once ---- */

enum { THREADS = 4, ROUNDS = 40 };

struct racer {
    struct fanout      *f;
    int                 number;
    bool                failed;
    struct chunk_number first;
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
        if (fanout_put(me->f, me->number, raw, sizeof raw, &chunk, &e) != 0) {
            me->failed = true;
            return NULL;
        }
        if (i == 0) {
            me->first = chunk;
        }
    }
    return NULL;
}

static void
workers_with_the_same_content_store_it_once(void **state)
{
    struct repo       *r = *state;
    struct err         e = ERR_INIT;
    struct fanout_repo to = {.repo = r};
    struct fanout     *f = fixture_begin(&to, 1, THREADS, &e);
    struct racer       racer[THREADS];
    pthread_t          t[THREADS];
    struct manifest   *m = manifest_new();
    struct label      *l = fixture_label();

    assert_non_null(f);
    for (int i = 0; i < THREADS; i++) {
        racer[i] = (struct racer){.f = f, .number = i};
        assert_int_equal(pthread_create(&t[i], NULL, race, &racer[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
        assert_false(racer[i].failed);
        assert_int_equal(racer[i].first.n, racer[0].first.n);
    }
    assert_ok(fixture_commit(f, m, l, &e), &e);
    assert_int_equal(to.stats.new_chunks, ROUNDS);
    assert_int_equal(fixture_count_keys(r, "shop/chunks/"), ROUNDS);
    fanout_end(f);
    manifest_free(m);
    label_free(l);
    label_free(to.label);
}

static void
two_writers_at_once_both_commit(void **state)
{
    struct repo       *r = *state;
    struct err         e = ERR_INIT;
    struct fanout_repo to[2] = {{.repo = r}, {.repo = r}};
    struct fanout     *f[2];
    struct manifest   *m[2];
    struct label      *l = fixture_label();

    for (int i = 0; i < 2; i++) {
        f[i] = fixture_begin(&to[i], 1, 1, &e);
        m[i] = manifest_new();
        assert_non_null(f[i]);
    }
    for (int i = 0; i < 2; i++) {
        assert_ok(fixture_put(f[i], m[i], 1, &e), &e);
    }
    for (int i = 0; i < 2; i++) {
        assert_ok(fixture_commit(f[i], m[i], l, &e), &e);
        assert_ok(fixture_read(r, to[i].label->id, 1, &e), &e);
        fanout_end(f[i]);
        manifest_free(m[i]);
    }
    assert_string_not_equal(to[0].label->id, to[1].label->id);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 2);
    assert_int_equal(fixture_count_keys(r, "shop/chunks/"), 2 * FIXTURE_CHUNKS);
    label_free(to[0].label);
    label_free(to[1].label);
    label_free(l);
}

/* ---- reading ---- */

static void
a_twin_of_a_bad_chunk_is_read_instead(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];
    char        *key;

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    key = first_chunk(r);
    put_namelist(r, "condemned");
    assert_stored_anew(r, 1);
    fixture_take_away(r, key);
    assert_ok(fixture_read(r, id, 1, &e), &e);
    free(key);
}

static void
latest_and_at_find_what_they_should(void **state)
{
    struct repo  *r = *state;
    struct err    e = ERR_INIT;
    char          a[BACKUP_ID_MAX];
    char          b[BACKUP_ID_MAX];
    struct label *l;

    assert_null(backup_find(r, "shop", NULL, 0, &e));
    assert_err(&e, ERR_NOT_FOUND, "no backup of \"shop\"");
    assert_ok(fixture_backup(r, 1, a, NULL, &e), &e);
    assert_ok(fixture_backup(r, 2, b, NULL, &e), &e);
    l = backup_find(r, "shop", NULL, 0, &e);
    assert_string_equal(l->id, b);
    label_free(l);
    l = backup_find(r, "shop", a, 0, &e);
    assert_string_equal(l->id, a);
    label_free(l);
    l = backup_find(r, "shop", NULL, time(NULL) + 10, &e);
    assert_string_equal(l->id, b);
    label_free(l);
    assert_null(backup_find(r, "shop", NULL, time(NULL) - 1000, &e));
    assert_err(&e, ERR_NOT_FOUND, "as old as");
    a[8] = '\0'; /* both are of this day */
    assert_null(backup_find(r, "shop", a, 0, &e));
    assert_int_equal(e.kind, ERR_USAGE);
    err_clear(&e);
    a[3] = '\0';
    assert_null(backup_find(r, "shop", a, 0, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_null(backup_find(r, "sho", NULL, 0, &e));
}

static void
assert_found(struct repo *r, const char *which, time_t at, const char *id)
{
    struct err    e = ERR_INIT;
    struct label *l = backup_find(r, "shop", which, at, &e);

    assert_ok(l == NULL ? -1 : 0, &e);
    assert_string_equal(l->id, id);
    label_free(l);
}

/* What --replace has dropped is what somebody wanted to be rid of. */
static void
safety_backups_are_passed_over_unless_named(void **state)
{
    static const char replaced[] = "before it was replaced by 20261121T021500Z-4f2a";
    struct repo      *r = *state;
    struct err        e = ERR_INIT;
    char              dropped[BACKUP_ID_MAX], a[BACKUP_ID_MAX], b[BACKUP_ID_MAX];
    char              safety[BACKUP_ID_MAX], earlier[BACKUP_ID_MAX + 2];

    assert_ok(fixture_backup_noted(r, 1, replaced, dropped, NULL, &e), &e);
    assert_found(r, NULL, 0, dropped); /* there is nothing else */
    assert_null(backup_find(r, "shop", "latest~1", 0, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    err_clear(&e);
    assert_ok(fixture_backup_noted(r, 2, "before it was replaced by hand", a, NULL, &e), &e);
    assert_found(r, NULL, 0, a); /* a note that somebody wrote */
    assert_ok(fixture_backup_noted(r, 3, replaced, safety, NULL, &e), &e);
    assert_found(r, NULL, 0, a);
    assert_found(r, "latest", 0, a);
    assert_found(r, NULL, time(NULL) + 10, a);
    assert_found(r, safety, 0, safety);
    (void)snprintf(earlier, sizeof earlier, "%s~1", safety);
    assert_found(r, earlier, 0, a);
    assert_null(backup_find(r, "shop", "latest~1", 0, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    err_clear(&e);
    assert_ok(fixture_backup(r, 4, b, NULL, &e), &e);
    assert_found(r, NULL, 0, b);
    assert_found(r, "latest~1", 0, a);
}

static void
a_name_stands_for_one_database_until_adopted(void **state)
{
    struct repo       *r = *state;
    struct err         e = ERR_INIT;
    char               name[] = "shop";
    struct repo_source a = {
        .system_identifier = 7000000000000000001u, .database_oid = 16384, .dbname = name};
    struct repo_source b = {
        .system_identifier = 7000000000000000002u, .database_oid = 16385, .dbname = name};
    struct repo_source is;
    struct strlist     names = {0};

    assert_int_equal(source_load(r, "Shop 1", &is, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_ok(source_bind(r, "Shop 1", &a, false, &e), &e);
    assert_ok(source_bind(r, "Shop 1", &a, false, &e), &e);
    assert_int_equal(source_bind(r, "Shop 1", &b, false, &e), -1);
    assert_int_equal(e.kind, ERR_EXISTS);
    assert_non_null(strstr(e.hint, "--adopt"));
    assert_ok(source_bind(r, "Shop 1", &b, true, &e), &e);
    assert_ok(source_load(r, "Shop 1", &is, &e), &e);
    assert_true(is.system_identifier == b.system_identifier && is.database_oid == 16385);
    source_free(&is);
    assert_ok(repo_databases(r, &names, &e), &e);
    assert_int_equal(names.n, 1);
    assert_string_equal(names.v[0], "Shop 1");
    strlist_free(&names);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_backed_up_reads_back),
        TEST(an_unchanged_chunk_is_stored_once),
        TEST(that_many_chunks_are_there_is_seen_in_one_listing),
        TEST(ids_ascend_within_a_second),
        TEST(a_missing_chunk_is_stored_anew),
        TEST(a_chunk_of_another_size_is_stored_anew),
        TEST(a_chunk_in_the_trash_is_stored_anew),
        TEST(a_condemned_chunk_is_stored_anew_and_then_reused),
        TEST(an_unreadable_trash_list_lets_nothing_be_reused),
        TEST(another_epoch_is_not_reused),
        TEST(what_only_a_void_backup_names_is_not_reused),
        TEST(an_untrusted_chunk_is_not_reused),
        TEST(the_full_backups_chunks_are_reused_after_a_partial_one),
        TEST(an_interrupted_run_is_resumed),
        TEST(a_torn_journal_line_is_no_harm),
        TEST(a_journal_that_cannot_be_kept_stops_nothing),
        TEST(a_revoked_run_does_not_commit),
        TEST(a_backup_with_a_foreign_chunk_is_not_committed),
        TEST(workers_with_the_same_content_store_it_once),
        TEST(two_writers_at_once_both_commit),
        TEST(a_twin_of_a_bad_chunk_is_read_instead),
        TEST(latest_and_at_find_what_they_should),
        TEST(safety_backups_are_passed_over_unless_named),
        TEST(a_name_stands_for_one_database_until_adopted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
