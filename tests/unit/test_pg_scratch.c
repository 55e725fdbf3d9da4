/*
 * test_pg_scratch.c - a scratch server comes up, and nothing of it outlives its owner.
 */
#include <stddef.h>
#include <stdint.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/crypto/hash.h"
#include "core/crypto/secret.h"
#include "core/mem.h"
#include "pg/scratch/scratch.h"
#include "tests/support/cmocka.h"

static const struct scratch_options options = {.jobs = 2};

static bool
exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* A guardian takes up to 15 s, a busy machine what it likes. */
static bool
goes_away(const char *path)
{
    for (int i = 0; i < 2400 && exists(path); i++) {
        usleep(50000);
    }
    return !exists(path);
}

/* Processes that have dir in their command line, but for those that are ours to reap; the server's
 * own numbers may be those of a namespace. */
static int
processes_of(const char *dir)
{
    DIR           *proc = opendir("/proc");
    struct dirent *entry;
    int            n = 0;

    assert_non_null(proc);
    while ((entry = readdir(proc)) != NULL) {
        char   path[300], line[4096];
        FILE  *f;
        size_t got, at;

        (void)snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        if (!isdigit((unsigned char)entry->d_name[0]) || (f = fopen(path, "r")) == NULL) {
            continue;
        }
        got = fread(line, 1, sizeof line - 1, f);
        (void)fclose(f);
        line[got] = '\0';
        for (at = 0; at < got && strstr(line + at, dir) == NULL; at += strlen(line + at) + 1) {
        }
        n += at < got;
    }
    (void)closedir(proc);
    return n;
}

static bool
end_of_processes(const char *dir)
{
    for (int i = 0; i < 600 && processes_of(dir) > 0; i++) {
        usleep(50000);
    }
    return processes_of(dir) == 0;
}

static void
starts_serves_and_leaves_nothing(void **state)
{
    struct err       e = ERR_INIT;
    struct scratch  *s = scratch_start(&options, &e);
    struct pg_target target;
    PGconn          *conn;
    char            *dir, *value;

    (void)state;
    if (s == NULL) {
        fail_msg("%s", e.text);
    }
    dir = xstrdup(scratch_dir(s));
    target = scratch_target(s, "postgres");
    conn = pg_connect(&target, PG_RESTORING, "test", &e);
    assert_non_null(conn);
    value = pg_value(conn, &e,
                     "SELECT current_setting('fsync') || current_setting('listen_addresses')", 0,
                     NULL);
    assert_string_equal(value, "off");
    free(value);
    pg_close(conn);
    assert_int_equal(scratch_end(s, &e), 0);
    assert_false(exists(dir));
    free(dir);
}

