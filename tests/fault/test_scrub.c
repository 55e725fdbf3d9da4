/* scrub.h, condemned.h, damage.h: what is bad is found once a round, named, remembered, and
 * forgotten when it is good again. */
#include "tests/fault/damage.h"

#include <signal.h>
#include <sys/wait.h>

#include "core/cancel.h"
#include "storage/heal/scrub.h"
#include "storage/read/backup_find.h"
#include "storage/read/damage.h"
#include "storage/read/usedchunks.h"
#include "tests/support/drivers.h"

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

static const struct scrub_request everything = {.span = UINT64_MAX, .jobs = 2, .quiet = true};

/* One scrub; the caller frees it. */
static struct scrub
scrub(struct repo *r, const struct scrub_request *request)
{
    struct scrub s = {.repo = r, .db = "shop"};
    struct err   e = ERR_INIT;

    assert_ok(scrub_run(&s, request, &e), &e);
    return s;
}

static void
what_is_whole_is_good(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    struct scrub s;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    assert_ok(fixture_backup(r, 2, NULL, NULL, &e), &e);
    s = scrub(r, &everything);
    assert_true(scrub_good(&s));
    assert_int_equal(s.objects, 2 * FIXTURE_CHUNKS - 1);
    assert_int_equal(s.end, SCRUB_COMPLETE);
    assert_true(s.since > 0);
    assert_int_equal(fixture_count_keys(r, "shop/condemned/"), 0);
    assert_int_equal(fixture_count_keys(r, "shop/scrubs/"), 1);
    scrub_free(&s);
}

/* Seven nights of a seventh read each chunk exactly once, whatever lies where. */
static void
shares_make_a_round(void **state)
{
    struct repo         *r = *state;
    struct scrub_request seventh = everything;
    struct err           e = ERR_INIT;
    uint64_t             objects = 0;

    for (unsigned seed = 1; seed <= 10; seed++) {
        assert_ok(fixture_backup(r, seed, NULL, NULL, &e), &e);
    }
    seventh.span = UINT64_MAX / 7;
    for (int night = 1; night <= 7; night++) {
        struct scrub s = scrub(r, &seventh);

        assert_int_equal(s.end, SCRUB_SHARE);
        assert_true(s.objects < 20);
        assert_true((s.since > 0) == (night == 7));
        objects += s.objects;
        scrub_free(&s);
    }
    assert_int_equal(objects, 10 * (FIXTURE_CHUNKS - 1) + 1);
}

static void
a_limit_of_bytes_goes_on_where_it_ended(void **state)
{
    struct repo         *r = *state;
    struct scrub_request little = everything;
    struct err           e = ERR_INIT;
    unsigned             nights = 0;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    little.max_bytes = 1;
    for (time_t since = 0; since == 0; nights++) {
        struct scrub s = scrub(r, &little);

        assert_int_equal(s.objects, 1);
        since = s.since;
        scrub_free(&s);
        assert_in_range(nights, 0, FIXTURE_CHUNKS);
    }
    assert_in_range(nights, FIXTURE_CHUNKS, FIXTURE_CHUNKS + 1);
}

static void
a_bad_chunk_is_condemned_once_and_makes_its_backups_damaged(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];
    char        *key;
    struct scrub s;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    assert_ok(fixture_backup(r, 2, id, NULL, &e), &e);
    key = fixture_chunk(r, id, 1);
    fixture_flip(r, key);
    s = scrub(r, &everything);
    assert_false(scrub_good(&s));
    assert_int_equal(s.bad_names.n, 1);
    assert_int_equal(s.condemned, 1);
    assert_string_equal(s.bad[0].backups.v[0], id);
    assert_string_equal(s.bad[0].tables.v[0], "public.events");
    assert_int_equal(s.backups.v[0].state, BACKUP_COMMITTED);
    assert_int_equal(s.backups.v[1].state, BACKUP_DAMAGED);
    assert_int_equal(s.backups.v[1].lost_chunks, 1);
    scrub_free(&s);
    s = scrub(r, &everything);
    assert_int_equal(s.condemned, 0);
    assert_false(scrub_good(&s));
    scrub_free(&s);
    assert_int_equal(fixture_count_keys(r, "shop/condemned/"), 1);
    free(key);
}

