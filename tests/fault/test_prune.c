/* What prune removes, what it leaves, and what stops it.  Concurrency: test_prune_schedules.c
 * and tests/model. */
#include "tests/fault/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "storage/format/chunkname.h"
#include "storage/format/object.h"
#include "storage/repo/blocklist.h"
#include "storage/repo/runmark.h"
#include "storage/repo/tombstone.h"
#include "storage/retention/prune.h"
#include "tests/support/drivers.h"

/* This host's clock, so far ahead of the true one. */
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

/* ---- what is in the repository ---- */

struct matching {
    const char *end; /* what a key ends with; "" any */
    size_t      n;
    char        last[STORAGE_KEY_MAX];
};

static int
match(void *ctx, const struct object_info *info, struct err *e)
{
    struct matching *m = ctx;
    size_t           n = strlen(info->key);

    (void)e;
    if (n >= strlen(m->end) && strcmp(info->key + n - strlen(m->end), m->end) == 0) {
        m->n++;
        memcpy(m->last, info->key, n + 1);
    }
    return 0;
}

/* How many objects there are below prefix that end so; key (may be NULL): the last of them. */
static size_t
count_objects(struct repo *r, const char *prefix, const char *end, char *key)
{
    struct matching m = {.end = end};
    struct err      e = ERR_INIT;

    assert_ok(storage_list(r->st, prefix, match, &m, &e), &e);
    if (key != NULL) {
        memcpy(key, m.last, sizeof m.last);
    }
    return m.n;
}

static void
put_text(struct repo *r, const char *key, const char *text)
{
    struct err e = ERR_INIT;

    assert_ok(storage_put(r->st, key, text, strlen(text), &e), &e);
}

static void
remove_key(struct repo *r, const char *key)
{
    struct err e = ERR_INIT;

    assert_ok(storage_remove(r->st, &key, 1, &e), &e);
}

/* ---- deciding ---- */

/* All but the newest n. */
static int
keep_last(void *ctx, const struct backup_list *list, time_t now, struct strlist *expire,
          struct err *e)
{
    (void)now;
    (void)e;
    for (size_t i = 0; i + *(const size_t *)ctx < list->n; i++) {
        strlist_add(expire, list->v[i].id);
    }
    return 0;
}

static int
prune(struct repo *r, size_t keep, struct prune_result *out, struct err *e)
{
    struct prune_request req = {.db = "shop", .decide = keep_last, .ctx = &keep};

    return prune_run(r, &req, out, e);
}

/* Prunes, and expects that to work. */
static void
pruned(struct repo *r, size_t keep)
{
    struct prune_result out;
    struct err          e = ERR_INIT;

    assert_ok(prune(r, keep, &out, &e), &e);
    prune_result_free(&out);
}

/* ---- tests ---- */

static void
only_what_the_others_do_not_need_goes(void **state)
{
    struct repo        *r = *state;
    struct err          e = ERR_INIT;
    struct prune_result out;
    char                id[3][BACKUP_ID_MAX];

    for (unsigned i = 0; i < 3; i++) {
        assert_ok(fixture_backup(r, i + 1, id[i], NULL, &e), &e);
    }
    assert_int_equal(count_objects(r, "shop/chunks/", "", NULL), 1 + 3 * (FIXTURE_CHUNKS - 1));
    assert_ok(prune(r, 2, &out, &e), &e);
    assert_int_equal(out.expired.n, 1);
    assert_string_equal(out.expired.v[0], id[0]);
    assert_int_equal(out.trashed.objects, FIXTURE_CHUNKS - 1);
    assert_int_equal(out.swept.objects, FIXTURE_CHUNKS - 1); /* nobody writes, no grace: at once */
    assert_int_equal(out.kept.objects, 1 + 2 * (FIXTURE_CHUNKS - 1));
    assert_int_equal(out.waiting.objects, 0);
    assert_int_equal(out.n_lists, 1);
    assert_int_equal(out.lists[0].state, PRUNE_SWEPT);
    prune_result_free(&out);
    assert_int_equal(count_objects(r, "shop/chunks/", "", NULL), 1 + 2 * (FIXTURE_CHUNKS - 1));
    assert_int_equal(count_objects(r, "shop/trash/", "", NULL), 0);
    assert_int_equal(count_objects(r, "shop/trash-runs/", "", NULL), 0);
    assert_int_equal(count_objects(r, "shop/runs/", "", NULL), 0);
    assert_int_equal(count_objects(r, "shop/tombstones/", "", NULL), 1);
    assert_int_equal(count_objects(r, "shop/backups/", "", NULL), 2 * FIXTURE_OBJECTS);
    assert_ok(fixture_read(r, id[1], 2, &e), &e);
    assert_ok(fixture_read(r, id[2], 3, &e), &e);
}

