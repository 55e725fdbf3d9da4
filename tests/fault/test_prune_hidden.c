/* Labels that a prune does not see, though they are there or were: it must not take their backups
 * for garbage. */
#include "tests/fault/fixture.h"

#include <time.h>

#include "storage/read/missing.h"
#include "storage/repo/tombstone.h"
#include "storage/retention/forget.h"
#include "storage/retention/prune.h"
#include "tests/support/drivers.h"

enum { GRACE = 3600 };

/* This host's clock and the store's, so far ahead of the true one. */
static time_t ahead;

time_t
time(time_t *out)
{
    struct timespec now;
    time_t          t;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    t = now.tv_sec + ahead;
    if (out != NULL) {
        *out = t;
    }
    return t;
}

/* ---- a host, a repository with three backups ---- */

static char *hosts[2];

/* Each has a memory of its own. */
static void
on_host(int n)
{
    assert_int_equal(setenv("PGASSAY_STATE_DIR", hosts[n], 1), 0);
}

enum { BACKUPS = 3 };
static char id[BACKUPS][BACKUP_ID_MAX];

static int
set_up(void **state)
{
    struct err e = ERR_INIT;

    ahead = 0;
    for (int i = 0; i < 2; i++) {
        hosts[i] = fixture_state();
    }
    on_host(0);
    *state = fixture_repo_in_memory();
    for (unsigned i = 0; i < BACKUPS; i++) {
        assert_ok(fixture_backup(*state, i + 1, id[i], NULL, &e), &e);
    }
    return 0;
}

static int
tear_down(void **state)
{
    repo_close(*state);
    for (int i = 0; i < 2; i++) {
        fixture_remove(hosts[i]);
    }
    return 0;
}

/* ---- hiding ---- */

static void
take(struct repo *r, const char *key, struct buf *kept)
{
    struct err e = ERR_INIT;

    *kept = (struct buf)BUF_INIT(BUF_NO_LIMIT);
    assert_ok(storage_get(r->st, key, kept, &e), &e);
    assert_ok(storage_remove(r->st, &key, 1, &e), &e);
}

static void
put_back(struct repo *r, const char *key, struct buf *kept)
{
    struct err e = ERR_INIT;

    assert_ok(storage_put(r->st, key, kept->data, kept->len, &e), &e);
    buf_free(kept);
}

static int
count(void *ctx, const struct object_info *info, struct err *e)
{
    (void)info;
    (void)e;
    ++*(size_t *)ctx;
    return 0;
}

static size_t
objects(struct repo *r, const char *prefix)
{
    size_t     n = 0;
    struct err e = ERR_INIT;

    assert_ok(storage_list(r->st, prefix, count, &n, &e), &e);
    return n;
}

static int
prune(struct repo *r, unsigned grace, struct err *e)
{
    struct prune_request req = {.db = "shop", .grace_seconds = grace};
    struct prune_result  out;
    int                  rc = prune_run(r, &req, &out, e);

    prune_result_free(&out);
    return rc;
}

/* Every backup is there, and reads. */
static void
assert_all_read(struct repo *r)
{
    struct err e = ERR_INIT;

    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), BACKUPS);
    for (unsigned i = 0; i < BACKUPS; i++) {
        assert_ok(fixture_read(r, id[i], i + 1, &e), &e);
    }
}

/* ---- tests ---- */

/* The label after it names it: any host can tell. */
static void
a_label_that_another_names_is_missed(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char        *key = backup_key("shop", id[1], "label.json");
    struct buf   kept;

    on_host(1);
    take(r, key, &kept);
    for (unsigned grace = 0; grace <= GRACE; grace += GRACE) {
        err_clear(&e);
        assert_int_equal(prune(r, grace, &e), -1);
        assert_err(&e, ERR_CORRUPT, "has lost its label");
        assert_non_null(strstr(e.text, "nothing was removed"));
        assert_non_null(strstr(e.hint, "storage forget shop"));
    }
    put_back(r, key, &kept);
    assert_all_read(r);
    free(key);
}

/* Nothing names the newest, but who has seen it. */
static void
a_label_that_this_host_has_seen_is_missed(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char        *key = backup_key("shop", id[2], "label.json");
    struct buf   kept;

    take(r, key, &kept);
    assert_int_equal(prune(r, 0, &e), -1);
    assert_err(&e, ERR_CORRUPT, "this host has seen it");
    put_back(r, key, &kept);
    assert_all_read(r);
    free(key);
}

