/* copy.h: what is copied, what is not even read, and what faults, damage and kill -9 leave. */
#include "tests/fault/damage.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "storage/heal/copy.h"
#include "storage/repo/tombstone.h"
#include "storage/retention/prune.h"
#include "tests/support/drivers.h"

enum { KILLS = 20 };

static char *state_dir;

/* A source with a bound name and two backups, and an empty destination. */
struct pair {
    struct repo *from, *to;
    char         a[BACKUP_ID_MAX], b[BACKUP_ID_MAX];
};

static char               dbname[] = "shop";
static struct repo_source here = {
    .system_identifier = 7000000000000000001u, .database_oid = 16384, .dbname = dbname};

static int
set_up(void **state)
{
    struct pair *p = xcalloc(1, sizeof *p);
    struct err   e = ERR_INIT;

    state_dir = fixture_state();
    p->from = fixture_repo_number(1);
    p->to = fixture_repo_number(2);
    assert_ok(source_bind(p->from, "shop", &here, false, &e), &e);
    assert_ok(fixture_backup(p->from, 1, p->a, NULL, &e), &e);
    assert_ok(fixture_backup(p->from, 2, p->b, NULL, &e), &e);
    *state = p;
    return 0;
}

static int
tear_down(void **state)
{
    struct pair *p = *state;

    repo_close(p->from);
    repo_close(p->to);
    free(p);
    fixture_remove(state_dir);
    return 0;
}

static const struct copy_request everything = {
    .db = "shop", .which = "all", .quiet = true, .jobs = 2};

/* Copies, and expects these states of the backups. */
static void
assert_copy(const struct pair *p, const struct copy_request *q, const char *want,
            struct copy_result *out)
{
    struct copy_result r;
    struct err         e = ERR_INIT;
    char               have[100] = "";

    assert_ok(copy_run(p->from, p->to, q, &r, &e), &e);
    for (size_t i = 0; i < r.n; i++) {
        (void)strcat(have, i == 0 ? "" : " ");
        (void)strcat(have, copy_status_text(r.v[i].status));
    }
    assert_string_equal(have, want);
    if (out != NULL) {
        *out = r;
    } else {
        copy_result_free(&r);
    }
}

static char *
first_key(struct repo *r, const char *prefix)
{
    struct strlist keys = fixture_keys_with(r, prefix, "");
    char          *key;

    assert_true(keys.n > 0);
    key = xstrdup(keys.v[0]);
    strlist_free(&keys);
    return key;
}

/* Other bytes under the same name. */
static void
damage(struct repo *r, char *key)
{
    struct err e = ERR_INIT;
    struct buf b = BUF_INIT(MIB);

    assert_ok(storage_get(r->st, key, &b, &e), &e);
    b.data[b.len / 2] ^= 4;
    assert_ok(storage_remove(r->st, (const char *const *)&key, 1, &e), &e);
    assert_ok(storage_put(r->st, key, b.data, b.len, &e), &e);
    buf_free(&b);
}

/* The same repository, each of whose calls is counted, and the n-th fails (0: none). */
static struct repo *
counted(struct repo *r, unsigned n, bool after, unsigned *calls)
{
    struct storage *st = r->st;
    struct err      e = ERR_INIT;
    struct repo    *c;

    r->st = NULL;
    repo_close(r);
    c = repo_open_storage(storage_failing_new(st, n == 0 ? 0 : n + 2, after, calls), &e);
    assert_non_null(c);
    return c;
}

/* ---- what is copied ---- */

