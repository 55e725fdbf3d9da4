/* Labels of a distant store, which this host remembers: whatever became of them in the store or of
 * the memory on this host, what is found is what stands in the store. */
#include "tests/fault/fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/crypto/hash.h"
#include "storage/read/backup_find.h"
#include "storage/read/damage.h"
#include "tests/support/drivers.h"

enum { BACKUPS = 20 };

static char                     *state_dir;
static char                      id[BACKUPS][BACKUP_ID_MAX];
static struct storage_ops        ops; /* the memory's, as a distant store has them */
static const struct storage_ops *memory;
static atomic_uint               reads;  /* of labels */
static const char               *broken; /* a key that is listed and cannot be read */

/* Chunk lists that are being read now, and the most that were at once; if alone is not set, the
 * first waits for another. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    unsigned        now, most, all;
    bool            alone;
} lists = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .alone = true};

static void
meet(void)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    (void)pthread_mutex_lock(&lists.lock);
    lists.all++;
    if (++lists.now > lists.most) {
        lists.most = lists.now;
    }
    (void)pthread_cond_broadcast(&lists.changed);
    while (!lists.alone && lists.most < 2 &&
           pthread_cond_timedwait(&lists.changed, &lists.lock, &until) == 0) {
    }
    lists.now--;
    (void)pthread_mutex_unlock(&lists.lock);
}

static int
counting_get(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    if (strstr(key, "/label.json") != NULL) {
        atomic_fetch_add(&reads, 1);
    }
    if (strstr(key, "/chunks.") != NULL) {
        meet();
    }
    if (broken != NULL && strcmp(key, broken) == 0) {
        buf_clear(out);
        return buf_puts(out, "{}", e);
    }
    return memory->get(st, key, out, e);
}

struct passing {
    struct storage  *st;
    storage_list_fn *fn;
    void            *ctx;
};

static int
with_md5(void *ctx, const struct object_info *info, struct err *e)
{
    struct passing    *p = ctx;
    struct object_info with = *info;
    struct buf         raw = BUF_INIT(BUF_NO_LIMIT);

    if (memory->get(p->st, info->key, &raw, e) == 0) {
        md5(raw.data, raw.len, with.md5);
        with.has_md5 = true;
    }
    buf_free(&raw);
    return p->fn(p->ctx, &with, e);
}

static int
list_with_md5(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    struct passing p = {st, fn, ctx};

    return memory->list(st, prefix, with_md5, &p, e);
}

static int
set_up(void **state)
{
    struct err   e = ERR_INIT;
    struct repo *r = fixture_repo_in_memory();

    state_dir = fixture_state();
    for (unsigned i = 0; i < BACKUPS; i++) {
        assert_ok(fixture_backup(r, i + 1, id[i], NULL, &e), &e);
    }
    qsort(id, BACKUPS, sizeof id[0], (int (*)(const void *, const void *))strcmp);
    memory = r->st->ops;
    ops = *memory;
    ops.get = counting_get;
    ops.list = list_with_md5;
    r->st->ops = &ops;
    r->st->distant = true;
    broken = NULL;
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

/* Every backup with its state, its problem and its label's digest. */
static char *
seen(struct repo *r, int (*load)(struct repo *, const char *, struct backup_list *, struct err *))
{
    struct backup_list list;
    struct err         e = ERR_INIT;
    struct buf         text = BUF_INIT(BUF_NO_LIMIT);
    char              *out;

    assert_ok(load(r, "shop", &list, &e), &e);
    for (size_t i = 0; i < list.n; i++) {
        const struct backup_entry *b = &list.v[i];

        assert_ok(buf_printf(&text, &e, "%s %s %s %s\n", b->id, backup_state_text(b->state),
                             b->problem == NULL ? "-" : b->problem,
                             b->label == NULL ? "-" : b->label->sha256),
                  &e);
    }
    backup_list_free(&list);
    out = xstrdup(buf_str(&text));
    buf_free(&text);
    return out;
}

/* What a host sees that remembers is what one sees that reads everything; so many labels it read.
 */