static void
a_dry_run_changes_nothing(void **state)
{
    struct repo         *r = *state;
    struct err           e = ERR_INIT;
    size_t               keep = 1;
    struct prune_request req = {.db = "shop", .decide = keep_last, .ctx = &keep, .dry_run = true};
    struct prune_result  out;
    size_t               before;

    for (unsigned i = 0; i < 2; i++) {
        assert_ok(fixture_backup(r, i + 1, NULL, NULL, &e), &e);
    }
    before = count_objects(r, "", "", NULL);
    assert_ok(prune_run(r, &req, &out, &e), &e);
    assert_int_equal(out.expired.n, 1);
    assert_int_equal(out.trashed.objects, FIXTURE_CHUNKS - 1);
    assert_int_equal(count_objects(r, "", "", NULL), before);
    prune_result_free(&out);
}

static void
garbage_stays_for_its_grace_time(void **state)
{
    struct repo         *r = *state;
    struct err           e = ERR_INIT;
    size_t               keep = 1;
    struct prune_request req = {
        .db = "shop", .decide = keep_last, .ctx = &keep, .grace_seconds = 3600};
    struct prune_result out;

    for (unsigned i = 0; i < 2; i++) {
        assert_ok(fixture_backup(r, i + 1, NULL, NULL, &e), &e);
    }
    assert_ok(prune_run(r, &req, &out, &e), &e);
    assert_int_equal(out.swept.objects, 0);
    assert_int_equal(out.waiting.objects, FIXTURE_CHUNKS - 1);
    assert_int_equal(out.lists[0].state, PRUNE_WAITS_GRACE);
    assert_non_null(out.lists[0].why);
    prune_result_free(&out);
    /* Another prune does not name the same objects again. */
    assert_ok(prune_run(r, &req, &out, &e), &e);
    assert_int_equal(out.trashed.objects, 0);
    assert_int_equal(out.n_lists, 1);
    prune_result_free(&out);
    pruned(r, 1);
    assert_int_equal(count_objects(r, "shop/chunks/", "", NULL), FIXTURE_CHUNKS);
}

static void
a_run_that_may_not_have_seen_the_list_is_waited_for(void **state)
{
    struct repo        *r = *state;
    struct err          e = ERR_INIT;
    struct prune_result out;

    for (unsigned i = 0; i < 2; i++) {
        assert_ok(fixture_backup(r, i + 1, NULL, NULL, &e), &e);
    }
    put_text(r, "shop/runs/00000000000000aa", "{}\n");
    assert_ok(prune(r, 1, &out, &e), &e);
    assert_int_equal(out.swept.objects, 0);
    assert_int_equal(out.lists[0].state, PRUNE_WAITS_RUNS);
    assert_int_equal(out.live.n, 1);
    prune_result_free(&out);
    /* Another run, which begins now, is not waited for. */
    remove_key(r, "shop/runs/00000000000000aa");
    put_text(r, "shop/runs/00000000000000bb", "{}\n");
    assert_ok(prune(r, 1, &out, &e), &e);
    assert_int_equal(out.swept.objects, FIXTURE_CHUNKS - 1);
    prune_result_free(&out);
    assert_int_equal(count_objects(r, "shop/runs/", "", NULL), 1);
}

static void
a_tombstone_hides_a_label_that_comes_back(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    struct buf   label = BUF_INIT(LABEL_BYTES_MAX);
    char         id[BACKUP_ID_MAX];
    char        *key;

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    key = backup_key("shop", id, "label.json");
    assert_ok(storage_get(r->st, key, &label, &e), &e);
    assert_ok(fixture_backup(r, 2, NULL, NULL, &e), &e);
    pruned(r, 1);
    assert_ok(storage_put(r->st, key, label.data, label.len, &e), &e);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 1);
    pruned(r, 5);
    assert_int_equal(count_objects(r, "shop/backups/", "label.json", NULL), 1);
    buf_free(&label);
    free(key);
}