static void
a_copy_reads_back_and_tells_where_it_came_from(void **state)
{
    struct pair       *p = *state;
    struct err         e = ERR_INIT;
    struct label      *l;
    struct label      *origin;
    struct manifest   *m;
    struct repo_source bound;

    assert_copy(p, &everything, "copied copied", NULL);
    assert_ok(fixture_read(p->to, p->a, 1, &e), &e);
    assert_ok(fixture_read(p->to, p->b, 2, &e), &e);
    assert_int_equal(fixture_count_keys(p->to, "shop/runs/"), 0);
    l = label_load(p->to, "shop", p->b, &e);
    origin = label_load(p->from, "shop", p->b, &e);
    assert_non_null(l);
    assert_string_equal(l->copied_repo, p->from->id);
    assert_string_equal(l->copied_run, origin->run);
    assert_string_not_equal(l->run, origin->run);
    assert_int_equal(l->snapshot, origin->snapshot);
    m = manifest_load(p->to, l, &e);
    assert_non_null(m);
    /* Its fingerprints are those that were taken, with the key they were taken with. */
    assert_memory_equal(m->fingerprint_key, fixture_naming(p->from) + ID_KEY,
                        sizeof m->fingerprint_key);
    manifest_free(m);
    label_free(l);
    label_free(origin);
    assert_ok(source_load(p->to, "shop", &bound, &e), &e);
    assert_true(bound.system_identifier == here.system_identifier);
    source_free(&bound);
}

static void
only_missing_chunks_travel(void **state)
{
    struct pair       *p = *state;
    struct copy_result r;

    assert_copy(p, &everything, "copied copied", &r);
    assert_int_equal(r.v[0].new_chunks, FIXTURE_CHUNKS);
    assert_int_equal(r.v[1].new_chunks, FIXTURE_CHUNKS - 1);
    assert_int_equal(r.v[1].chunks, FIXTURE_CHUNKS);
    copy_result_free(&r);
    assert_int_equal(fixture_count_keys(p->to, "shop/chunks/"), 2 * FIXTURE_CHUNKS - 1);
}

static void
what_the_destination_has_by_a_backup_of_its_own_does_not_travel(void **state)
{
    struct pair       *p = *state;
    struct err         e = ERR_INIT;
    struct copy_result r;

    assert_ok(source_bind(p->to, "shop", &here, false, &e), &e);
    assert_ok(fixture_backup(p->to, 2, NULL, NULL, &e), &e);
    assert_copy(p, &everything, "copied copied", &r);
    assert_int_equal(r.v[0].new_chunks, FIXTURE_CHUNKS - 1);
    assert_int_equal(r.v[1].new_chunks, 0);
    copy_result_free(&r);
}

static void
a_dry_run_counts_what_would_travel_and_writes_nothing(void **state)
{
    struct pair        *p = *state;
    struct copy_request q = everything;
    struct copy_result  r;

    q.dry_run = true;
    assert_copy(p, &q, "planned planned", &r);
    assert_int_equal(r.v[0].new_chunks, FIXTURE_CHUNKS);
    assert_int_equal(r.v[1].new_chunks, FIXTURE_CHUNKS - 1);
    copy_result_free(&r);
    assert_int_equal(fixture_count_keys(p->to, ""), 1);
}

/* What is there costs the labels at both ends and a few listings, whatever its size. */
static void
an_unchanged_repository_is_not_read(void **state)
{
    struct pair *p = *state;
    unsigned     at_source = 0;
    unsigned     at_destination = 0;
    size_t       before;

    assert_copy(p, &everything, "copied copied", NULL);
    before = fixture_count_keys(p->to, "");
    p->from = counted(p->from, 0, false, &at_source);
    p->to = counted(p->to, 0, false, &at_destination);
    assert_copy(p, &everything, "present present", NULL);
    assert_int_equal(fixture_count_keys(p->to, ""), before);
    /* Two labels each; the rest is opening, who the name stands for, and listings. */
    assert_true(at_source <= 2 + 12);
    assert_true(at_destination <= 2 + 12);
}

/* A new backup without a new chunk: no chunk is read or written. */
static void
chunks_that_are_there_are_not_read(void **state)
{
    struct pair       *p = *state;
    struct err         e = ERR_INIT;
    struct copy_result r;
    char              *key;

    assert_copy(p, &everything, "copied copied", NULL);
    assert_ok(fixture_backup(p->from, 2, NULL, NULL, &e), &e);
    while (fixture_count_keys(p->from, "shop/chunks/") > 0) {
        key = first_key(p->from, "shop/chunks/");
        assert_ok(storage_remove(p->from->st, (const char *const *)&key, 1, &e), &e);
        free(key);
    }
    assert_copy(p, &everything, "present present copied", &r);
    assert_int_equal(r.v[2].new_chunks, 0);
    assert_ok(fixture_read(p->to, r.v[2].id, 2, &e), &e);
    copy_result_free(&r);
}

