/* object_lock.h and writer_lock.c: what is locked, until when, and how seldom what is used again is
 * locked further. */
#include "tests/fault/fixture.h"

#include "storage/heal/copy.h"
#include <pthread.h>
#include <stdatomic.h>

#include "storage/contract/object_lock.h"

/* A driver in memory that keeps locks, for 64 objects. */
struct locking {
    struct storage  st;
    struct storage *inner;
    char           *keys[64];
    time_t          until[64];
    size_t          n;
    atomic_uint     extended; /* retain() calls */
    unsigned        asked;    /* head() calls for chunks */
    bool            refuses;
    time_t          clock; /* ahead of ours */
};

static struct locking *
self(struct storage *st)
{
    return (struct locking *)st;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* Until when it is locked; until is the new moment, if that is later. */
static time_t
locked(struct storage *st, const char *key, time_t until)
{
    struct locking *l = self(st);
    size_t          i = 0;

    (void)pthread_mutex_lock(&mutex);
    while (i < l->n && strcmp(l->keys[i], key) != 0) {
        i++;
    }
    if (i == l->n) {
        assert_true(l->n < 64);
        l->keys[l->n++] = xstrdup(key);
    }
    if (l->until[i] < until) {
        l->until[i] = until;
    }
    until = l->until[i];
    (void)pthread_mutex_unlock(&mutex);
    return until;
}

static int
locking_put(struct storage *st, const char *key, const struct blob *b, struct err *e)
{
    (void)locked(st, key, b->retain_until);
    return self(st)->inner->ops->put(self(st)->inner, key, b, e);
}

static int
locking_get(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    return self(st)->inner->ops->get(self(st)->inner, key, out, e);
}

static int
locking_head(struct storage *st, const char *key, struct object_info *info, struct err *e)
{
    int rc = self(st)->inner->ops->head(self(st)->inner, key, info, e);

    self(st)->asked += strstr(key, "/chunks/") != NULL;
    if (rc == 0) {
        info->retain_until = locked(st, key, 0);
        info->modified += self(st)->clock;
    }
    return rc;
}

static int
locking_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    return self(st)->inner->ops->list(self(st)->inner, prefix, fn, ctx, e);
}

static int
locking_dirs(struct storage *st, const char *prefix, storage_dirs_fn *fn, void *ctx, struct err *e)
{
    return self(st)->inner->ops->dirs(self(st)->inner, prefix, fn, ctx, e);
}

static int
locking_remove(struct storage *st, const char *const *keys, size_t n, struct err *e)
{
    return self(st)->inner->ops->remove(self(st)->inner, keys, n, e);
}

static int
locking_retain(struct storage *st, const char *key, time_t until, struct err *e)
{
    if (self(st)->refuses) {
        return err_set(e, ERR_AUTH, "access denied");
    }
    assert_true(locked(st, key, 0) < until);
    (void)locked(st, key, until);
    (void)atomic_fetch_add(&self(st)->extended, 1);
    return 0;
}

static void
locking_close(struct storage *st)
{
    storage_close(self(st)->inner);
    for (size_t i = 0; i < self(st)->n; i++) {
        free(self(st)->keys[i]);
    }
    free(st);
}

static const struct storage_ops locking_ops = {
    .scheme = "locking",
    .put = locking_put,
    .get = locking_get,
    .head = locking_head,
    .list = locking_list,
    .dirs = locking_dirs,
    .remove = locking_remove,
    .retain = locking_retain,
    .close = locking_close,
};

static char *state_dir;

static int
set_up(void **state)
{
    struct repo    *r = fixture_repo_in_memory();
    struct locking *l = xcalloc(1, sizeof *l);

    state_dir = fixture_state();
    l->st = (struct storage){.ops = &locking_ops, .location = xstrdup("locking"), .lock_days = 30};
    l->inner = r->st;
    r->st = &l->st;
    *state = r;
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
steps_are_thirty_days_for_all(void **state)
{
    const time_t   day = 86400;
    struct storage st = {.lock_days = 10};

    (void)state;
    assert_int_equal(storage_lock_until(&st, 0), 30 * day);
    assert_int_equal(storage_lock_until(&st, 20 * day), 30 * day);
    assert_int_equal(storage_lock_until(&st, 20 * day + 1), 60 * day);
    st.lock_days = 0;
    assert_int_equal(storage_lock_until(&st, 1000 * day), 0);
}

static void
only_what_backups_consist_of_is_locked(void **state)
{
    static const char *const locked[] = {"repo.1.json",
                                         "shop/source.json",
                                         "shop/source.2.json",
                                         "keys.1.1.json",
                                         "shop/chunks/1/aa/x.zst",
                                         "shop/backups/b/label.json",
                                         "shop/backups/b/chunks.zst"};
    static const char *const free_[] = {"shop/runs/0011223344556677",
                                        "shop/runs/0011223344556677.revoked",
                                        "shop/trash/20261121T021500Z",
                                        "shop/condemned/20261121T021500Z",
                                        "shop/pins/x.json",
                                        "shop/tombstones/x.json",
                                        "doctor-1/chunks.txt"};

    (void)state;
    for (size_t i = 0; i < sizeof locked / sizeof locked[0]; i++) {
        assert_true(lock_covers(locked[i]));
    }
    for (size_t i = 0; i < sizeof free_ / sizeof free_[0]; i++) {
        assert_false(lock_covers(free_[i]));
    }
}

static int
check_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    const struct repo *r = ctx;
    char              *key = chunk_key("shop", &line->name);

    (void)e;
    assert_int_equal(line->retain_until, storage_lock_until(r->st, time(NULL)));
    assert_int_equal(locked(r->st, key, 0), line->retain_until);
    free(key);
    return 0;
}