static void
what_an_unfinished_run_left_goes_when_nobody_writes(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    put_text(r, "shop/backups/20200101T000000Z-0001/chunks.zst", "x");
    put_text(r, "shop/runs/00000000000000aa", "{}\n");
    pruned(r, 5);
    assert_int_equal(count_objects(r, "shop/backups/", "", NULL), FIXTURE_OBJECTS + 1);
    remove_key(r, "shop/runs/00000000000000aa");
    pruned(r, 5);
    assert_int_equal(count_objects(r, "shop/backups/", "", NULL), FIXTURE_OBJECTS);
}

static void
a_missing_chunk_protects_all_of_its_content(void **state)
{
    struct repo        *r = *state;
    struct err          e = ERR_INIT;
    struct prune_result out;
    char                key[STORAGE_KEY_MAX];
    char               *twin;
    char               *run;
    struct buf          data = BUF_INIT(MIB);

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    assert_int_equal(count_objects(r, "shop/chunks/", "", key), FIXTURE_CHUNKS);
    /* The same content by another run: garbage, but all that is left of it. */
    assert_ok(storage_get(r->st, key, &data, &e), &e);
    twin = xstrdup(key);
    run = strrchr(twin, '.') - 16;
    memset(run, '0', 16);
    assert_ok(storage_put(r->st, twin, data.data, data.len, &e), &e);
    remove_key(r, key);
    assert_ok(prune(r, 5, &out, &e), &e);
    assert_int_equal(out.trashed.objects, 0);
    assert_int_equal(out.protected_objects, 1);
    prune_result_free(&out);
    /* Healed: now it is garbage. */
    assert_ok(storage_put(r->st, key, data.data, data.len, &e), &e);
    assert_ok(prune(r, 5, &out, &e), &e);
    assert_int_equal(out.swept.objects, 1);
    prune_result_free(&out);
    assert_int_equal(count_objects(r, "shop/chunks/", "", NULL), FIXTURE_CHUNKS);
    buf_free(&data);
    free(twin);
}

static void
files_that_are_not_ours_stay(void **state)
{
    struct repo        *r = *state;
    struct err          e = ERR_INIT;
    struct prune_result out;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    put_text(r, "shop/chunks/1/00/README.txt", "hello");
    put_text(r, "shop/backups/notes/mine", "hello");
    assert_ok(prune(r, 5, &out, &e), &e);
    assert_int_equal(out.unknown_objects, 1);
    prune_result_free(&out);
    assert_int_equal(
        count_objects(r, "shop/", "README.txt", NULL) + count_objects(r, "shop/", "mine", NULL), 2);
}

/* ---- what stops it ---- */

/* Two backups of which one would go; then something is spoilt; then prune must fail, saying so,
 * and remove nothing. */
static void
assert_stops(struct repo *r, void (*spoil)(struct repo *), const char *message)
{
    struct err          e = ERR_INIT;
    struct prune_result out;
    size_t              before;

    for (unsigned i = 0; i < 3; i++) {
        assert_ok(fixture_backup(r, i + 1, NULL, NULL, &e), &e);
    }
    spoil(r);
    before = count_objects(r, "", "", NULL);
    assert_int_equal(prune(r, 2, &out, &e), -1);
    if (strstr(e.text, message) == NULL || strstr(e.text, "nothing was removed") == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", e.text, message);
    }
    prune_result_free(&out);
    assert_int_equal(count_objects(r, "", "", NULL), before);
}

static void
replace_object(struct repo *r, const char *prefix, const char *end, const char *text)
{
    char key[STORAGE_KEY_MAX];

    assert_true(count_objects(r, prefix, end, key) > 0);
    remove_key(r, key);
    put_text(r, key, text);
}

static void
spoil_label(struct repo *r)
{
    replace_object(r, "shop/backups/", "label.json", "{\"format\":1\n");
}

static void
spoil_label_needs(struct repo *r)
{
    replace_object(r, "shop/backups/", "label.json",
                   "{\"format\":1,\"needs\":[\"magic\"],\"type\":\"label\"}\n");
}

static void
spoil_chunk_list(struct repo *r)
{
    char       key[STORAGE_KEY_MAX];
    struct buf data = BUF_INIT(MIB);
    struct err e = ERR_INIT;

    (void)count_objects(r, "shop/backups/", "chunks.zst", key);
    assert_ok(storage_get(r->st, key, &data, &e), &e);
    data.data[data.len / 2] ^= 1;
    remove_key(r, key);
    assert_ok(storage_put(r->st, key, data.data, data.len, &e), &e);
    buf_free(&data);
}