static void
one_backup_or_the_latest_is_copied(void **state)
{
    struct pair        *p = *state;
    struct copy_request q = everything;
    struct copy_result  r;
    struct err          e = ERR_INIT;

    q.which = "latest";
    assert_copy(p, &q, "copied", NULL);
    assert_ok(fixture_read(p->to, p->b, 2, &e), &e);
    q.which = p->a;
    assert_copy(p, &q, "copied", NULL);
    assert_ok(fixture_read(p->to, p->a, 1, &e), &e);
    q.which = "20200101T000000Z-0000";
    assert_int_equal(copy_run(p->from, p->to, &q, &r, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    copy_result_free(&r);
}

static void
there_and_back(void **state)
{
    struct pair *p = *state;
    struct err   e = ERR_INIT;
    struct pair  back = {.from = p->to, .to = fixture_repo_number(3)};

    assert_copy(p, &everything, "copied copied", NULL);
    assert_copy(&back, &everything, "copied copied", NULL);
    assert_ok(fixture_read(back.to, p->a, 1, &e), &e);
    assert_ok(fixture_read(back.to, p->b, 2, &e), &e);
    repo_close(back.to);
}

/* ---- what is not ---- */

static void
another_database_under_that_name_is_refused(void **state)
{
    struct pair        *p = *state;
    struct repo_source  other = {.system_identifier = here.system_identifier,
                                 .database_oid = here.database_oid + 1,
                                 .dbname = dbname};
    struct copy_request q = everything;
    struct copy_result  r;
    struct err          e = ERR_INIT;

    assert_ok(source_bind(p->to, "shop", &other, false, &e), &e);
    assert_int_equal(copy_run(p->from, p->to, &q, &r, &e), -1);
    assert_err(&e, ERR_EXISTS, "another database");
    assert_non_null(strstr(e.hint, "--adopt"));
    assert_int_equal(r.n, 0);
    assert_int_equal(fixture_count_keys(p->to, ""), 2);
    copy_result_free(&r);
    q.adopt = true;
    assert_copy(p, &q, "copied copied", NULL);
}

static void
what_expired_at_the_destination_is_copied_only_when_it_is_named(void **state)
{
    struct pair        *p = *state;
    struct err          e = ERR_INIT;
    struct copy_request q = everything;
    struct label       *l;
    char               *key;

    assert_copy(p, &everything, "copied copied", NULL);
    l = label_load(p->to, "shop", p->a, &e);
    assert_non_null(l);
    assert_ok(tombstone_put(p->to, "shop", p->a, l, time(NULL), "0123456789abcdef", &e), &e);
    key = backup_key("shop", p->a, "label.json");
    assert_ok(storage_remove(p->to->st, (const char *const *)&key, 1, &e), &e);
    assert_copy(p, &everything, "expired present", NULL);
    q.which = p->a;
    assert_copy(p, &q, "copied", NULL);
    assert_ok(fixture_read(p->to, p->a, 1, &e), &e);
    free(key);
    label_free(l);
}

static void
a_damaged_backup_is_named_and_left_out(void **state)
{
    struct pair       *p = *state;
    struct err         e = ERR_INIT;
    struct copy_result r;
    char              *key = backup_key("shop", p->a, "manifest.json.zst");

    damage(p->from, key);
    assert_copy(p, &everything, "failed copied", &r);
    assert_err(&r.v[0].err, ERR_CORRUPT, "manifest");
    copy_result_free(&r);
    assert_int_equal(fixture_count(p->to, BACKUP_COMMITTED), 1);
    assert_ok(fixture_read(p->to, p->b, 2, &e), &e);
    free(key);
}

/* A chunk that is not what it was never arrives, whoever altered it. */
static void
a_bad_chunk_does_not_travel(void **state)
{
    struct pair       *p = *state;
    struct strlist     keys = fixture_keys_with(p->from, "shop/chunks/", "");
    struct copy_result r;

    for (size_t i = 0; i < keys.n; i++) {
        damage(p->from, keys.v[i]);
    }
    assert_copy(p, &everything, "failed failed", &r);
    for (size_t i = 0; i < r.n; i++) {
        assert_err(&r.v[i].err, ERR_CORRUPT, "chunk");
    }
    assert_int_equal(fixture_count_keys(p->to, "shop/chunks/"), 0);
    assert_int_equal(fixture_count_keys(p->to, "shop/runs/"), 0);
    copy_result_free(&r);
    strlist_free(&keys);
}

static void
a_damaged_one_at_the_destination_is_not_taken_for_good(void **state)
{
    struct pair       *p = *state;
    struct err         e = ERR_INIT;
    struct copy_result r;
    char              *key;
    char              *part;
    struct label      *l;

    assert_copy(p, &everything, "copied copied", NULL);
    l = label_load(p->to, "shop", p->a, &e);
    assert_non_null(l);
    part = label_part_name(l, LABEL_MANIFEST);
    key = backup_key("shop", p->a, part);
    assert_ok(storage_remove(p->to->st, (const char *const *)&key, 1, &e), &e);
    assert_copy(p, &everything, "failed present", &r);
    assert_err(&r.v[0].err, ERR_EXISTS, "is damaged there");
    assert_non_null(strstr(r.v[0].err.hint, "--repair-from"));
    copy_result_free(&r);
    label_free(l);
    free(part);
    free(key);
}

/* ---- faults ---- */

static void
assert_whole_or_nothing(struct repo *r, const char *id, unsigned seed)
{
    struct err    e = ERR_INIT;
    struct label *l = label_load(r, "shop", id, &e);

    if (l != NULL) {
        assert_ok(fixture_read(r, id, seed, &e), &e);
    } else {
        assert_int_equal(e.kind, ERR_NOT_FOUND);
    }
    label_free(l);
}

/* True as long as there was an n-th call. */
static bool
copy_with_a_fault_at(unsigned n, bool at_source, bool after)
{
    struct pair       *p;
    unsigned           calls = 0;
    struct err         e = ERR_INIT;
    struct copy_result r;
    void              *state = NULL;
    size_t             failed = 0;
    bool               hit;
    int                rc;

    (void)set_up(&state);
    p = state;
    if (at_source) {
        p->from = counted(p->from, n, after, &calls);
    } else {
        p->to = counted(p->to, n, after, &calls);
    }
    rc = copy_run(p->from, p->to, &everything, &r, &e);
    hit = calls >= n + 2;
    for (size_t i = 0; i < r.n; i++) {
        failed += r.v[i].status == COPY_FAILED;
    }
    copy_result_free(&r);
    if (!hit) {
        assert_true(rc == 0 && failed == 0);
    } else if (rc == 0 && failed == 0) {
        /* What may fail with a warning only: a run mark that stays beside its label. */
        assert_ok(fixture_read(p->to, p->a, 1, &e), &e);
        assert_ok(fixture_read(p->to, p->b, 2, &e), &e);
    } else {
        assert_whole_or_nothing(p->to, p->a, 1);
        assert_whole_or_nothing(p->to, p->b, 2);
        err_clear(&e);
        assert_ok(copy_run(p->from, p->to, &everything, &r, &e), &e);
        copy_result_free(&r);
        assert_ok(fixture_read(p->to, p->a, 1, &e), &e);
        assert_ok(fixture_read(p->to, p->b, 2, &e), &e);
    }
    (void)tear_down(&state);
    return hit;
}

static void
a_copy_survives_a_fault_at_any_call(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        unsigned n = 1;

        while (copy_with_a_fault_at(n, kind % 2 == 0, kind / 2 == 1)) {
            n++;
        }
        assert_true(n > 12);
    }
}

static void
an_interrupted_copy_is_resumed(void **state)
{
    struct pair       *p = *state;
    struct err         e = ERR_INIT;
    struct copy_result r;
    uint64_t           there = 0;

    /* Each call in turn fails, until some chunks have arrived. */
    for (unsigned n = 8; there < 2; n++) {
        assert_true(n < 100);
        repo_close(p->to);
        p->to = counted(fixture_repo_number(2), n, false, NULL);
        assert_int_equal(copy_run(p->from, p->to, &everything, &r, &e), -1);
        copy_result_free(&r);
        err_clear(&e);
        there = fixture_count_keys(p->to, "shop/chunks/");
    }
    assert_true(there < 2 * FIXTURE_CHUNKS - 1);
    assert_copy(p, &everything, "copied copied", NULL);
    /* Nothing was sent twice. */
    assert_int_equal(fixture_count_keys(p->to, "shop/chunks/"), 2 * FIXTURE_CHUNKS - 1);
    assert_ok(fixture_read(p->to, p->a, 1, &e), &e);
}

struct copier {
    struct pair       *pair;
    struct copy_result result;
    struct err         e;
    int                rc;
};

static void *
copy_thread(void *arg)
{
    struct copier *c = arg;

    c->rc = copy_run(c->pair->from, c->pair->to, &everything, &c->result, &c->e);
    return NULL;
}

static void
two_who_copy_at_once_agree(void **state)
{
    struct pair *p = *state;
    struct err   e = ERR_INIT;

    for (int round = 0; round < 10; round++) {
        struct copier c[2] = {{.pair = p}, {.pair = p}};
        pthread_t     t[2];

        repo_close(p->to);
        p->to = fixture_repo_number(2);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(pthread_create(&t[i], NULL, copy_thread, &c[i]), 0);
        }
        for (int i = 0; i < 2; i++) {
            assert_int_equal(pthread_join(t[i], NULL), 0);
            assert_ok(c[i].rc, &c[i].e);
            for (size_t k = 0; k < c[i].result.n; k++) {
                assert_int_not_equal(c[i].result.v[k].status, COPY_FAILED);
            }
            copy_result_free(&c[i].result);
        }
        assert_ok(fixture_read(p->to, p->a, 1, &e), &e);
        assert_ok(fixture_read(p->to, p->b, 2, &e), &e);
        assert_int_equal(fixture_count(p->to, BACKUP_COMMITTED), 2);
        assert_int_equal(fixture_count_keys(p->to, "shop/runs/"),
                         0); /* nobody seems to be at work: a prune need not wait */
    }
}