/* What a scrub found stays known to those that read another part. */
static void
a_scrub_of_another_share_still_reports_the_damage(void **state)
{
    struct repo         *r = *state;
    struct scrub_request none = everything;
    struct err           e = ERR_INIT;
    char                 id[BACKUP_ID_MAX];
    char                *key;
    struct scrub         s;

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    key = fixture_chunk(r, id, 2);
    fixture_take_away(r, key);
    s = scrub(r, &everything);
    assert_true(s.bad[0].missing);
    scrub_free(&s);
    none.span = 0;
    s = scrub(r, &none);
    assert_int_equal(s.bad_names.n, 0);
    assert_false(scrub_good(&s));
    scrub_free(&s);
    free(key);
}

static void
what_is_good_again_is_acquitted(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];
    char        *key;
    struct scrub s;

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    key = fixture_chunk(r, id, 0);
    fixture_flip(r, key);
    s = scrub(r, &everything);
    assert_false(scrub_good(&s));
    scrub_free(&s);
    fixture_flip(r, key);
    s = scrub(r, &everything);
    assert_true(scrub_good(&s));
    assert_int_equal(s.acquitted, 1);
    scrub_free(&s);
    assert_int_equal(fixture_count_keys(r, "shop/condemned/"), 0);
    free(key);
}

/* One of two condemned chunks is good again: the list is written anew, and the other stays
 * condemned. */
static void
an_acquittal_leaves_the_others_condemned(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];
    char        *key[2];
    struct scrub s;

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    for (size_t i = 0; i < 2; i++) {
        key[i] = fixture_chunk(r, id, i);
        fixture_flip(r, key[i]);
    }
    s = scrub(r, &everything);
    assert_int_equal(s.condemned, 2);
    scrub_free(&s);
    fixture_flip(r, key[0]);
    s = scrub(r, &everything);
    assert_int_equal(s.acquitted, 1);
    assert_int_equal(s.backups.v[0].lost_chunks, 1);
    scrub_free(&s);
    for (size_t i = 0; i < 2; i++) {
        free(key[i]);
    }
}

/* A condemned chunk is stored anew by the next backup; then nothing is lost, unless that one is
 * bad too. */
static void
a_twin_heals_and_a_bad_twin_does_not(void **state)
{
    struct repo        *r = *state;
    struct err          e = ERR_INIT;
    char                id[BACKUP_ID_MAX];
    char                newer[BACKUP_ID_MAX];
    struct writer_stats stats;
    char               *key;
    char               *twin;
    struct scrub        s;

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    key = fixture_chunk(r, id, 3);
    fixture_flip(r, key);
    s = scrub(r, &everything);
    scrub_free(&s);
    assert_ok(fixture_backup(r, 1, newer, &stats, &e), &e);
    assert_int_equal(stats.new_chunks, 1);
    s = scrub(r, &everything);
    assert_true(scrub_good(&s));
    assert_true(s.bad[0].healed);
    scrub_free(&s);
    assert_ok(fixture_read(r, id, 1, &e), &e);
    twin = fixture_chunk(r, newer, 3);
    fixture_flip(r, twin);
    s = scrub(r, &everything);
    assert_int_equal(s.bad_names.n, 2);
    assert_int_equal(s.condemned, 1);
    assert_int_equal(s.backups.v[0].state, BACKUP_DAMAGED);
    assert_int_equal(s.backups.v[1].state, BACKUP_DAMAGED);
    scrub_free(&s);
    free(key);
    free(twin);
}

