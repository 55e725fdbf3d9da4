/*
 * Real backups and prunes as actors on one store, in thousands of seeded orders (yielding.h).
 * Always: every object of every live backup is there.  At rest: two prunes leave no garbage.
 *
 *   PGASSAY_SEED=N       that schedule alone
 *   PGASSAY_SCHEDULES=N  so many of them (default 200)
 */
#include "tests/fault/yielding.h"

#include "storage/heal/copy.h"
#include "storage/repo/blocklist.h"
#include "storage/retention/prune.h"

enum { SCHEDULES = 200 };

static uint64_t     seed;
static struct repo *plain;  /* the store as it is */
static struct repo *origin; /* from where is copied: always there */

/* ---- always ---- */

static void
lost(const char *what)
{
    (void)fprintf(stderr, "PGASSAY_SEED=%llu: %s\n", (unsigned long long)seed, what);
    abort(); /* other threads hold the rest of the state: a debugger wants it */
}

static int
check_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct object_info info;
    char              *key = chunk_key("shop", &line->name);

    if (storage_head(plain->st, key, &info, e) != 0 || info.size != line->size) {
        (void)fprintf(stderr, "backup %s lost %s\n", (const char *)ctx, key);
        lost("a live backup lost an object");
    }
    free(key);
    return 0;
}

static void
check_live(struct world *w)
{
    struct backup_list list;
    struct err         e = ERR_INIT;

    (void)w;
    if (backup_list_load(plain, "shop", &list, &e) != 0) {
        lost(e.text);
    }
    for (size_t i = 0; i < list.n; i++) {
        if (list.v[i].state == BACKUP_DAMAGED) {
            lost(list.v[i].problem);
        }
        if (list.v[i].state == BACKUP_COMMITTED &&
            chunk_list_read(plain, list.v[i].label, check_line, list.v[i].id, &e) != 0) {
            lost(e.text);
        }
    }
    backup_list_free(&list);
}

/* ---- actors ---- */

static struct repo *
actor_repo(struct actor *a)
{
    a->base.location = xstrdup("yielding");
    return repo_open_storage(&a->base, &a->e);
}

static void
write_backup(struct actor *a)
{
    struct repo *r = actor_repo(a);

    a->rc = r == NULL ? -1 : fixture_backup(r, a->number, NULL, NULL, &a->e);
    repo_close(r);
}

static int
keep_some(void *ctx, const struct backup_list *list, time_t now, struct strlist *expire,
          struct err *e)
{
    const struct actor *a = ctx;

    (void)now;
    (void)e;
    for (size_t i = 0; i + a->number < list->n; i++) {
        strlist_add(expire, list->v[i].id);
    }
    return 0;
}

static void
prune(struct actor *a)
{
    struct prune_request req = {.db = "shop", .decide = keep_some, .ctx = a};
    struct prune_result  out = {0};
    struct repo         *r = actor_repo(a);

    a->rc = r == NULL ? -1 : prune_run(r, &req, &out, &a->e);
    prune_result_free(&out);
    repo_close(r);
}

/* All that the origin has, oldest first: one listing for all. */
static void
copy_all(struct actor *a)
{
    static const struct copy_request everything = {
        .db = "shop", .which = "all", .quiet = true, .jobs = 1};
    struct copy_result out = {0};
    struct repo       *r = actor_repo(a);

    a->rc = r == NULL ? -1 : copy_run(origin, r, &everything, &out, &a->e);
    for (size_t i = 0; i < out.n && a->rc == 0 && !a->killed; i++) {
        if (out.v[i].status == COPY_FAILED) {
            lost(out.v[i].err.text);
        }
    }
    copy_result_free(&out);
    repo_close(r);
}

static void
expect_good(const struct actor *a)
{
    bool good = a->rc == 0 || a->killed || a->e.kind == ERR_BUSY;

    if (!good) {
        lost(a->e.text);
    }
}

/* ---- at rest ---- */

struct tally {
    unsigned       chunks, marks, parts;
    struct strlist trash, runs; /* keys below trash/ and trash-runs/ */
};

/* A list or manifest of a copy, in the directory of a backup that has a label: what a copy that was
 * killed has left there stays as long as the backup. */