/* ---- beside a prune ---- */

/* The driver's own table, with a list() that does something behind the n-th listing of runs. */
static const struct storage_ops *real_ops;
static unsigned                  listings; /* to come */
static char                     *arrives;  /* is put then */

static int
hooked_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    int rc = real_ops->list(st, prefix, fn, ctx, e);

    if (strcmp(prefix, "shop/runs/") == 0 && listings > 0 && --listings == 0) {
        assert_ok(storage_put(st, arrives, "new", 3, e), e);
    }
    return rc;
}

/* Prunes; what `arrives` names comes behind the n-th listing of runs.  False: there was none. */
static bool
prune_with_arrival(struct repo *r, unsigned n)
{
    const struct prune_request q = {.db = "shop"};
    struct storage_ops         hooked = *r->st->ops;
    struct prune_result        result;
    struct err                 e = ERR_INIT;

    real_ops = r->st->ops;
    listings = n;
    hooked.list = hooked_list;
    r->st->ops = &hooked;
    assert_ok(prune_run(r, &q, &result, &e), &e);
    r->st->ops = real_ops;
    prune_result_free(&result);
    return listings == 0;
}

/* What an earlier copy left in a backup's directory is garbage; what the next one, which began
 * behind the prune's look at the runs, has put there is not. */