/* A child starts a server, tells us where, and is killed. */
static void
dies_with_its_owner(int sig)
{
    int     fd[2];
    char    dir[4096] = "";
    pid_t   child;
    ssize_t n;

    assert_int_equal(pipe(fd), 0);
    child = fork();
    if (child == 0) {
        struct err      e = ERR_INIT;
        struct scratch *s = scratch_start(&options, &e);
        if (s == NULL) {
            _exit(1);
        }
        (void)!write(fd[1], scratch_dir(s), strlen(scratch_dir(s)));
        close(fd[1]);
        for (;;) {
            pause();
        }
    }
    close(fd[1]);
    n = read(fd[0], dir, sizeof dir - 1);
    close(fd[0]);
    assert_true(n > 0);
    assert_true(processes_of(dir) > 0);
    assert_int_equal(kill(child, sig), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(goes_away(dir));
    assert_true(end_of_processes(dir));
}

static void
killed_owner_leaves_no_server_and_no_directory(void **state)
{
    (void)state;
    dies_with_its_owner(SIGKILL);
}

static void
killed_after(int ms)
{
    char  parent[] = "/tmp/pgassay-test-XXXXXX";
    pid_t child;

    assert_non_null(mkdtemp(parent));
    assert_int_equal(chmod(parent, 0755), 0);
    child = fork();
    if (child == 0) {
        struct err             e = ERR_INIT;
        struct scratch_options o = {.jobs = 2, .parent_dir = parent};
        (void)scratch_start(&o, &e);
        for (;;) {
            pause();
        }
    }
    usleep((useconds_t)ms * 1000);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    for (int i = 0; i < 2400 && rmdir(parent) != 0; i++) {
        usleep(50000);
    }
    assert_false(exists(parent));
}

/* The cluster comes from initdb, or from what is kept of it, in turns. */
static void
owner_killed_while_its_cluster_is_made_leaves_nothing(void **state)
{
    char *kept = getenv("PGASSAY_STATE_DIR");

    (void)state;
    kept = kept == NULL ? NULL : xstrdup(kept);
    assert_int_equal(setenv("PGASSAY_STATE_DIR", "/proc/nothing", 1), 0);
    killed_after(150);
    assert_int_equal(
        kept == NULL ? unsetenv("PGASSAY_STATE_DIR") : setenv("PGASSAY_STATE_DIR", kept, 1), 0);
    killed_after(60);
    killed_after(100);
    free(kept);
}

static void
a_kept_server_lives_on(void **state)
{
    struct err       e = ERR_INIT;
    struct scratch  *s = scratch_start(&options, &e);
    struct pg_target target;
    PGconn          *conn;
    char            *command, *dir;

    (void)state;
    assert_non_null(s);
    dir = xstrdup(scratch_dir(s));
    command = scratch_keep(s);
    target = (struct pg_target){
        .host = dir, .port = "5432", .user = "postgres", .dbname = "postgres"};
    assert_int_equal(scratch_end(s, &e), 0);
    conn = pg_connect(&target, PG_READING, "test", &e);
    assert_non_null(conn);
    pg_close(conn);
    command = xrealloc(command, strlen(command) + 20);
    assert_true(processes_of(dir) > 0);
    assert_int_equal(system(strcat(command, " >/dev/null")), 0);
    assert_false(exists(dir));
    assert_true(end_of_processes(dir));
    free(command);
    free(dir);
}

/* Runs a shell command in the server, as whoever has become its superuser can, and returns at once.
 * dir stands in the command line of what it leaves behind. */
static void
run_in_server(const struct scratch *s, const char *command)
{
    struct err       e = ERR_INIT;
    struct pg_target target = scratch_target(s, "postgres");
    PGconn          *conn = pg_connect(&target, PG_RESTORING, "test", &e);
    char            *literal = pg_literal(conn, command);

    if (pg_execf(conn, &e, "COPY (SELECT 1) TO PROGRAM %s", literal) != 0) {
        fail_msg("%s: %s", command, e.text);
    }
    free(literal);
    pg_close(conn);
}

/* A session of its own, no parent, no open descriptor, and many of them.  The rows are read first,
 * or the server finds a broken pipe. */
static char *
runaway(const char *dir)
{
    return xasprintf(
        "cat >/dev/null; for i in 1 2 3 4 5; do setsid sh -c 'while :; do sleep 1; done' %s "
        "</dev/null >/dev/null 2>&1 & done",
        dir);
}

/* What was started in the background begins when it gets its turn. */
static void
await_processes(const char *dir, int n)
{
    for (int i = 0; i < 1200 && (int)processes_of(dir) < n; i++) {
        usleep(50000);
    }
    assert_true((int)processes_of(dir) >= n);
}

static void
nothing_that_was_started_in_it_survives(void **state)
{
    struct err      e = ERR_INIT;
    struct scratch *s = scratch_start(&options, &e);
    char           *dir, *command;

    (void)state;
    assert_non_null(s);
    dir = xstrdup(scratch_dir(s));
    command = runaway(dir);
    run_in_server(s, command);
    await_processes(dir, 5);
    assert_int_equal(scratch_end(s, &e), 0);
    assert_int_equal(processes_of(dir), 0); /* now, not some time later */
    assert_false(exists(dir));
    free(command);
    free(dir);
}

static void
nor_when_its_owner_was_killed(void **state)
{
    int   fd[2];
    char  dir[4096] = "";
    pid_t child;

    (void)state;
    assert_int_equal(pipe(fd), 0);
    child = fork();
    if (child == 0) {
        struct err      e = ERR_INIT;
        struct scratch *s = scratch_start(&options, &e);
        char           *command = s == NULL ? NULL : runaway(scratch_dir(s));

        if (s == NULL) {
            _exit(1);
        }
        run_in_server(s, command);
        (void)!write(fd[1], scratch_dir(s), strlen(scratch_dir(s)));
        close(fd[1]);
        for (;;) {
            pause();
        }
    }
    close(fd[1]);
    assert_true(read(fd[0], dir, sizeof dir - 1) > 0);
    close(fd[0]);
    await_processes(dir, 5);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(goes_away(dir));
    assert_true(end_of_processes(dir));
}

/* What a tenant leaves may be deeper than any path can be, forbidden to its owner, or a link. */
static void
removes_whatever_was_left_there(void **state)
{
    struct err      e = ERR_INIT;
    char            outside[] = "/tmp/pgassay-test-XXXXXX";
    struct scratch *s = scratch_start(&options, &e);
    char           *dir, *command, *canary = xasprintf("%s/canary", outside);

    (void)state;
    assert_non_null(s);
    free(canary);
    assert_non_null(mkdtemp(outside));
    canary = xasprintf("%s/canary", outside);
    assert_int_equal(chmod(outside, 0777), 0);
    fclose(fopen(canary, "w"));
    dir = xstrdup(scratch_dir(s));
    /* The deep one is made from its inner end.  chmod() by a name is refused there. */
    command = xasprintf(
        "set -e; cd ..; mkdir left; cd left; ln -s %s out; ln -s %s/out again; "
        "mkdir -p shut/in; touch shut/in/f; "
        "perl -e 'for (@ARGV) { open(D, $_) and chmod(0, *D) or die }' shut/in shut; "
        "mkdir deep; touch deep/f; n=$(printf %%0200d 0); for i in $(seq 60); do "
        "mkdir more; mv deep more/$n; mv more deep; done",
        outside, outside);
    run_in_server(s, command);
    assert_int_equal(scratch_end(s, &e), 0);
    assert_false(exists(dir));
    assert_true(exists(canary));
    (void)unlink(canary);
    assert_int_equal(rmdir(outside), 0);
    free(command);
    free(canary);
    free(dir);
}

/*
 * The guardian's memory
 */

enum { KEY_BYTES = 48, MASK = 0x5a };

/* Ours has the key, too: so the key that is looked for is kept in another form. */
static bool
region_holds(int mem, uint64_t from, uint64_t to, const uint8_t masked[KEY_BYTES])
{
    size_t   n = (size_t)(to - from);
    uint8_t *data = malloc(n);
    ssize_t  got = data == NULL ? -1 : pread(mem, data, n, (off_t)from);
    bool     found = false;

    for (ssize_t i = 0; !found && i + KEY_BYTES <= got; i++) {
        size_t k = 0;

        while (k < KEY_BYTES && (data[i + (ssize_t)k] ^ MASK) == masked[k]) {
            k++;
        }
        found = k == KEY_BYTES;
    }
    free(data);
    return found;
}

static bool
memory_holds(pid_t pid, const uint8_t masked[KEY_BYTES])
{
    char *maps = xasprintf("/proc/%d/maps", (int)pid), *path = xasprintf("/proc/%d/mem", (int)pid);
    char  line[512];
    FILE *f = fopen(maps, "r");
    int   mem = open(path, O_RDONLY);
    uint64_t from, to;
    bool     found = false;
    unsigned regions = 0;

    assert_non_null(f);
    if (mem < 0) {
        fail_msg("%s: %s", path, strerror(errno));
    }
    while (fgets(line, sizeof line, f) != NULL) {
        char rights[8];

        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, rights) == 3 &&
            rights[0] == 'r' && strstr(line, "[v") == NULL) {
            regions++;
            found = found || region_holds(mem, from, to, masked);
        }
    }
    assert_true(regions > 5);
    (void)fclose(f);
    (void)close(mem);
    free(maps);
    free(path);
    return found;
}

