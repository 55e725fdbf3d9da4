/*
 * test_pg_scratch.c - a scratch server comes up, and nothing of it outlives its owner.
 */
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/human.h"
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

static pid_t
server_pid(const char *dir)
{
    char *path = xasprintf("%s/data/postmaster.pid", dir);
    FILE *f = fopen(path, "r");
    int   pid = 0;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    fclose(f);
    free(path);
    return pid;
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
    pid_t   child, server;
    ssize_t n;

    assert_int_equal(pipe(fd), 0);
    child = fork();
    if (child == 0) {
        struct err      e = ERR_INIT;
        struct scratch *s = scratch_start(&options, &e);
        if (s != NULL) {
            (void)!write(fd[1], scratch_dir(s), strlen(scratch_dir(s)));
        }
        close(fd[1]);
        for (;;) {
            pause();
        }
    }
    close(fd[1]);
    n = read(fd[0], dir, sizeof dir - 1);
    close(fd[0]);
    assert_true(n > 0);
    server = server_pid(dir);
    assert_int_equal(kill(child, sig), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(goes_away(dir));
    assert_int_not_equal(kill(server, 0), 0);
}

static void
killed_owner_leaves_no_server_and_no_directory(void **state)
{
    (void)state;
    dies_with_its_owner(SIGKILL);
}

static void
owner_killed_during_initdb_leaves_nothing(void **state)
{
    char  parent[] = "/tmp/pgassay-test-XXXXXX";
    pid_t child;

    (void)state;
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
    usleep(150000);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    for (int i = 0; i < 2400 && rmdir(parent) != 0; i++) {
        usleep(50000);
    }
    assert_false(exists(parent));
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
    assert_int_equal(system(strcat(command, " >/dev/null")), 0);
    assert_false(exists(dir));
    free(command);
    free(dir);
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
        cmocka_unit_test(owner_killed_during_initdb_leaves_nothing),
        cmocka_unit_test(a_kept_server_lives_on),
        cmocka_unit_test(says_why_it_cannot_start),
    };

    cancel_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
