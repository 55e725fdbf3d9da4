/*
 * Object Lock and older versions, on a real S3 server: what an intruder with the right to write and
 * remove can do, and how it is undone.
 */
#include "tests/fault/fixture.h"

#include "core/human.h"
#include "storage/contract/location.h"
#include "storage/contract/object_lock.h"
#include "storage/contract/versions.h"
#include "storage/drivers/s3/call.h"
#include "storage/drivers/s3/s3.h"
#include "storage/heal/undelete.h"
#include "tests/unit/s3_server.h"

static struct s3_server server;
static char            *state_dir;

static int
start(void **state)
{
    (void)state;
    state_dir = fixture_state();
    return s3_server_start(&server, "plain kept:lock");
}

static int
stop(void **state)
{
    (void)state;
    s3_server_stop(&server);
    fixture_remove(state_dir);
    return 0;
}

/* A repository, or NULL with the error; option NULL: none beside the server's. */
static struct repo *
open_with(const char *location, const char *option, bool init, struct err *e)
{
    struct strlist          options = {0};
    struct storage_location place = {.location = location, .given.options = &options};
    struct repo            *r = NULL;

    for (size_t i = 0; i < server.options[0].n; i++) {
        strlist_add(&options, server.options[0].v[i]);
    }
    if (option != NULL) {
        strlist_add(&options, option);
    }
    if (option != NULL && strncmp(option, "object-lock=", strlen("object-lock=")) == 0) {
        strlist_add(&options, "object-lock-days=10");
    }
    if (!init || repo_init(&place, e) == 0) {
        r = repo_open(&place, e);
    }
    strlist_free(&options);
    return r;
}

static struct repo *
must_open(const char *location, const char *option, bool init)
{
    struct err   e = ERR_INIT;
    struct repo *r = open_with(location, option, init, &e);

    if (r == NULL) {
        fail_msg("%s: %s (%s)", location, e.text, e.hint);
    }
    return r;
}

static int
collect(void *ctx, const struct object_info *info, struct err *e)
{
    (void)e;
    strlist_add(ctx, info->key);
    return 0;
}

static struct strlist
all_keys(struct repo *r, const char *prefix)
{
    struct strlist keys = {0};
    struct err     e = ERR_INIT;

    assert_ok(storage_list(r->st, prefix, collect, &keys, &e), &e);
    return keys;
}

/* As somebody who does not use our driver. */
static void
overwrite(struct repo *r, const char *key, const char *bytes)
{
    struct s3_call c = {
        .verb = "overwrite", .method = "PUT", .key = key, .body = bytes, .body_len = strlen(bytes)};
    struct err e = ERR_INIT;

    assert_ok(s3_call(s3_storage_of(r->st), &c, &e), &e);
    s3_call_free(&c);
}

static void
remove_all(struct repo *r, const char *prefix)
{
    struct strlist keys = all_keys(r, prefix);
    struct err     e = ERR_INIT;

    assert_ok(storage_remove(r->st, (const char *const *)keys.v, keys.n, &e), &e);
    strlist_free(&keys);
}

static time_t
locked_until(struct repo *r, const char *key)
{
    struct object_info info = {0};
    struct err         e = ERR_INIT;

    assert_ok(storage_head(r->st, key, &info, &e), &e);
    return info.retain_until;
}

/* The store's clock has whole seconds: what comes next is later than what was. */
static time_t
between(void)
{
    time_t now;

    (void)usleep(1100000);
    now = time(NULL);
    (void)usleep(1100000);
    return now;
}

static int
try_to_remove(void *ctx, const struct object_version *v, struct err *e)
{
    struct storage *st = ctx;

    (void)e;
    if (!v->deleted) {
        struct err refused = ERR_INIT;

        assert_int_equal(st->ops->versions->remove(st, v, 1, &refused), -1);
        assert_int_equal(refused.kind, ERR_AUTH);
    }
    return 0;
}

static void
a_locked_backup_cannot_be_taken_away(void **state)
{
    struct repo   *r = must_open("s3://kept/locked", "object-lock=compliance", true);
    struct err     e = ERR_INIT;
    char           id[BACKUP_ID_MAX];
    struct strlist keys;
    time_t         until = storage_lock_until(r->st, time(NULL));

    (void)state;
    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    keys = all_keys(r, "");
    assert_true(keys.n >= 3 + FIXTURE_CHUNKS);
    for (size_t i = 0; i < keys.n; i++) {
        assert_int_equal(locked_until(r, keys.v[i]), lock_covers(keys.v[i]) ? until : 0);
    }
    strlist_free(&keys);
    assert_ok(storage_versions(r->st, "shop/chunks/", try_to_remove, r->st, &e), &e);
    assert_ok(fixture_read(r, id, 1, &e), &e);

    r->st->lock_days = 100; /* a later step: the same data again locks the chunks further */
    until = storage_lock_until(r->st, time(NULL));
    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    keys = all_keys(r, "shop/chunks/");
    assert_int_equal(keys.n, FIXTURE_CHUNKS);
    for (size_t i = 0; i < keys.n; i++) {
        assert_int_equal(locked_until(r, keys.v[i]), until);
    }
    assert_int_equal(locked_until(r, "repo.1.json"), until);
    strlist_free(&keys);
    repo_close(r);
}

