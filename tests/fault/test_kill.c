/* kill -9 of a process that writes backups, at random moments, on a real directory. */
#include "tests/fault/fixture.h"

#include <signal.h>
#include <sys/wait.h>

enum { KILLS = 25 };

static char *
key_path(const char *dir, const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

/* Backups without end, each of other contents. */
static void
write_for_ever(const char *root, unsigned seed)
{
    struct err   e = ERR_INIT;
    struct repo *r = repo_open(STORAGE_LOCATION(root), &e);

    while (r != NULL && fixture_backup(r, seed, NULL, NULL, &e) == 0) {
        seed++;
    }
    (void)fprintf(stderr, "%s\n", e.text);
    _exit(1);
}

static void
kill_a_writer(const char *root, unsigned seed)
{
    int   status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        write_for_ever(root, seed);
    }
    (void)usleep((useconds_t)(2000 + (unsigned)rand() % 60000));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Every listed backup is whole: each chunk of its list is there with its bytes and its id. */
static int
check_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct codec *codec = codec_new(CODEC_DEFAULT);
    struct buf    scratch = BUF_INIT(CHUNK_STORED_MAX);
    struct buf    out = BUF_INIT(CHUNK_RAW_MAX);
    int           is = chunk_check(ctx, "shop", line, codec, &scratch, &out, e);

    codec_free(codec);
    buf_free(&scratch);
    buf_free(&out);
    return is == 0 ? 0 : -1;
}

static size_t
assert_all_whole(struct repo *r)
{
    struct backup_list list;
    struct err         e = ERR_INIT;
    size_t             n;

    assert_ok(backup_list_load(r, "shop", &list, &e), &e);
    for (size_t i = 0; i < list.n; i++) {
        struct manifest *m;

        assert_int_equal(list.v[i].state, BACKUP_COMMITTED);
        assert_ok(chunk_list_read(r, list.v[i].label, check_line, r, &e), &e);
        m = manifest_load(r, list.v[i].label, &e);
        assert_non_null(m);
        manifest_free(m);
    }
    n = list.n;
    backup_list_free(&list);
    return n;
}

static void
a_killed_writer_leaves_whole_backups_only(void **state)
{
    char        *root = key_path(*state, "repo");
    struct err   e = ERR_INIT;
    struct repo *r;
    char         id[BACKUP_ID_MAX];
    size_t       before = 0;

    srand(20261121);
    assert_ok(repo_init(STORAGE_LOCATION(root), &e), &e);
    r = repo_open(STORAGE_LOCATION(root), &e);
    assert_non_null(r);
    for (unsigned i = 0; i < KILLS; i++) {
        size_t n;

        kill_a_writer(root, 1000 * i);
        n = assert_all_whole(r);
        assert_true(n >= before);
        before = n;
    }
    assert_ok(fixture_backup(r, 7, id, NULL, &e), &e);
    assert_ok(fixture_read(r, id, 7, &e), &e);
    repo_close(r);
    free(root);
}

/* Puts its chunks, tells so, and waits for its end. */
static void
write_and_hang(const char *root, int ready)
{
    struct err         e = ERR_INIT;
    struct fanout_repo to = {.repo = repo_open(STORAGE_LOCATION(root), &e)};
    struct fanout     *f = to.repo == NULL ? NULL : fixture_begin(&to, 1, 1, &e);

    if (f != NULL && fixture_put(f, manifest_new(), 5, &e) == 0 && write(ready, "x", 1) == 1) {
        (void)pause();
    }
    _exit(1);
}

static void
a_killed_run_is_resumed(void **state)
{
    char               *root = key_path(*state, "repo");
    struct err          e = ERR_INIT;
    struct repo        *r;
    struct writer_stats stats;
    int                 ready[2];
    char                byte;
    pid_t               pid;

    assert_ok(repo_init(STORAGE_LOCATION(root), &e), &e);
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        write_and_hang(root, ready[1]);
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)close(ready[0]);
    r = repo_open(STORAGE_LOCATION(root), &e);
    assert_non_null(r);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 0);
    assert_ok(fixture_backup(r, 5, NULL, &stats, &e), &e);
    /* The last ones may still have been on their way. */
    assert_true(stats.new_chunks <= 2);
    assert_int_equal(stats.reused_chunks + stats.new_chunks, FIXTURE_CHUNKS);
    repo_close(r);
    free(root);
}

static char *journals;

static int
set_up(void **state)
{
    journals = fixture_state();
    *state = fixture_dir();
    return 0;
}

static int
tear_down(void **state)
{
    fixture_remove(journals);
    fixture_remove(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_writer_leaves_whole_backups_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_killed_run_is_resumed, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