static void
a_prune_leaves_alone_what_came_behind_its_look(void **state)
{
    struct pair        *p = *state;
    struct err          e = ERR_INIT;
    struct object_info  info;
    struct copy_request one = everything;
    char               *old = backup_key("shop", p->a, "manifest-0000000000000001.json.zst");
    bool                stays = false;

    arrives = backup_key("shop", p->a, "manifest-0000000000000002.json.zst");
    one.which = p->b;
    assert_copy(p, &one, "copied", NULL);
    for (unsigned n = 1;; n++) {
        assert_ok(storage_put(p->to->st, old, "old", 3, &e), &e);
        assert_ok(storage_remove(p->to->st, (const char *const *)&arrives, 1, &e), &e);
        if (!prune_with_arrival(p->to, n)) {
            break;
        }
        assert_int_equal(storage_head(p->to->st, old, &info, &e), -1);
        err_clear(&e);
        stays = storage_head(p->to->st, arrives, &info, &e) == 0;
        err_clear(&e);
    }
    /* The last listing of runs is the one that counts. */
    assert_true(stays);
    free(old);
    free(arrives);
}

/* ---- one listing for all ---- */

static unsigned chunk_listings;
static unsigned prune_at; /* the put() or list() before which two prunes run; 0: none */
static unsigned watched;  /* put() and list() so far */