/* A host that has seen nothing waits, by the store's clock, from when it was first seen so. */
static void
what_nobody_knows_stays_for_the_grace_time(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char        *key = backup_key("shop", id[2], "label.json");
    struct buf   kept;

    on_host(1);
    ahead = 10L * GRACE; /* its objects are old: that says nothing */
    take(r, key, &kept);
    assert_ok(prune(r, GRACE, &e), &e);
    assert_int_equal(objects(r, "shop/unlabelled/"), 1);
    ahead += GRACE / 2;
    assert_ok(prune(r, GRACE, &e), &e);
    put_back(r, key, &kept);
    assert_all_read(r);

    /* Seen again, it begins anew. */
    assert_ok(prune(r, GRACE, &e), &e);
    assert_int_equal(objects(r, "shop/unlabelled/"), 0);
    fixture_remove(hosts[1]); /* what it remembers */
    hosts[1] = fixture_state();
    take(r, key, &kept);
    ahead += GRACE;
    assert_ok(prune(r, GRACE, &e), &e);
    ahead += GRACE / 2;
    assert_ok(prune(r, GRACE, &e), &e);
    put_back(r, key, &kept);
    assert_all_read(r);
    free(key);
}

static void
what_nobody_missed_goes_in_the_end(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char        *key = backup_key("shop", id[2], "label.json");
    struct buf   kept;
    size_t       chunks = objects(r, "shop/chunks/");

    on_host(1);
    take(r, key, &kept);
    for (int i = 0; i < 4; i++) {
        assert_ok(prune(r, GRACE, &e), &e);
        ahead += GRACE;
    }
    assert_int_equal(objects(r, "shop/backups/"), 2 * FIXTURE_OBJECTS);
    assert_int_equal(objects(r, "shop/chunks/"), chunks - (FIXTURE_CHUNKS - 1));
    assert_int_equal(objects(r, "shop/unlabelled/"), 0);
    assert_ok(fixture_read(r, id[0], 1, &e), &e);
    assert_ok(fixture_read(r, id[1], 2, &e), &e);
    buf_free(&kept);
    free(key);
}

/* One that nobody trusted has put does not keep it for ever. */
static void
a_mark_that_is_not_believed_is_put_anew(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char        *key = backup_key("shop", id[2], "label.json");
    char        *mark = xasprintf("shop/unlabelled/%s.json", id[2]);
    struct buf   kept;

    on_host(1);
    take(r, key, &kept);
    assert_ok(storage_put(r->st, mark, "{}\n", 3, &e), &e);
    ahead += GRACE;
    assert_ok(prune(r, GRACE, &e), &e);
    ahead += GRACE / 2;
    assert_ok(prune(r, GRACE, &e), &e);
    put_back(r, key, &kept);
    assert_all_read(r);

    fixture_remove(hosts[1]); /* what it remembers */
    hosts[1] = fixture_state();
    take(r, key, &kept);
    ahead += GRACE / 2;
    for (int i = 0; i < 3; i++) {
        assert_ok(prune(r, GRACE, &e), &e);
        ahead += GRACE;
    }
    assert_int_equal(objects(r, "shop/backups/"), 2 * FIXTURE_OBJECTS);
    assert_int_equal(objects(r, "shop/unlabelled/"), 0);
    buf_free(&kept);
    free(mark);
    free(key);
}

/* ---- listings that lag ---- */

static const struct storage_ops *true_ops;
static const char               *hidden_key;
static unsigned                  hidden_listings; /* so many more do not show it */

struct lagging {
    storage_list_fn *fn;
    void            *ctx;
    bool             hid;
};

static int
but_the_hidden(void *ctx, const struct object_info *info, struct err *e)
{
    struct lagging *l = ctx;

    if (hidden_listings > 0 && strcmp(info->key, hidden_key) == 0) {
        l->hid = true;
        return 0;
    }
    return l->fn(l->ctx, info, e);
}

static int
lagging_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    struct lagging l = {.fn = fn, .ctx = ctx};
    int            rc = true_ops->list(st, prefix, but_the_hidden, &l, e);

    hidden_listings -= l.hid;
    return rc;
}