static unsigned
look(struct repo *r)
{
    char    *want = seen(r, backup_list_load), *have;
    unsigned n;

    atomic_store(&reads, 0);
    have = seen(r, backup_list_look);
    n = reads;
    assert_string_equal(have, want);
    free(want);
    free(have);
    return n;
}

static char *
cache_path(const struct repo *r)
{
    return xasprintf("%s/%s/shop.labels", state_dir, r->id);
}

static void
read_whole(const char *path, struct buf *out)
{
    struct err e = ERR_INIT;
    FILE      *f = fopen(path, "r");
    int        c;

    assert_non_null(f);
    *out = (struct buf)BUF_INIT(BUF_NO_LIMIT);
    while ((c = getc(f)) != EOF) {
        assert_ok(buf_append(out, &(char){(char)c}, 1, &e), &e);
    }
    (void)fclose(f);
}

static void
write_whole(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void
a_label_is_read_once(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char         newest[BACKUP_ID_MAX], *path = cache_path(r);
    struct stat  st;

    /* the backups themselves have looked for what they may reuse, on a store that was not distant
     */
    assert_int_equal(look(r), BACKUPS);
    assert_int_equal(look(r), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(fixture_backup(r, 100, newest, NULL, &e), &e);
    assert_int_equal(look(r), 1);
    assert_int_equal(look(r), 0);
    free(path);
}

static void
who_relies_on_labels_reads_them(void **state)
{
    struct repo *r = *state;

    (void)look(r);
    atomic_store(&reads, 0);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), BACKUPS);
    assert_int_equal(reads, BACKUPS);
}

static void
what_was_replaced_or_removed_is_not_remembered(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char        *changed = backup_key("shop", id[3], "label.json"),
         *gone = backup_key("shop", id[5], "label.json"),
         *swapped = backup_key("shop", id[7], "label.json");
    struct buf raw = BUF_INIT(BUF_NO_LIMIT);

    (void)look(r);
    /* the same size: the note of a tool's version is another */
    assert_ok(storage_get(r->st, changed, &raw, &e), &e);
    raw.data[raw.len - 3] ^= 1;
    assert_ok(storage_replace(r->st, changed, raw.data, raw.len, &e), &e);
    /* another backup's */
    assert_ok(storage_get(r->st, swapped, &raw, &e), &e);
    assert_ok(storage_replace(r->st, gone, raw.data, raw.len, &e), &e);
    assert_int_equal(look(r), 2);
    assert_ok(storage_remove(r->st, (const char *const *)&gone, 1, &e), &e);
    (void)look(r);
    buf_free(&raw);
    free(changed);
    free(gone);
    free(swapped);
}

static void
a_damaged_memory_is_never_believed(void **state)
{
    struct repo *r = *state;
    struct buf   good;
    char        *path = cache_path(r);

    (void)look(r);
    read_whole(path, &good);
    for (size_t i = 0; i < good.len; i += 1 + good.len / 97) {
        uint8_t *bad = xmalloc(good.len);

        memcpy(bad, good.data, good.len);
        bad[i] ^= 4;
        write_whole(path, bad, good.len);
        assert_true(look(r) > 0); /* and it is as before */
        assert_int_equal(look(r), 0);
        write_whole(path, good.data, i);
        (void)look(r);
        free(bad);
    }
    buf_free(&good);
    free(path);
}

static void
a_foreign_or_old_memory_is_never_believed(void **state)
{
    struct repo *r = *state, *other = fixture_repo_number(7);
    struct err   e = ERR_INIT;
    struct buf   old;
    char        *path = cache_path(r), *foreign = cache_path(other), newest[BACKUP_ID_MAX];

    /* an older state of this repository, in which one backup stands that is another by now */
    (void)look(r);
    read_whole(path, &old);
    what_was_replaced_or_removed_is_not_remembered(state);
    assert_ok(fixture_backup(r, 200, newest, NULL, &e), &e);
    (void)look(r);
    write_whole(path, old.data, old.len);
    assert_true(look(r) > 0);
    /* another repository's */
    assert_ok(fixture_backup(other, 1, NULL, NULL, &e), &e);
    other->st->ops = &ops;
    other->st->distant = true;
    (void)look(other);
    write_whole(foreign, old.data, old.len);
    assert_int_equal(look(other), 1);
    repo_close(other);
    buf_free(&old);
    free(foreign);
    free(path);
}