static bool
beside_a_label(const char *key)
{
    struct object_info info;
    struct err         none = ERR_INIT;
    const char        *part = strrchr(key, '/');
    char              *label;
    bool               beside;

    if (strncmp(part, "/chunks-", 8) != 0 && strncmp(part, "/manifest-", 10) != 0) {
        return false;
    }
    label = xasprintf("%.*s/label.json", (int)(part - key), key);
    beside = storage_head(plain->st, label, &info, &none) == 0;
    free(label);
    return beside;
}

static int
tally(void *ctx, const struct object_info *info, struct err *e)
{
    struct tally *t = ctx;
    const char   *key = info->key;

    (void)e;
    t->chunks += strncmp(key, "shop/chunks/", 12) == 0;
    if (strncmp(key, "shop/trash/", 11) == 0) {
        strlist_add(&t->trash, key);
    } else if (strncmp(key, "shop/trash-runs/", 16) == 0) {
        strlist_add(&t->runs, key);
    }
    t->parts += strncmp(key, "shop/backups/", 13) == 0 && !beside_a_label(key);
    t->marks += strncmp(key, "shop/runs/", 10) == 0 && strstr(key, ".revoked") == NULL;
    return 0;
}

static int
print_key(void *ctx, const struct object_info *info, struct err *e)
{
    (void)ctx;
    (void)e;
    (void)fprintf(stderr, "  %s\n", info->key);
    return 0;
}

static int
count_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    char *key = chunk_key("shop", &line->name);

    (void)e;
    if (!strlist_has(ctx, key)) {
        strlist_add(ctx, key);
    }
    free(key);
    return 0;
}

static int
is_stored(void *ctx, const char *name, struct err *e)
{
    char              *key = xasprintf("shop/chunks/%s", name);
    struct object_info info;

    *(bool *)ctx |= storage_head(plain->st, key, &info, e) == 0;
    err_clear(e);
    free(key);
    return 0;
}

/* A list stays while something that it names is still needed; nothing else is stored by now. */
static void
check_trash(struct tally *t)
{
    struct err e = ERR_INIT;

    for (size_t i = 0; i < t->trash.n; i++) {
        bool stored = false;

        assert_ok(blocklist_read(plain, t->trash.v[i], "trash", is_stored, &stored, &e), &e);
        if (!stored) {
            lost("a trash list was left whose objects are gone");
        }
    }
    if (t->trash.n == 0 && t->runs.n > 0) {
        lost("the runs of a trash list were left");
    }
    strlist_free(&t->trash);
    strlist_free(&t->runs);
}

static void
check_rest(void)
{
    struct tally       t = {0};
    struct backup_list list;
    struct strlist     needed = {0};
    struct err         e = ERR_INIT;
    unsigned           committed = 0;
    unsigned           parts = 0;

    assert_ok(backup_list_load(plain, "shop", &list, &e), &e);
    for (size_t i = 0; i < list.n; i++) {
        if (list.v[i].state != BACKUP_COMMITTED) {
            lost("a void backup was left");
        }
        committed++;
        /* The list and manifest of a copy are not counted (beside_a_label()). */
        parts += FIXTURE_OBJECTS - (list.v[i].label->copied_run[0] != '\0' ? 2 : 0);
        assert_ok(chunk_list_read(plain, list.v[i].label, count_line, &needed, &e), &e);
        /* Its bytes, by their hash and id. */
        for (size_t k = 0; k < needed.n; k++) {
            const char *key = needed.v[k];
            struct buf  data = BUF_INIT(MIB);
            char        hex[SHA256_HEX + 1];

            assert_ok(storage_get(plain->st, key, &data, &e), &e);
            sha256_hex(data.data, data.len, hex);
            if (strstr(key, hex) == NULL) {
                lost("an object has other bytes");
            }
            buf_free(&data);
        }
    }
    assert_ok(storage_list(plain->st, "shop/", tally, &t, &e), &e);
    if (t.chunks != needed.n || t.marks != 0 || t.parts != parts) {
        (void)fprintf(stderr,
                      "%u chunks of which %zu are needed, %u marks, %u objects of %u backups\n",
                      t.chunks, needed.n, t.marks, t.parts, committed);
        (void)storage_list(plain->st, "shop/", print_key, NULL, &e);
        lost("garbage was left");
    }
    check_trash(&t);
    strlist_free(&needed);
    backup_list_free(&list);
}