static int
counting_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    chunk_listings += strncmp(prefix, "shop/chunks/", 12) == 0;
    return real_ops->list(st, prefix, fn, ctx, e);
}

static void
the_destinations_chunks_are_listed_once(void **state)
{
    enum { MORE = 4 };
    struct pair       *p = *state;
    struct storage_ops counting = *p->to->st->ops;
    struct err         e = ERR_INIT;

    for (int i = 0; i < MORE; i++) {
        assert_ok(fixture_backup(p->from, 2, NULL, NULL, &e), &e);
    }
    real_ops = p->to->st->ops;
    counting.list = counting_list;
    p->to->st->ops = &counting;
    chunk_listings = 0;
    assert_copy(p, &everything, "copied copied copied copied copied copied", NULL);
    p->to->st->ops = real_ops;
    /* And once more for each of the two that sent chunks: are they there? */
    assert_int_equal(chunk_listings, 1 + 2);
    assert_int_equal(fixture_count_keys(p->to, "shop/chunks/"), 2 * FIXTURE_CHUNKS - 1);
    assert_int_equal(fixture_count_keys(p->to, "shop/runs/"), 0);
}

/* What stood at the destination before the copy expires, once another is there. */
static int
expire_its_own(void *ctx, const struct backup_list *list, time_t now, struct strlist *expire,
               struct err *e)
{
    const struct pair *p = ctx;

    (void)now;
    (void)e;
    for (size_t i = 0; i < list->n && list->n > 1; i++) {
        if (strcmp(list->v[i].id, p->a) != 0 && strcmp(list->v[i].id, p->b) != 0) {
            strlist_add(expire, list->v[i].id);
        }
    }
    return 0;
}

static struct pair *pruned;

static void
maybe_prune(struct storage *st)
{
    const struct prune_request q = {.db = "shop", .decide = expire_its_own, .ctx = pruned};
    const struct storage_ops  *hooked = st->ops;

    if (++watched != prune_at) {
        return;
    }
    st->ops = real_ops;
    for (int i = 0; i < 2; i++) {
        struct prune_result result;
        struct err          e = ERR_INIT;

        assert_ok(prune_run(pruned->to, &q, &result, &e), &e);
        prune_result_free(&result);
    }
    st->ops = hooked;
}

static int
pruning_put(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    maybe_prune(st);
    return real_ops->put(st, key, blob, e);
}

static int
pruning_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    maybe_prune(st);
    return real_ops->list(st, prefix, fn, ctx, e);
}