static void
a_bad_manifest_or_chunk_list_stays_known(void **state)
{
    static const char *const objects[] = {"manifest.json.zst", "chunks.zst"};
    struct repo             *r = *state;
    struct scrub_request     none = everything;
    struct err               e = ERR_INIT;

    none.span = 0;
    for (size_t i = 0; i < 2; i++) {
        char         id[BACKUP_ID_MAX];
        char        *key;
        struct scrub s;

        assert_ok(fixture_backup(r, (unsigned)i + 1, id, NULL, &e), &e);
        key = backup_key("shop", id, objects[i]);
        fixture_flip(r, key);
        s = scrub(r, &everything);
        assert_int_equal(s.condemned, 1);
        scrub_free(&s);
        s = scrub(r, &none);
        assert_false(scrub_good(&s));
        scrub_free(&s);
        fixture_flip(r, key);
        s = scrub(r, &everything);
        assert_true(scrub_good(&s));
        assert_int_equal(s.acquitted, 1);
        scrub_free(&s);
        free(key);
    }
}

/* ---- a prune at work meanwhile ---- */

static const struct storage_ops *inner_ops;
static char                     *vanishing[2]; /* a label and a chunk, when the chunk is read */

static int
get_but_vanish(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    if (strcmp(key, vanishing[1]) == 0) {
        (void)inner_ops->remove(st, (const char *const *)vanishing, 2, e);
    }
    return inner_ops->get(st, key, out, e);
}

/* What a backup that expires while it is read needed is not missed. */
static void
what_expired_meanwhile_is_not_missed(void **state)
{
    struct repo       *r = *state;
    struct storage_ops ops = *r->st->ops;
    struct err         e = ERR_INIT;
    char               id[BACKUP_ID_MAX];
    struct scrub       s;

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    vanishing[0] = backup_key("shop", id, "label.json");
    vanishing[1] = fixture_chunk(r, id, 1);
    inner_ops = r->st->ops;
    ops.get = get_but_vanish;
    r->st->ops = &ops;
    s = scrub(r, &everything);
    r->st->ops = inner_ops;
    assert_int_equal(s.bad_names.n, 0);
    assert_int_equal(s.condemned, 0);
    assert_int_equal(s.backups.n, 0);
    scrub_free(&s);
    free(vanishing[0]);
    free(vanishing[1]);
}

static void
the_newest_backup_is_refused_when_damaged_and_the_newest_good_one_named(void **state)
{
    struct repo  *r = *state;
    struct err    e = ERR_INIT;
    char          good[BACKUP_ID_MAX];
    char          bad[BACKUP_ID_MAX];
    char         *key;
    struct label *l;
    struct scrub  s;

    assert_ok(fixture_backup(r, 1, good, NULL, &e), &e);
    assert_ok(fixture_backup(r, 2, bad, NULL, &e), &e);
    key = fixture_chunk(r, bad, 1);
    fixture_flip(r, key);
    s = scrub(r, &everything);
    scrub_free(&s);
    assert_null(backup_find(r, "shop", "latest", 0, &e));
    assert_err(&e, ERR_CORRUPT, bad);
    assert_err(&e, ERR_CORRUPT, "public.events");
    assert_non_null(strstr(e.hint, good));
    err_clear(&e);
    /* Named, it is given: other tables of it are whole. */
    l = backup_find(r, "shop", bad, 0, &e);
    assert_non_null(l);
    label_free(l);
    free(key);
}

/* Nobody knows what it condemned: when everything has been read again it may go. */
static void
an_unreadable_list_goes_with_a_whole_round(void **state)
{
    struct repo         *r = *state;
    struct scrub_request half = everything;
    struct err           e = ERR_INIT;
    struct scrub         s;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    assert_ok(storage_put(r->st, "shop/condemned/20261121T000000Z-0000", "garbage\n", 8, &e), &e);
    half.span = UINT64_MAX / 2;
    s = scrub(r, &half);
    scrub_free(&s);
    assert_int_equal(fixture_count_keys(r, "shop/condemned/"), 1);
    s = scrub(r, &everything);
    scrub_free(&s);
    assert_int_equal(fixture_count_keys(r, "shop/condemned/"), 0);
}