/* Every chunk of the backup is locked, and the list says until when. */
static void
assert_all_locked(struct repo *r, const char *id)
{
    struct err    e = ERR_INIT;
    struct label *l = label_load(r, "shop", id, &e);

    assert_non_null(l);
    assert_ok(chunk_list_read(r, l, check_line, r, &e), &e);
    label_free(l);
}

static void
what_is_used_again_is_locked_further_once_a_step(void **state)
{
    struct repo    *r = *state;
    struct locking *l = self(r->st);
    struct err      e = ERR_INIT;
    char            id[BACKUP_ID_MAX];

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    assert_all_locked(r, id);
    assert_int_equal(l->extended, 1); /* repo.1.json, which was there before locks were asked for */
    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    assert_all_locked(r, id);
    assert_int_equal(l->extended, 1); /* the same step: nothing to do */

    r->st->lock_days = 90;
    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    assert_all_locked(r, id);
    assert_int_equal(l->extended, 1 + FIXTURE_CHUNKS + 1);
    assert_ok(fixture_backup(r, 2, id, NULL, &e), &e); /* one chunk in common */
    assert_all_locked(r, id);
    assert_int_equal(l->extended, 1 + FIXTURE_CHUNKS + 1);
}

/* The store is asked about no chunk whose lock stands in a list, or that was just locked. */
static void
what_is_copied_is_not_asked_about(void **state)
{
    static char              dbname[] = "shop";
    const struct repo_source source = {
        .system_identifier = 7, .database_oid = 16384, .dbname = dbname};
    const struct copy_request q = {.db = "shop", .which = "all", .quiet = true, .jobs = 2};
    struct repo              *to = *state, *from = fixture_repo_number(1);
    struct copy_result        r;
    struct err                e = ERR_INIT;
    char                      id[3][BACKUP_ID_MAX];

    assert_ok(source_bind(from, "shop", &source, false, &e), &e);
    for (int i = 0; i < 3; i++) {
        assert_ok(fixture_backup(from, 1, id[i], NULL, &e), &e);
        if (i > 0) { /* the second uses again what was just sent, the third what stands in a list */
            assert_int_equal(copy_run(from, to, &q, &r, &e), 0);
            copy_result_free(&r);
        }
    }
    for (int i = 0; i < 3; i++) {
        assert_all_locked(to, id[i]);
    }
    assert_int_equal(self(to->st)->asked, 0);
    repo_close(from);
}

static void
a_chunk_that_cannot_be_locked_stops_the_backup(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    r->st->lock_days = 90;
    self(r->st)->refuses = true;
    assert_int_equal(fixture_backup(r, 1, id, NULL, &e), -1);
    assert_err(&e, ERR_AUTH, "could not extend the lock of chunk \"1/");
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 1);
}

/* The newest settings are found by counting up from the first: without it there is no
 * repository. */
static void
all_settings_of_the_repository_stay_locked(void **state)
{
    struct repo *r = *state;
    json_t      *changed = json_deep_copy(r->object);
    struct err   e = ERR_INIT;
    time_t       until;
    char         id[BACKUP_ID_MAX];

    assert_ok(repo_change(r, changed, &e), &e);
    json_decref(changed);
    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    r->st->lock_days = 90;
    until = storage_lock_until(r->st, time(NULL));
    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    assert_int_equal(locked(r->st, "repo.2.json", 0), until);
    assert_int_equal(locked(r->st, "repo.1.json", 0), until);
}

/* A lock of years that nobody meant could not be taken back. */
static void
a_wrong_clock_locks_nothing(void **state)
{
    struct repo    *r = *state;
    struct locking *l = self(r->st);
    struct err      e = ERR_INIT;
    char            id[BACKUP_ID_MAX];

    l->clock = -2 * 365 * 86400;
    assert_int_equal(fixture_backup(r, 1, id, NULL, &e), -1);
    assert_err(&e, ERR_IO, "ahead of the store's");
    l->clock = 86400;
    assert_int_equal(fixture_backup(r, 1, id, NULL, &e), -1);
    assert_err(&e, ERR_IO, "behind the store's");
    for (size_t i = 0; i < l->n; i++) {
        assert_int_equal(l->until[i], 0);
    }
    l->clock = 600;
    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    assert_all_locked(r, id);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_thirty_days_for_all),
        cmocka_unit_test(only_what_backups_consist_of_is_locked),
        cmocka_unit_test_setup_teardown(what_is_used_again_is_locked_further_once_a_step, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_copied_is_not_asked_about, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_settings_of_the_repository_stay_locked, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_clock_locks_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chunk_that_cannot_be_locked_stops_the_backup, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