/* The youngest child. */
static pid_t
guardian_of_ours(void)
{
    char  path[64];
    FILE *f;
    int   pid = 0, next;

    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    f = fopen(path, "r");
    assert_non_null(f);
    while (fscanf(f, "%d", &next) == 1) {
        pid = next;
    }
    (void)fclose(f);
    assert_true(pid > 0);
    return pid;
}

static void
the_guardian_has_no_keys(void **state)
{
    struct err      e = ERR_INIT;
    struct secret   key = SECRET_INIT;
    uint8_t         masked[KEY_BYTES];
    struct scratch *s;

    (void)state;
    if (geteuid() != 0) {
        skip(); /* a process that has loaded a key is not to be looked into */
    }
    secret_new(&key, KEY_BYTES);
    random_bytes(key.data, KEY_BYTES);
    for (size_t i = 0; i < KEY_BYTES; i++) {
        masked[i] = key.data[i] ^ MASK;
    }
    s = scratch_start(&options, &e);
    assert_non_null(s);
    assert_false(memory_holds(guardian_of_ours(), masked));
    assert_true(memory_holds(getpid(), masked)); /* last: looking leaves copies */
    assert_int_equal(scratch_end(s, &e), 0);
    secret_free(&key);
}

/*
 * Whom it runs as
 */