/* ---- one schedule ---- */

static void
remember_repo(struct world *w)
{
    struct repo *r;

    w->inner = NULL;
    r = fixture_repo_in_memory();
    w->inner = r->st;
    plain = r;
}

static void
run_alone(struct world *w, void (*body)(struct actor *), unsigned number)
{
    world_add(w, body, number, 0);
    world_run(w);
    expect_good(w->actors[0]);
    world_dismiss(w);
}

static unsigned
maybe_killed(struct world *w)
{
    return world_pick(w, 2) == 0 ? 1 + world_pick(w, 60) : 0;
}

static void
begin_origin(void)
{
    static char                     dbname[] = "shop";
    static const struct repo_source shop = {
        .system_identifier = 7000000000000000001u, .database_oid = 16384, .dbname = dbname};
    struct err e = ERR_INIT;

    origin = fixture_repo_number(1);
    assert_ok(source_bind(origin, "shop", &shop, false, &e), &e);
    assert_ok(source_bind(plain, "shop", &shop, false, &e), &e);
}

/* Two more backups to copy. */
static void
grow_origin(struct world *w)
{
    struct err e = ERR_INIT;

    for (unsigned i = 0; i < 2; i++) {
        assert_ok(fixture_backup(origin, 1 + world_pick(w, 3), NULL, NULL, &e), &e);
    }
}

/* Three backups, or a copy in place of one, and two prunes at once; then some time in which nobody
 * works. */
static void
run_round(struct world *w)
{
    static const unsigned pauses[] = {0, 100, 3600, 73 * 3600};

    bool copies = world_pick(w, 2) == 0;

    if (copies) {
        grow_origin(w);
        world_add(w, copy_all, 0, maybe_killed(w));
    }
    for (unsigned i = copies; i < 3; i++) {
        world_add(w, write_backup, 1 + world_pick(w, 3), maybe_killed(w));
    }
    for (unsigned i = 0; i < 2; i++) {
        world_add(w, prune, 1 + world_pick(w, 2), maybe_killed(w));
    }
    world_run(w);
    for (size_t i = 0; i < w->n_actors; i++) {
        expect_good(w->actors[i]);
    }
    world_dismiss(w);
    w->now = w->now + pauses[world_pick(w, 4)];
}

static void
run_schedule(uint64_t number)
{
    struct world w = {.lock = PTHREAD_MUTEX_INITIALIZER, .waiting = PTHREAD_COND_INITIALIZER};

    seed = number;
    w.random = number;
    the_world = &w;
    w.stale = world_pick(&w, 2) == 0 ? 0 : 5;
    w.again = world_pick(&w, 2) == 0;
    w.check = check_live;
    remember_repo(&w);
    begin_origin();
    run_alone(&w, write_backup, 1);
    for (unsigned round = 0; round < 3; round++) {
        run_round(&w);
    }
    w.now = w.now + 7200;
    world_arrivals(&w);
    w.now = w.now + 73 * 3600;
    w.again = false;
    run_alone(&w, prune, 100);
    run_alone(&w, prune, 100);
    check_rest();
    w.inner = NULL;
    repo_close(plain);
    repo_close(origin);
    world_free(&w);
    the_world = NULL;
}

static void
no_schedule_loses_anything(void **state)
{
    const char *one = getenv("PGASSAY_SEED");
    const char *many = getenv("PGASSAY_SCHEDULES");
    uint64_t    n = many == NULL ? SCHEDULES : strtoull(many, NULL, 10);

    (void)state;
    if (one != NULL) {
        run_schedule(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        run_schedule(20261121 + i);
    }
    print_message("%llu schedules from seed %u\n", (unsigned long long)n, 20261121U);
}

static char *journals;

static int
set_up(void **state)
{
    (void)state;
    journals = fixture_state();
    yielding_init();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fixture_remove(journals);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_schedule_loses_anything, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