static void
a_bucket_that_cannot_lock_is_refused(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    assert_null(open_with("s3://plain/locked", "object-lock=governance", true, &e));
    assert_err(&e, ERR_IO, "could not store \"s3://plain/locked/repo.1.json\"");
    assert_non_null(strstr(e.hint, "made with Object Lock"));
    err_clear(&e);
    assert_null(open_with("s3://plain/locked", "object-lock=forever", true, &e));
    assert_err(&e, ERR_USAGE, "object-lock: \"forever\" is neither governance nor compliance");
    err_clear(&e);
    assert_null(open_with("/tmp", "object-lock=governance", false, &e));
    assert_err(&e, ERR_USAGE, "cannot lock what it holds");
}

/* What a store that answers 200 and locks nothing leaves behind. */
static void
a_lock_that_is_not_there_is_an_error(void **state)
{
    struct repo *r = must_open("s3://kept/unlocked", NULL, true);
    struct err   e = ERR_INIT;

    (void)state;
    assert_int_equal(s3_lock_check(r->st, "repo.1.json", time(NULL), &e), -1);
    assert_err(&e, ERR_IO, "\"s3://kept/unlocked/repo.1.json\" is not locked until 20");
    repo_close(r);
}

static void
a_clock_that_is_known_to_be_wrong_locks_nothing(void **state)
{
    struct repo       *r = must_open("s3://kept/clock", "object-lock=governance", true);
    struct s3_storage *s = s3_storage_of(r->st);
    struct blob        locked = {.data = "x", .size = 1, .retain_until = time(NULL) + 86400};
    struct err         e = ERR_INIT;

    (void)state;
    atomic_store(&s->clock_offset,
                 -5L * 86400); /* as learnt from a request that the store refused */
    assert_int_equal(s3_lock_allowed(s, &locked, &e), -1);
    assert_err(&e, ERR_IO,
               "this host's clock is 5 d 0 h ahead of the store's: what is written would be locked "
               "for too long");
    repo_close(r);
}