static void
without_a_place_for_it_every_label_is_read(void **state)
{
    struct repo *r = *state;
    char        *path = cache_path(r), *dir = xasprintf("%s/%s", state_dir, r->id);

    /* a directory stands there */
    assert_int_equal(mkdir(dir, 0700) == 0 || access(dir, F_OK) == 0, 1);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(look(r), BACKUPS);
    assert_int_equal(look(r), BACKUPS);
    assert_int_equal(rmdir(path), 0);
    /* a link, and a pipe, which must not be waited for */
    assert_int_equal(symlink("/dev/zero", path), 0);
    assert_int_equal(look(r), BACKUPS);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(look(r), BACKUPS);
    (void)unlink(path);
    /* no directory to be had */
    assert_int_equal(setenv("PGASSAY_STATE_DIR", "/proc/none", 1), 0);
    assert_int_equal(look(r), BACKUPS);
    free(dir);
    free(path);
}

static void
what_is_used_is_read(void **state)
{
    struct repo  *r = *state;
    struct err    e = ERR_INIT;
    struct label *l;

    (void)look(r);
    atomic_store(&reads, 0);
    l = backup_find(r, "shop", NULL, 0, &e);
    assert_non_null(l);
    assert_string_equal(l->id, id[BACKUPS - 1]);
    assert_int_equal(reads, 1);
    label_free(l);
    /* listed as it was, but the store cannot give it */
    broken = backup_key("shop", id[BACKUPS - 1], "label.json");
    assert_null(backup_find(r, "shop", NULL, 0, &e));
    assert_int_equal(e.kind, ERR_CORRUPT);
    assert_non_null(strstr(e.text, "the newest backup"));
    assert_non_null(strstr(e.text, id[BACKUPS - 1]));
    l = backup_find(r, "shop", id[2], 0, &e);
    assert_non_null(l);
    label_free(l);
    free((char *)(uintptr_t)broken);
    broken = NULL;
}

static char *
damaged(struct repo *r)
{
    struct backup_list list;
    struct err         e = ERR_INIT;
    struct buf         text = BUF_INIT(BUF_NO_LIMIT);
    char              *out;

    assert_ok(backup_list_load(r, "shop", &list, &e), &e);
    assert_ok(backup_list_check(r, "shop", &list, true, &e), &e);
    for (size_t i = 0; i < list.n; i++) {
        assert_ok(buf_printf(&text, &e, "%s %s\n", backup_state_text(list.v[i].state),
                             list.v[i].problem == NULL ? "-" : list.v[i].problem),
                  &e);
    }
    backup_list_free(&list);
    out = xstrdup(buf_str(&text));
    buf_free(&text);
    return out;
}

static void
chunk_lists_are_read_side_by_side(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    char        *want, *have;

    /* one is gone, another is not what its label says */
    broken = backup_key("shop", id[3], "chunks.zst");
    have = backup_key("shop", id[5], "chunks.zst");
    assert_ok(storage_remove(r->st, (const char *const[]){have}, 1, &e), &e);
    free(have);
    r->st->distant = false;
    want = damaged(r);
    assert_non_null(strstr(want, "damaged"));
    r->st->distant = true;
    lists.alone = false;
    lists.now = lists.most = lists.all = 0;
    have = damaged(r);
    lists.alone = true;
    assert_string_equal(have, want);
    assert_true(lists.most >= 2);
    assert_true(lists.all >= BACKUPS - 1);
    free(have);
    free(want);
    free((char *)(uintptr_t)broken);
    broken = NULL;
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_label_is_read_once),
        TEST(who_relies_on_labels_reads_them),
        TEST(what_was_replaced_or_removed_is_not_remembered),
        TEST(a_damaged_memory_is_never_believed),
        TEST(a_foreign_or_old_memory_is_never_believed),
        TEST(without_a_place_for_it_every_label_is_read),
        TEST(what_is_used_is_read),
        TEST(chunk_lists_are_read_side_by_side),
    };

    return cmocka_run_group_tests_name("storage/repo/labelcache", tests, NULL, NULL);
}