/* A lost label takes its backup out of the list: it is not forgotten silently. */
static void
a_lost_label_is_noticed(void **state)
{
    struct repo       *r = *state;
    struct err         e = ERR_INIT;
    struct backup_list list;
    char               id[BACKUP_ID_MAX];
    char              *label;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    assert_ok(fixture_backup(r, 2, id, NULL, &e), &e);
    label = backup_key("shop", id, "label.json");
    fixture_take_away(r, label);
    assert_ok(backup_list_load(r, "shop", &list, &e), &e);
    assert_int_equal(list.n, 1);
    assert_int_equal(list.unlabelled.n, 1);
    assert_string_equal(list.unlabelled.v[0], id);
    backup_list_free(&list);
    free(label);
}

/* The listing shows what no scrub has seen yet. */
static void
a_check_sees_what_is_missing_or_has_another_size(void **state)
{
    struct repo       *r = *state;
    struct err         e = ERR_INIT;
    struct backup_list list;
    char               id[BACKUP_ID_MAX];
    char               other[BACKUP_ID_MAX];
    char              *list_key;
    char              *key[2];

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    for (size_t i = 0; i < 2; i++) {
        key[i] = fixture_chunk(r, id, i + 1);
    }
    fixture_take_away(r, key[0]);
    fixture_cut(r, key[1]);
    assert_ok(fixture_backup(r, 5, other, NULL, &e), &e);
    list_key = backup_key("shop", other, "chunks.zst");
    fixture_flip(r, list_key);
    free(list_key);
    assert_ok(backup_list_load(r, "shop", &list, &e), &e);
    assert_ok(backup_list_check(r, "shop", &list, false, &e), &e);
    assert_int_equal(list.v[0].state, BACKUP_COMMITTED);
    assert_ok(backup_list_check(r, "shop", &list, true, &e), &e);
    assert_int_equal(list.v[0].state, BACKUP_DAMAGED);
    assert_int_equal(list.v[0].lost_chunks, 2);
    assert_int_equal(list.v[1].state, BACKUP_DAMAGED);
    assert_non_null(strstr(list.v[0].problem, "public.events"));
    backup_list_free(&list);
    for (size_t i = 0; i < 2; i++) {
        free(key[i]);
    }
}

/* ---- trouble on the way ---- */

static int
refuse_put(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    (void)st;
    (void)blob;
    return err_set(e, ERR_AUTH, "\"%s\": read-only", key);
}

/* What cannot be written can still be read: only what must be condemned fails. */
static void
a_store_that_cannot_be_written_is_scrubbed(void **state)
{
    struct repo       *r = *state;
    struct storage_ops ops = *r->st->ops;
    struct err         e = ERR_INIT;
    char               id[BACKUP_ID_MAX];
    char              *key;
    struct scrub       s;

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    inner_ops = r->st->ops;
    ops.put = refuse_put;
    r->st->ops = &ops;
    s = scrub(r, &everything);
    assert_true(scrub_good(&s));
    assert_int_equal(s.objects, FIXTURE_CHUNKS);
    scrub_free(&s);
    r->st->ops = inner_ops;
    key = fixture_chunk(r, id, 1);
    fixture_flip(r, key);
    r->st->ops = &ops;
    s = (struct scrub){.repo = r, .db = "shop"};
    assert_int_equal(scrub_run(&s, &everything, &e), -1);
    assert_err(&e, ERR_AUTH, "condemned/");
    scrub_free(&s);
    r->st->ops = inner_ops;
    free(key);
}

/* Each call to the store fails once: the scrub fails, or its result is right; and the next one
 * finds what there is. */
static void
no_fault_of_the_store_hides_damage(void **state)
{
    (void)state;
    for (unsigned n = 1, calls = n; calls >= n; n++) {
        struct repo *r = fixture_repo_in_memory();
        struct err   e = ERR_INIT;
        char         id[BACKUP_ID_MAX];
        char        *key;
        struct scrub s = {.repo = r, .db = "shop"};

        assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
        key = fixture_chunk(r, id, 2);
        fixture_flip(r, key);
        calls = 0;
        r->st = storage_failing_new(r->st, n, false, &calls);
        if (scrub_run(&s, &everything, &e) == 0) {
            assert_false(scrub_good(&s));
        } else {
            assert_err(&e, ERR_IO, "injected fault");
        }
        scrub_free(&s);
        if (calls >= n) {
            unsigned made = calls;

            s = scrub(r, &everything);
            assert_false(scrub_good(&s));
            assert_int_equal(s.bad_names.n, 1);
            assert_true(s.since > 0);
            scrub_free(&s);
            assert_in_range(fixture_count_keys(r, "shop/condemned/"), 1, 2);
            calls = made;
        }
        free(key);
        repo_close(r);
    }
}