static void
an_earlier_state_can_be_seen(void **state)
{
    struct repo *r = must_open("s3://kept/past", NULL, true);
    struct repo *past;
    struct err   e = ERR_INIT;
    char         first[BACKUP_ID_MAX];
    char         second[BACKUP_ID_MAX];
    char         option[64] = "as-of=";
    char        *junk;

    (void)state;
    assert_ok(fixture_backup(r, 1, first, NULL, &e), &e);
    (void)time_rfc3339(between(), option + strlen(option), 32);
    assert_ok(fixture_backup(r, 2, second, NULL, &e), &e);
    junk = backup_key("shop", first, "label.json");
    overwrite(r, junk, "nonsense");
    free(junk);
    remove_all(r, "shop/chunks/");

    past = must_open("s3://kept/past", option, false);
    assert_int_equal(fixture_count(past, BACKUP_COMMITTED), 1);
    assert_ok(fixture_read(past, first, 1, &e), &e);
    assert_int_equal(fixture_read(past, second, 2, &e), -1);
    err_clear(&e);
    assert_int_equal(storage_put(past->st, "shop/runs/x", "x", 1, &e), -1);
    assert_err(&e, ERR_USAGE, "cannot be written to");
    repo_close(past);
    repo_close(r);

    err_clear(&e);
    assert_null(open_with("s3://kept/past", "as-of=2001-01-01", false, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
}

/* What scrub finds: the object is bad or missing, and yet nothing is lost. */
static int
bad_but_not_lost(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct repo  *r = ctx;
    struct codec *codec = codec_new(CODEC_DEFAULT);
    struct buf    scratch = BUF_INIT(MIB);
    struct buf    out = BUF_INIT(MIB);

    assert_int_equal(chunk_check(r, "shop", line, codec, &scratch, &out, e), 1);
    assert_true(chunk_has_twin(r, "shop", line, codec, &scratch, &out));
    err_clear(e);
    buf_free(&scratch);
    buf_free(&out);
    codec_free(codec);
    return 0;
}

static void
what_is_hidden_is_read_from_older_versions(void **state)
{
    struct repo   *r = must_open("s3://kept/hidden", NULL, true);
    struct err     e = ERR_INIT;
    char           id[BACKUP_ID_MAX];
    struct strlist keys;
    char          *list;
    char          *manifest;
    struct label  *l;

    (void)state;
    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    list = backup_key("shop", id, "chunks.zst");
    manifest = backup_key("shop", id, "manifest.json.zst");
    keys = all_keys(r, "shop/chunks/");
    for (size_t i = 0; i < keys.n; i++) {
        overwrite(r, keys.v[i], i % 2 == 0 ? "short" : "something quite different");
    }
    assert_ok(storage_remove(r->st, (const char *const *)keys.v, 1, &e), &e);
    assert_ok(storage_remove(r->st, (const char *const *)&list, 1, &e), &e);
    overwrite(r, manifest, "{}");
    assert_ok(fixture_read(r, id, 1, &e), &e);
    l = label_load(r, "shop", id, &e);
    assert_ok(chunk_list_read(r, l, bad_but_not_lost, r, &e), &e);
    label_free(l);
    strlist_free(&keys);
    free(list);
    free(manifest);
    repo_close(r);
}

static struct undelete_result
bring_back(struct repo *r, const char *below, time_t since, bool dry_run)
{
    struct undelete_result result;
    struct err             e = ERR_INIT;

    assert_ok(undelete(
                  &(struct undelete_request){
                      .st = r->st, .below = below, .since = since, .dry_run = dry_run},
                  &result, &e),
              &e);
    return result;
}

static void
what_was_removed_comes_back(void **state)
{
    struct repo           *r = must_open("s3://kept/removed", NULL, true);
    struct err             e = ERR_INIT;
    char                   first[BACKUP_ID_MAX];
    char                   second[BACKUP_ID_MAX];
    char                  *expired;
    time_t                 since;
    struct undelete_result got;
    struct strlist         keys;

    (void)state;
    assert_ok(fixture_backup(r, 1, first, NULL, &e), &e);
    assert_ok(fixture_backup(r, 2, second, NULL, &e), &e);
    expired = backup_key("shop", first, "label.json");
    assert_ok(storage_remove(r->st, (const char *const *)&expired, 1, &e), &e);
    since = between();
    remove_all(r, "shop/");

    got = bring_back(r, "shop/", since, true);
    assert_int_equal(got.backups.n, 1);
    keys = all_keys(r, "shop/");
    assert_int_equal(keys.n, 0); /* it was only asked */
    undelete_result_free(&got);

    got = bring_back(r, "shop/", since, false);
    assert_int_equal(got.backups.n, 1);
    assert_string_equal(got.backups.v[0], second); /* the other had gone before */
    undelete_result_free(&got);
    assert_ok(fixture_read(r, second, 2, &e), &e);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 1);
    keys = all_keys(r, "shop/runs/");
    assert_int_equal(keys.n, 0); /* marks of runs stay removed */
    got = bring_back(r, "shop/", since, false);
    assert_int_equal(got.objects, 0);
    undelete_result_free(&got);
    free(expired);
    repo_close(r);
}

/* Without the keys nobody reads what is encrypted, whatever else came back. */
static void
the_repositorys_own_objects_come_back(void **state)
{
    struct repo           *r = must_open("s3://kept/own", NULL, true);
    struct err             e = ERR_INIT;
    time_t                 since;
    struct undelete_result got;
    struct strlist         keys;

    (void)state;
    assert_ok(storage_put(r->st, "keys.1.1.json", "{}\n", 3, &e), &e);
    since = between();
    remove_all(r, "");
    got = bring_back(r, "", since, false);
    assert_int_equal(got.objects, 2);
    keys = all_keys(r, "");
    assert_int_equal(keys.n, 2);
    assert_string_equal(keys.v[0], "keys.1.1.json");
    assert_string_equal(keys.v[1], "repo.1.json");
    strlist_free(&keys);
    undelete_result_free(&got);
    repo_close(r);
}

struct counted {
    size_t versions, latest, markers;
    time_t newest; /* of the versions so far: they must not get younger */
};

static int
count_version(void *ctx, const struct object_version *v, struct err *e)
{
    struct counted *c = ctx;

    (void)e;
    assert_string_equal(v->key, "shop/runs/0011223344556677");
    assert_true(c->versions == 0 || v->modified <= c->newest);
    c->newest = v->modified;
    assert_int_equal(v->latest, c->versions == 0);
    c->versions++;
    c->latest += v->latest;
    c->markers += v->deleted;
    return 0;
}

/* A page of a listing has a thousand at most. */
static void
versions_are_listed_over_several_pages(void **state)
{
    enum { MANY = 1050 };
    struct repo   *r = must_open("s3://kept/pages", NULL, true);
    struct err     e = ERR_INIT;
    struct counted c = {0};
    const char    *key = "shop/runs/0011223344556677";

    (void)state;
    for (int i = 0; i < MANY; i++) {
        overwrite(r, key, "x");
    }
    assert_ok(storage_remove(r->st, &key, 1, &e), &e);
    assert_ok(storage_versions(r->st, "shop/", count_version, &c, &e), &e);
    assert_int_equal(c.versions, MANY + 1);
    assert_int_equal(c.latest, 1);
    assert_int_equal(c.markers, 1);
    repo_close(r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_locked_backup_cannot_be_taken_away),
        cmocka_unit_test(a_bucket_that_cannot_lock_is_refused),
        cmocka_unit_test(a_lock_that_is_not_there_is_an_error),
        cmocka_unit_test(a_clock_that_is_known_to_be_wrong_locks_nothing),
        cmocka_unit_test(an_earlier_state_can_be_seen),
        cmocka_unit_test(what_is_hidden_is_read_from_older_versions),
        cmocka_unit_test(what_was_removed_comes_back),
        cmocka_unit_test(the_repositorys_own_objects_come_back),
        cmocka_unit_test(versions_are_listed_over_several_pages),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