static void
lose_chunk_list(struct repo *r)
{
    char key[STORAGE_KEY_MAX];

    (void)count_objects(r, "shop/backups/", "chunks.zst", key);
    remove_key(r, key);
}

static void
spoil_trash(struct repo *r)
{
    put_text(r, "shop/trash/20200101T000000Z-x",
             "{\"format\":1,\"needs\":[],\"type\":\"trash\"}\n");
}

static void
spoil_trash_name(struct repo *r)
{
    put_text(r, "shop/trash/20200101T000000Z-x",
             "{\"format\":1,\"needs\":[],\"type\":\"trash\",\"names\":[\"../../other\"]}\n");
}

static void
spoil_trash_runs(struct repo *r)
{
    put_text(r, "shop/trash/20200101T000000Z-x",
             "{\"format\":1,\"needs\":[],\"type\":\"trash\",\"names\":[]}\n");
    put_text(r, "shop/trash-runs/20200101T000000Z-x.00",
             "{\"format\":2,\"needs\":[],\"type\":\"trash-runs\"}\n");
}

static void
spoil_condemned(struct repo *r)
{
    put_text(r, "shop/condemned/20200101T000000Z-x", "nothing");
}

static void
future_label(struct repo *r)
{
    put_text(r, "shop/backups/22000101T000000Z-0000/label.json", "{}\n");
}

static void
other_prune(struct repo *r)
{
    put_text(r, "shop/runs/00000000000000aa.prune", "{}\n");
}

static const struct storage_ops *memory_ops;

static int
list_but_no_chunks(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx,
                   struct err *e)
{
    return strcmp(prefix, "shop/chunks/") == 0
        ? err_set(e, ERR_IO, "could not open directory \"shop/chunks/1/0f/\"")
        : memory_ops->list(st, prefix, fn, ctx, e);
}

/* A directory that nobody may read, a disk that gives errors: no backup is let go before
 * somebody has looked. */
static void
spoil_listing_of_chunks(struct repo *r)
{
    static struct storage_ops ops;

    memory_ops = r->st->ops;
    ops = *memory_ops;
    ops.list = list_but_no_chunks;
    r->st->ops = &ops;
}