/* The second backup could reuse what the first one's listing showed, and what has expired since. */
static void
prunes_at_any_moment_of_a_copy_take_nothing_from_it(void **state)
{
    struct pair       *p = *state;
    struct storage_ops hooked;
    struct err         e = ERR_INIT;

    pruned = p;
    for (prune_at = 1;; prune_at++) {
        repo_close(p->to);
        p->to = fixture_repo_number(2);
        assert_ok(source_bind(p->to, "shop", &here, false, &e), &e);
        assert_ok(fixture_backup(p->to, 2, NULL, NULL, &e), &e);
        real_ops = p->to->st->ops;
        hooked = *real_ops;
        hooked.put = pruning_put;
        hooked.list = pruning_list;
        p->to->st->ops = &hooked;
        watched = 0;
        assert_copy(p, &everything, "copied copied", NULL);
        p->to->st->ops = real_ops;
        assert_ok(fixture_read(p->to, p->a, 1, &e), &e);
        assert_ok(fixture_read(p->to, p->b, 2, &e), &e);
        if (watched < prune_at) {
            break;
        }
    }
    assert_true(prune_at > 20);
}

/* ---- kill -9 ---- */

static struct repo *
directory_repo(const char *root)
{
    struct err   e = ERR_INIT;
    struct repo *r;

    assert_ok(repo_init(STORAGE_LOCATION(root), &e), &e);
    r = repo_open(STORAGE_LOCATION(root), &e);
    assert_non_null(r);
    return r;
}

static void
a_killed_copy_leaves_whole_backups_only(void **state)
{
    enum { BACKUPS = 8 };
    char              *dir = fixture_dir();
    char              *from = xasprintf("%s/from", dir);
    char              *to = xasprintf("%s/to", dir);
    struct pair        p = {.from = directory_repo(from), .to = directory_repo(to)};
    struct err         e = ERR_INIT;
    char               id[BACKUPS][BACKUP_ID_MAX];
    struct copy_result r;

    (void)state;
    assert_ok(source_bind(p.from, "shop", &here, false, &e), &e);
    for (unsigned i = 0; i < BACKUPS; i++) {
        assert_ok(fixture_backup(p.from, i, id[i], NULL, &e), &e);
    }
    srand(20261121);
    for (unsigned k = 0; k < KILLS; k++) {
        pid_t pid = fork();
        int   status;

        assert_true(pid >= 0);
        if (pid == 0) {
            (void)copy_run(p.from, p.to, &everything, &r, &e);
            _exit(0);
        }
        (void)usleep((useconds_t)((unsigned)rand() % 9000));
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(fixture_count(p.to, BACKUP_DAMAGED), 0);
        for (unsigned i = 0; i < BACKUPS; i++) {
            assert_whole_or_nothing(p.to, id[i], i);
        }
    }
    assert_ok(copy_run(p.from, p.to, &everything, &r, &e), &e);
    copy_result_free(&r);
    for (unsigned i = 0; i < BACKUPS; i++) {
        assert_ok(fixture_read(p.to, id[i], i, &e), &e);
    }
    repo_close(p.from);
    repo_close(p.to);
    fixture_remove(dir);
    free(from);
    free(to);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_copy_reads_back_and_tells_where_it_came_from),
        TEST(only_missing_chunks_travel),
        TEST(what_the_destination_has_by_a_backup_of_its_own_does_not_travel),
        TEST(a_dry_run_counts_what_would_travel_and_writes_nothing),
        TEST(an_unchanged_repository_is_not_read),
        TEST(chunks_that_are_there_are_not_read),
        TEST(one_backup_or_the_latest_is_copied),
        TEST(there_and_back),
        TEST(another_database_under_that_name_is_refused),
        TEST(what_expired_at_the_destination_is_copied_only_when_it_is_named),
        TEST(a_damaged_backup_is_named_and_left_out),
        TEST(a_bad_chunk_does_not_travel),
        TEST(a_damaged_one_at_the_destination_is_not_taken_for_good),
        cmocka_unit_test(a_copy_survives_a_fault_at_any_call),
        TEST(an_interrupted_copy_is_resumed),
        TEST(two_who_copy_at_once_agree),
        TEST(a_prune_leaves_alone_what_came_behind_its_look),
        TEST(the_destinations_chunks_are_listed_once),
        TEST(prunes_at_any_moment_of_a_copy_take_nothing_from_it),
        TEST(a_killed_copy_leaves_whole_backups_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