static void
runs_as_a_user_of_its_own(void **state)
{
    struct err      e = ERR_INIT;
    struct scratch *a, *b;
    struct stat     one, other;

    (void)state;
    if (geteuid() != 0) {
        skip(); /* an ordinary user's server is his own */
    }
    assert_non_null(a = scratch_start(&options, &e));
    assert_non_null(b = scratch_start(&options, &e));
    assert_int_equal(stat(scratch_dir(a), &one) | stat(scratch_dir(b), &other), 0);
    assert_int_not_equal(one.st_uid, 0);
    assert_int_not_equal(one.st_uid, other.st_uid);
    if (getpwnam("pgassay-scratch") == NULL) {
        assert_null(getpwuid(one.st_uid));
    }
    assert_int_equal(scratch_end(a, &e), 0);
    assert_int_equal(scratch_end(b, &e), 0);
}

static void
a_user_who_may_read_keys_is_refused(void **state)
{
    struct err             e = ERR_INIT;
    char                   path[] = "/tmp/pgassay-test-XXXXXX";
    int                    fd = mkstemp(path);
    struct strlist         secrets = {0};
    struct scratch_options o = {.user = "daemon", .secrets = &secrets};
    struct passwd         *pw = getpwnam("daemon");

    (void)state;
    if (geteuid() != 0 || pw == NULL) {
        (void)unlink(path);
        skip(); /* only root can choose */
    }
    assert_true(fd >= 0);
    (void)close(fd);
    strlist_add(&secrets, "/nonexistent/key");
    strlist_add(&secrets, path);
    assert_int_equal(chown(path, pw->pw_uid, 0), 0);
    assert_null(scratch_start(&o, &e));
    assert_int_equal(e.kind, ERR_USAGE);
    assert_non_null(strstr(e.text, "daemon"));
    assert_non_null(strstr(e.text, path));
    assert_non_null(strstr(e.hint, "--scratch-user"));
    (void)unlink(path);
    strlist_free(&secrets);
}

static void
says_why_it_cannot_start(void **state)
{
    struct err             e = ERR_INIT;
    struct scratch_options o = {.parent_dir = "/nonexistent/place"};

    (void)state;
    assert_null(scratch_start(&o, &e));
    assert_non_null(strstr(e.text, "/nonexistent/place"));
    o = (struct scratch_options){.user = "no-such-user"};
    if (geteuid() == 0) {
        assert_null(scratch_start(&o, &e));
        assert_non_null(strstr(e.text, "no-such-user"));
    }
    o = (struct scratch_options){.at_least = 990000};
    assert_null(scratch_start(&o, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_serves_and_leaves_nothing),
        cmocka_unit_test(killed_owner_leaves_no_server_and_no_directory),
        cmocka_unit_test(owner_killed_while_its_cluster_is_made_leaves_nothing),
        cmocka_unit_test(a_kept_server_lives_on),
        cmocka_unit_test(says_why_it_cannot_start),
        cmocka_unit_test(nothing_that_was_started_in_it_survives),
        cmocka_unit_test(nor_when_its_owner_was_killed),
        cmocka_unit_test(removes_whatever_was_left_there),
        cmocka_unit_test(the_guardian_has_no_keys),
        cmocka_unit_test(runs_as_a_user_of_its_own),
        cmocka_unit_test(a_user_who_may_read_keys_is_refused),
    };

    cancel_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