static void
any_doubt_stops_it(void **state)
{
    static const struct {
        void (*spoil)(struct repo *);
        const char *message;
    } cases[] = {
        {spoil_label, "is damaged"},
        {spoil_label_needs, "needs \"magic\""},
        {spoil_chunk_list, "chunk list"},
        {lose_chunk_list, "chunks.zst is missing"},
        {spoil_trash, "key \"names\" is missing"},
        {spoil_trash_name, "is not the name of a chunk"},
        {spoil_trash_runs, "format 2"},
        {spoil_condemned, "condemned"},
        {future_label, "from the future"},
        {other_prune, "another prune is at work"},
        {spoil_listing_of_chunks, "shop/chunks/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct repo *r = fixture_repo_in_memory();

        assert_stops(r, cases[i].spoil, cases[i].message);
        repo_close(r);
    }
}

/* Behind our mark somebody else's is put, before we look. */
static int
put_and_meet_another(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    struct blob mark = {.data = "{}\n", .size = 3};

    if (memory_ops->put(st, key, blob, e) != 0) {
        return -1;
    }
    return strstr(key, ".prune") == NULL
        ? 0
        : memory_ops->put(st, "shop/runs/ffffffffffffffff.prune", &mark, e);
}

/* Cron starts them on two hosts in the same second, every night: if each gave way, none would
 * ever remove anything. */
static void
of_two_at_once_one_goes_on(void **state)
{
    struct repo       *r = *state;
    struct storage_ops ops = *r->st->ops;

    memory_ops = r->st->ops;
    ops.put = put_and_meet_another;
    r->st->ops = &ops;
    pruned(r, 1);
    r->st->ops = memory_ops;
}

/* Another process's mark, put so many seconds ago.  end: '-' it is alive, 'z' it has ended and was
 * not asked for, 'x' it is gone. */
static pid_t
begin_elsewhere(struct repo *r, char end, time_t ago)
{
    int     out[2], status;
    pid_t   child;
    char    mark[4096];
    ssize_t n;

    assert_int_equal(pipe(out), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct run_mark m;
        struct err      e = ERR_INIT;

        if (run_mark_begin(&m, r, "shop", ".prune", &e) != 0 ||
            write(out[1], m.line.data, m.line.len) != (ssize_t)m.line.len) {
            _exit(1);
        }
        while (end == '-') {
            (void)pause();
        }
        _exit(0);
    }
    n = read(out[0], mark, sizeof mark - 1);
    assert_true(n > 0);
    mark[n] = '\0';
    (void)close(out[0]);
    (void)close(out[1]);
    if (end == 'x') {
        assert_int_equal(waitpid(child, &status, 0), child);
    } else if (end == 'z') {
        siginfo_t ended;

        assert_int_equal(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
    }
    ahead = -ago;
    put_text(r, "shop/runs/00000000000000aa.prune", mark);
    ahead = 0;
    return child;
}

/* Text of the mark, with one word in another's place. */
static void
change_mark(struct repo *r, const char *word, const char *with, time_t ago)
{
    static const char key[] = "shop/runs/00000000000000aa.prune";
    struct err        e = ERR_INIT;
    struct buf        raw = BUF_INIT(OBJECT_BYTES_MAX);
    char             *at, *text;

    assert_ok(storage_get(r->st, key, &raw, &e), &e);
    at = strstr(buf_str(&raw), word);
    assert_non_null(at);
    text = xasprintf("%.*s%s%s", (int)(at - buf_str(&raw)), buf_str(&raw), with, at + strlen(word));
    remove_key(r, key);
    ahead = -ago;
    put_text(r, key, text);
    ahead = 0;
    free(text);
    buf_free(&raw);
}

/* One that is passed over is dead: its mark goes. */
static void
assert_prune(struct repo *r, bool goes_on)
{
    struct prune_result out;
    struct err          e = ERR_INIT;
    int                 rc = prune(r, 1, &out, &e);

    prune_result_free(&out);
    assert_int_equal(count_objects(r, "shop/runs/", ".prune", NULL), !goes_on);
    if (goes_on) {
        assert_ok(rc, &e);
    } else {
        assert_int_equal(rc, -1);
        assert_err(&e, ERR_BUSY, "another prune is at work");
    }
}

static void
who_has_died_here_keeps_nobody_away(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;
    int          status;
    pid_t        child;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    (void)begin_elsewhere(r, 'x', 1);
    assert_prune(r, true);
    child = begin_elsewhere(r, 'z', 1);
    assert_prune(r, true);
    assert_int_equal(waitpid(child, &status, 0), child);

    child = begin_elsewhere(r, '-', 1);
    assert_prune(r, false);
    /* a later process has its number */
    change_mark(r, "\"pid_started\":", "\"pid_started\":1", 1);
    assert_prune(r, true);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void
one_elsewhere_is_waited_for_as_long_as_it_renews(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    /* the process is of another machine, or of one that was started anew */
    (void)begin_elsewhere(r, 'x', 1);
    change_mark(r, "\"machine\":\"", "\"machine\":\"not ", PRUNE_DEAD_SECONDS - 20);
    assert_prune(r, false);
    change_mark(r, "not ", "not ", PRUNE_DEAD_SECONDS + 1);
    assert_prune(r, true);
    /* an older program does not say how often it renews */
    (void)begin_elsewhere(r, 'x', 1);
    change_mark(r, "\"machine\":\"", "\"machine\":\"not ", 1);
    change_mark(r, "renewed_every", "unheard_of", PRUNE_DEAD_SECONDS + 1);
    assert_prune(r, false);
    change_mark(r, "not ", "not ", PRUNE_OLD_DEAD_SECONDS + 1);
    assert_prune(r, true);
}

static void
a_damaged_backup_can_be_named(void **state)
{
    struct repo *r = *state;
    struct err   e = ERR_INIT;

    for (unsigned i = 0; i < 3; i++) {
        assert_ok(fixture_backup(r, i + 1, NULL, NULL, &e), &e);
    }
    replace_object(r, "shop/backups/", "label.json", "{\"format\":1\n");
    pruned(r, 0); /* all of them, by name */
    pruned(r, 0);
    assert_int_equal(count_objects(r, "shop/backups/", "", NULL), 0);
    assert_int_equal(count_objects(r, "shop/chunks/", "", NULL), 0);
}

/* ---- time ---- */

/* A repository in a directory, where an object's time is the file system's. */
static struct repo *
repo_in(const char *dir, char **root)
{
    struct err   e = ERR_INIT;
    struct repo *r;

    *root = xasprintf("%s/repo", dir);
    assert_ok(repo_init(STORAGE_LOCATION(*root), &e), &e);
    r = repo_open(STORAGE_LOCATION(*root), &e);
    assert_non_null(r);
    return r;
}

static void
a_run_without_a_sign_of_life_is_revoked_after_three_days(void **state)
{
    static const char   mark[] = "shop/runs/00000000000000aa";
    char               *dir = fixture_dir();
    char               *root;
    struct repo        *r = repo_in(dir, &root);
    char               *path = xasprintf("%s/%s", root, mark);
    struct timespec     then[2] = {{.tv_sec = time(NULL) - 73 * 3600},
                                   {.tv_sec = time(NULL) - 73 * 3600}};
    struct err          e = ERR_INIT;
    struct prune_result out;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(fixture_backup(r, i + 1, NULL, NULL, &e), &e);
    }
    put_text(r, mark, "{}\n");
    assert_ok(prune(r, 1, &out, &e), &e);
    assert_int_equal(out.revoked.n, 0);
    assert_int_equal(out.swept.objects, 0);
    prune_result_free(&out);
    assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
    assert_ok(prune(r, 1, &out, &e), &e);
    assert_int_equal(out.revoked.n, 1);
    assert_int_equal(out.swept.objects, FIXTURE_CHUNKS - 1);
    prune_result_free(&out);
    assert_int_equal(count_objects(r, "shop/runs/", "", NULL), 1);
    assert_int_equal(count_objects(r, "shop/runs/", ".revoked", NULL), 1);
    free(path);
    free(root);
    repo_close(r);
    fixture_remove(dir);
}

/* Its run was revoked: whatever it wrote is garbage, its label too. */
static void
a_void_backup_goes_whether_named_or_not(void **state)
{
    struct repo        *r = *state;
    struct err          e = ERR_INIT;
    struct prune_result out;
    struct label       *l;
    char                id[BACKUP_ID_MAX];
    char               *key;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    assert_ok(fixture_backup(r, 2, id, NULL, &e), &e);
    l = label_load(r, "shop", id, &e);
    assert_non_null(l);
    key = run_key("shop", l->run, ".revoked");
    put_text(r, key, "{}\n");
    assert_ok(prune(r, 5, &out, &e), &e);
    assert_int_equal(out.dead.n, 1);
    assert_string_equal(out.dead.v[0], id);
    assert_int_equal(out.swept.objects, FIXTURE_CHUNKS - 1);
    prune_result_free(&out);
    assert_int_equal(count_objects(r, "shop/backups/", "", NULL), FIXTURE_OBJECTS);
    free(key);
    label_free(l);
}

static void
a_wrong_clock_stops_it(void **state)
{
    static const time_t wrong[] = {20 * 60, -20 * 60};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char               *dir = fixture_dir();
        char               *root;
        struct repo        *r = repo_in(dir, &root);
        struct err          e = ERR_INIT;
        struct prune_result out;

        for (unsigned k = 0; k < 2; k++) {
            assert_ok(fixture_backup(r, k + 1, NULL, NULL, &e), &e);
        }
        ahead = wrong[i];
        assert_int_equal(prune(r, 1, &out, &e), -1);
        ahead = 0;
        assert_non_null(strstr(e.text, i == 0 ? "ahead of" : "behind"));
        assert_non_null(strstr(e.text, "nothing was removed"));
        prune_result_free(&out);
        assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 2);
        free(root);
        repo_close(r);
        fixture_remove(dir);
    }
}