static unsigned chunks_read;

static int
get_until_terminated(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    if (strstr(key, "/chunks/") != NULL && ++chunks_read == 3) {
        (void)raise(SIGTERM);
    }
    return inner_ops->get(st, key, out, e);
}

/* In a process of its own, as the signal is remembered for ever.  0: all is as it should be. */
static int
interrupted(struct repo *r)
{
    struct storage_ops   ops = *r->st->ops;
    struct scrub_request one = {.span = UINT64_MAX, .jobs = 1, .quiet = true};
    struct scrub         s = {.repo = r, .db = "shop"};
    struct err           e = ERR_INIT;
    struct strlist       records;

    cancel_install();
    inner_ops = r->st->ops;
    ops.get = get_until_terminated;
    r->st->ops = &ops;
    if (scrub_run(&s, &one, &e) != 0 || s.end != SCRUB_INTERRUPTED) {
        return 1;
    }
    if (s.bad_names.n == 0 || s.condemned == 0 || s.since != 0 ||
        fixture_count_keys(r, "shop/condemned/") != 1) {
        return 2;
    }
    records = fixture_keys_with(r, "shop/scrubs/", "");
    return records.n == 1 ? 0 : 3;
}

static void
an_interrupted_scrub_keeps_what_it_learned(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];
    int          status;
    pid_t        pid;

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    for (size_t i = 0; i < FIXTURE_CHUNKS; i++) {
        char *key = fixture_chunk(r, id, i);

        fixture_flip(r, key);
        free(key);
    }
    pid = fork();
    if (pid == 0) {
        _exit(interrupted(r));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* Slices laid end to end hold everything once, round the ring's end too. */
static void
slices_cover_the_ring_once(void **state)
{
    static const uint64_t places[] = {0,         1, UINT64_MAX / 3, UINT64_MAX / 2, UINT64_MAX - 1,
                                      UINT64_MAX};
    struct usedchunks_slice a = {UINT64_MAX - 5, 10};
    struct usedchunks_slice b = {5, UINT64_MAX - 11};

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_true(usedchunks_slice_holds(&a, places[i]) != usedchunks_slice_holds(&b, places[i]));
        assert_true(usedchunks_slice_holds(&(struct usedchunks_slice){places[i] + 1, UINT64_MAX},
                                           places[i]));
    }
}

#define SCRUB_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SCRUB_TEST(what_is_whole_is_good),
        SCRUB_TEST(shares_make_a_round),
        SCRUB_TEST(a_limit_of_bytes_goes_on_where_it_ended),
        SCRUB_TEST(a_bad_chunk_is_condemned_once_and_makes_its_backups_damaged),
        SCRUB_TEST(a_scrub_of_another_share_still_reports_the_damage),
        SCRUB_TEST(what_is_good_again_is_acquitted),
        SCRUB_TEST(an_acquittal_leaves_the_others_condemned),
        SCRUB_TEST(a_twin_heals_and_a_bad_twin_does_not),
        SCRUB_TEST(a_bad_manifest_or_chunk_list_stays_known),
        SCRUB_TEST(what_expired_meanwhile_is_not_missed),
        SCRUB_TEST(the_newest_backup_is_refused_when_damaged_and_the_newest_good_one_named),
        SCRUB_TEST(an_unreadable_list_goes_with_a_whole_round),
        SCRUB_TEST(a_lost_label_is_noticed),
        SCRUB_TEST(a_check_sees_what_is_missing_or_has_another_size),
        SCRUB_TEST(a_store_that_cannot_be_written_is_scrubbed),
        SCRUB_TEST(no_fault_of_the_store_hides_damage),
        SCRUB_TEST(an_interrupted_scrub_keeps_what_it_learned),
        cmocka_unit_test(slices_cover_the_ring_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