/* However many listings do not show a label, its backup is whole afterwards. */
static void
a_listing_that_lags_costs_no_backup(void **state)
{
    struct repo       *r = *state;
    struct storage_ops ops;
    char              *key = backup_key("shop", id[2], "label.json");
    bool               stopped = false;

    on_host(1);
    true_ops = r->st->ops;
    ops = *true_ops;
    ops.list = lagging_list;
    hidden_key = key;
    for (unsigned n = 1; n < 10; n++) {
        struct err e = ERR_INIT;
        int        rc;

        hidden_listings = 1;
        r->st->ops = &ops;
        assert_int_equal(forget_backup(r, "shop", id[2], "a slip", &e), -1);
        assert_err(&e, ERR_CORRUPT, "no listing shows it");
        err_clear(&e);
        hidden_listings = n;
        rc = prune(r, 0, &e);
        r->st->ops = true_ops;
        if (rc != 0) {
            assert_err(&e, ERR_CORRUPT, "no listing shows it");
            stopped = true;
        }
        assert_all_read(r);
    }
    assert_true(stopped);
    free(key);
}

/* ---- all of them ---- */

static void
a_database_without_any_label_is_no_empty_one(void **state)
{
    struct repo       *r = *state;
    struct err         e = ERR_INIT;
    struct buf         kept[BACKUPS];
    char              *key[BACKUPS];
    struct backup_list list;
    struct strlist     missing = {0};
    size_t             before;

    on_host(1);
    for (int i = 0; i < BACKUPS; i++) {
        key[i] = backup_key("shop", id[i], "label.json");
        take(r, key[i], &kept[i]);
    }
    before = objects(r, "");
    for (unsigned grace = 0; grace <= GRACE; grace += GRACE) {
        err_clear(&e);
        assert_int_equal(prune(r, grace, &e), -1);
        assert_err(&e, ERR_CORRUPT, "no backup is listed, though chunks are stored");
    }
    assert_int_equal(objects(r, ""), before);
    err_clear(&e);
    assert_ok(backup_list_load(r, "shop", &list, &e), &e);
    assert_ok(missing_find(r, "shop", &list, &missing, &e), &e);
    assert_int_equal(missing.n, 1);
    strlist_free(&missing);
    backup_list_free(&list);
    for (int i = 0; i < BACKUPS; i++) {
        put_back(r, key[i], &kept[i]);
        free(key[i]);
    }
    assert_all_read(r);
}

/* ---- giving one up ---- */

static size_t
missing(struct repo *r)
{
    struct err         e = ERR_INIT;
    struct backup_list list;
    struct strlist     found = {0};
    size_t             n;

    assert_ok(backup_list_load(r, "shop", &list, &e), &e);
    assert_ok(missing_find(r, "shop", &list, &found, &e), &e);
    n = found.n;
    strlist_free(&found);
    backup_list_free(&list);
    return n;
}

static void
what_is_lost_can_be_given_up(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char        *key = backup_key("shop", id[1], "label.json");
    struct buf   kept;

    assert_int_equal(forget_backup(r, "shop", id[1], "why not", &e), -1);
    assert_err(&e, ERR_USAGE, "is good");
    assert_int_equal(forget_backup(r, "shop", "20200101T000000Z-0000", "a slip", &e), -1);
    assert_err(&e, ERR_NOT_FOUND, "no backup 20200101T000000Z-0000");
    take(r, key, &kept);
    assert_int_equal(missing(r), 1);
    err_clear(&e);
    assert_int_equal(prune(r, 0, &e), -1);
    err_clear(&e);
    assert_ok(forget_backup(r, "shop", id[1], "the disk lost it", &e), &e);
    assert_int_equal(missing(r), 0);
    assert_ok(prune(r, 0, &e), &e);
    assert_int_equal(objects(r, "shop/backups/"), 2 * FIXTURE_OBJECTS);
    assert_ok(fixture_read(r, id[0], 1, &e), &e);
    assert_ok(fixture_read(r, id[2], 3, &e), &e);
    buf_free(&kept);
    free(key);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_label_that_another_names_is_missed),
        TEST(a_label_that_this_host_has_seen_is_missed),
        TEST(what_nobody_knows_stays_for_the_grace_time),
        TEST(what_nobody_missed_goes_in_the_end),
        TEST(a_mark_that_is_not_believed_is_put_anew),
        TEST(a_listing_that_lags_costs_no_backup),
        TEST(a_database_without_any_label_is_no_empty_one),
        TEST(what_is_lost_can_be_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