/* ---- locks ---- */

static const struct storage_ops *true_ops;
static char                      locked_key[STORAGE_KEY_MAX];

static int
remove_unlocked(struct storage *st, const char *const *keys, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(keys[i], locked_key) == 0) {
            return err_set(e, ERR_AUTH, "could not remove \"%s\": locked", keys[i]);
        }
    }
    return true_ops->remove(st, keys, n, e);
}

static void
what_is_locked_stays_and_fails_nothing(void **state)
{
    struct repo        *r = *state;
    struct storage_ops  ops;
    struct err          e = ERR_INIT;
    struct prune_result out;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    (void)count_objects(r, "shop/chunks/", "", locked_key);
    true_ops = r->st->ops;
    ops = *true_ops;
    ops.remove = remove_unlocked;
    r->st->ops = &ops;
    assert_ok(prune(r, 0, &out, &e), &e);
    assert_int_equal(out.locked.objects, 1);
    assert_int_equal(out.waiting.objects, 1);
    assert_int_equal(out.swept.objects, FIXTURE_CHUNKS - 1);
    assert_int_equal(out.lists[0].state, PRUNE_WAITS_OBJECTS);
    prune_result_free(&out);
    r->st->ops = true_ops;
    pruned(r, 0);
    assert_int_equal(count_objects(r, "shop/chunks/", "", NULL), 0);
    assert_int_equal(count_objects(r, "shop/trash/", "", NULL), 0);
}

static int
refuse(void *ctx, const struct backup_list *list, time_t now, struct strlist *expire, struct err *e)
{
    (void)ctx;
    (void)now;
    strlist_add(expire, list->v[0].id);
    return err_set(e, ERR_BUSY, "it looks wrong");
}

static void
whoever_decides_can_stop_it(void **state)
{
    struct repo         *r = *state;
    struct err           e = ERR_INIT;
    struct prune_request req = {.db = "shop", .decide = refuse};
    struct prune_result  out;

    assert_ok(fixture_backup(r, 1, NULL, NULL, &e), &e);
    assert_int_equal(prune_run(r, &req, &out, &e), -1);
    prune_result_free(&out);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 1);
    assert_int_equal(count_objects(r, "shop/runs/", "", NULL), 0);
}

/* Every storage call of a prune fails once: no failure is swallowed, nothing that is needed
 * goes, and the next prune ends the work. */
static void
every_call_may_fail(void **state)
{
    bool done = false;

    (void)state;
    for (unsigned n = 1; !done; n++) {
        for (int after = 0; after < 2; after++) {
            struct repo        *r = fixture_repo_in_memory();
            struct err          e = ERR_INIT;
            struct prune_result out;
            struct storage     *inner = r->st;
            struct storage     *failing;
            char                id[3][BACKUP_ID_MAX];
            unsigned            calls = 0;
            int                 rc;

            for (unsigned i = 0; i < 3; i++) {
                assert_ok(fixture_backup(r, i + 1, id[i], NULL, &e), &e);
            }
            failing = storage_failing_new(inner, n, after, &calls);
            r->st = failing;
            rc = prune(r, 2, &out, &e);
            r->st = inner;
            prune_result_free(&out);
            done = calls < n;
            /* The last two calls take away the run mark, which warns. */
            assert_true(rc != 0 || calls <= n + 1);
            assert_ok(fixture_read(r, id[1], 2, &e), &e);
            assert_ok(fixture_read(r, id[2], 3, &e), &e);
            /* A mark that stayed is this process's, which is alive. */
            if (count_objects(r, "shop/runs/", ".prune", NULL) > 0) {
                char key[STORAGE_KEY_MAX];

                (void)count_objects(r, "shop/runs/", ".prune", key);
                remove_key(r, key);
            }
            pruned(r, 2);
            pruned(r, 2);
            assert_int_equal(count_objects(r, "shop/chunks/", "", NULL),
                             1 + 2 * (FIXTURE_CHUNKS - 1));
            assert_int_equal(count_objects(r, "shop/trash/", "", NULL), 0);
            assert_int_equal(count_objects(r, "shop/backups/", "", NULL), 2 * FIXTURE_OBJECTS);
            r->st = failing;
            repo_close(r);
        }
    }
}

static char *journals;

static int
set_up(void **state)
{
    journals = fixture_state();
    *state = fixture_repo_in_memory();
    return 0;
}

static int
tear_down(void **state)
{
    fixture_remove(journals);
    repo_close(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_the_others_do_not_need_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dry_run_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(garbage_stays_for_its_grace_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_that_may_not_have_seen_the_list_is_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_tombstone_hides_a_label_that_comes_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_an_unfinished_run_left_goes_when_nobody_writes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_missing_chunk_protects_all_of_its_content, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(files_that_are_not_ours_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_doubt_stops_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_backup_can_be_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_two_at_once_one_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_died_here_keeps_nobody_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_elsewhere_is_waited_for_as_long_as_it_renews, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_run_without_a_sign_of_life_is_revoked_after_three_days,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_void_backup_goes_whether_named_or_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_clock_stops_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_locked_stays_and_fails_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_decides_can_stop_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_call_may_fail, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
