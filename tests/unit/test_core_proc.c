/* proc.h and cancel.h: children are watched, heard, and never outlive us. */
#include "tests/unit/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/exit.h"
#include "core/host/proc.h"
#include "core/human.h"

#define SH(script) ((const char *const[]){"sh", "-c", (script), NULL})

static void
both_outputs_are_collected(void **state)
{
    struct buf       out = BUF_INIT(MIB);
    struct buf       err = BUF_INIT(MIB);
    struct err       e = ERR_INIT;
    struct proc_spec s = {.argv = SH("echo to out; echo to err >&2"), .out = &out, .err = &err};
    int              status = -1;

    (void)state;
    assert_ok(proc_run(&s, &status, &e), &e);
    assert_int_equal(status, 0);
    assert_string_equal(buf_str(&out), "to out\n");
    assert_string_equal(buf_str(&err), "to err\n");
    buf_free(&out);
    buf_free(&err);
}

static void
a_megabyte_goes_through_a_filter(void **state)
{
    struct buf       out = BUF_INIT(4 * MIB);
    struct err       e = ERR_INIT;
    char            *in = calloc(1, MIB);
    struct proc_spec s = {.argv = SH("cat"), .in = in, .in_len = MIB, .out = &out};

    (void)state;
    memset(in, 'x', MIB);
    assert_ok(proc_run(&s, NULL, &e), &e);
    assert_int_equal(out.len, MIB);
    assert_memory_equal(out.data, in, MIB);
    /* A reader that leaves early is judged by its status alone. */
    s.argv = SH("head -c 1 >/dev/null");
    buf_clear(&out);
    assert_ok(proc_run(&s, NULL, &e), &e);
    buf_free(&out);
    free(in);
}

static void
stdin_is_empty_unless_given(void **state)
{
    struct err       e = ERR_INIT;
    struct buf       out = BUF_INIT(100);
    struct proc_spec s = {.argv = SH("wc -c"), .out = &out};

    (void)state;
    assert_ok(proc_run(&s, NULL, &e), &e);
    assert_int_equal(atoi(buf_str(&out)), 0);
    buf_free(&out);
}

static void
a_failure_says_what_the_program_said(void **state)
{
    struct err       e = ERR_INIT;
    struct proc_spec s = {.argv = SH("echo first >&2; echo last words >&2; exit 3")};
    int              status = 0;

    (void)state;
    assert_int_equal(proc_run(&s, &status, &e), -1);
    assert_int_equal(status, 3);
    assert_err(&e, ERR_IO, "\"sh\" failed with status 3: first; last words");
    s.status_ok = true;
    assert_ok(proc_run(&s, &status, &e), &e);
    assert_int_equal(status, 3);
}

static void
only_the_end_of_a_long_complaint_is_told(void **state)
{
    struct err       e = ERR_INIT;
    struct proc_spec s = {.argv = SH("i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); "
                                     "done; exit 1")};

    (void)state;
    assert_int_equal(proc_run(&s, NULL, &e), -1);
    assert_err(&e, ERR_IO, "status 1: line ");
    assert_non_null(strstr(e.text, "line 2999"));
    assert_null(strstr(e.text, "line 2000"));
}

/* pg_dump's reason comes first, and then the statement that failed: LOCK TABLE with 4,000 names. */
static void
a_page_in_one_line_does_not_displace_the_reason(void **state)
{
    struct err       e = ERR_INIT;
    struct proc_spec s = {.argv = SH("echo 'x: error: the reason' >&2; printf 'x: detail: ' >&2; "
                                     "for i in $(seq 3000); do printf 'table_%d, ' $i >&2; done; "
                                     "echo >&2; echo the end >&2; exit 1")};

    (void)state;
    assert_int_equal(proc_run(&s, NULL, &e), -1);
    assert_err(&e, ERR_IO, "x: error: the reason; x: detail: table_1, ");
    assert_non_null(strstr(e.text, "...; the end"));
}

static void
a_signal_is_not_overlooked(void **state)
{
    struct err       e = ERR_INIT;
    struct proc_spec s = {.argv = SH("kill -SEGV $$")};
    int              status = 0;

    (void)state;
    assert_int_equal(proc_run(&s, &status, &e), -1);
    assert_int_equal(status, 128 + SIGSEGV);
    assert_err(&e, ERR_IO, "signal 11");
}

static void
what_cannot_be_run_is_named(void **state)
{
    struct err       e = ERR_INIT;
    struct proc_spec s = {.argv = (const char *const[]){"/no/such/program", NULL}};

    (void)state;
    assert_int_equal(proc_run(&s, NULL, &e), -1);
    assert_err(&e, ERR_NOT_FOUND, "/no/such/program");
    s = (struct proc_spec){.argv = SH("true"), .cwd = "/no/such/dir"};
    assert_int_equal(proc_run(&s, NULL, &e), -1);
}

static int
take_slowly(void *ctx, const void *data, size_t n, struct err *e)
{
    (void)ctx;
    (void)data;
    (void)n;
    (void)e;
    (void)usleep(400000);
    return 0;
}

/* The rows of a COPY, or a long CREATE INDEX at the end. */
static void
our_own_work_on_its_output_is_no_idleness(void **state)
{
    struct err       e = ERR_INIT;
    struct proc_spec s = {
        .argv = SH("echo a; sleep 0.2"), .out_fn = take_slowly, .idle_ms = 300, .must_print = true};

    (void)state;
    assert_ok(proc_run(&s, NULL, &e), &e);
}

static void
an_idle_program_is_stopped(void **state)
{
    struct err       e = ERR_INIT;
    struct proc_spec s = {.argv = SH("sleep 3600"), .idle_ms = 200};

    (void)state;
    assert_int_equal(proc_run(&s, NULL, &e), -1);
    assert_err(&e, ERR_IO, "did nothing");
}

static void
a_busy_program_is_not_idle(void **state)
{
    struct err e = ERR_INIT;
    /* Silent for about three seconds, but at work; a busy machine lets it wait for a moment. */
    struct proc_spec s = {.argv = SH("end=$(($(date +%s) + 3)); while [ $(date +%s) -lt $end ]; do "
                                     "i=0; "
                                     "while [ $i -lt 20000 ]; do i=$((i+1)); done; done"),
                          .idle_ms = 1500};

    (void)state;
    assert_ok(proc_run(&s, NULL, &e), &e);
}

static void
the_total_time_is_a_limit_even_for_the_busy(void **state)
{
    struct err       e = ERR_INIT;
    struct proc_spec s = {.argv = SH("while :; do echo x; done"), .total_ms = 300};

    (void)state;
    assert_int_equal(proc_run(&s, NULL, &e), -1);
    assert_err(&e, ERR_IO, "did not end within");
}

static void
too_much_output_stops_the_program(void **state)
{
    struct err       e = ERR_INIT;
    struct buf       out = BUF_INIT(1000);
    struct proc_spec s = {.argv = SH("while :; do echo x; done"), .out = &out};

    (void)state;
    assert_int_equal(proc_run(&s, NULL, &e), -1);
    assert_err(&e, ERR_IO, "output of \"sh\": larger than");
    buf_free(&out);
}

static int
count(void *ctx, const void *p, size_t n, struct err *e)
{
    size_t *total = ctx;

    (void)p;
    *total += n;
    return *total > 5000 ? err_set(e, ERR_CORRUPT, "seen enough") : 0;
}

static void
a_callback_hears_and_may_stop(void **state)
{
    struct err       e = ERR_INIT;
    size_t           total = 0;
    struct proc_spec s = {.argv = SH("printf 123; printf 45"), .out_fn = count, .out_ctx = &total};

    (void)state;
    assert_ok(proc_run(&s, NULL, &e), &e);
    assert_int_equal(total, 5);
    s.argv = SH("while :; do echo x; done");
    assert_int_equal(proc_run(&s, NULL, &e), -1);
    assert_err(&e, ERR_CORRUPT, "seen enough");
}

static void
a_grandchild_that_keeps_the_pipe_does_not_hold_us(void **state)
{
    struct err       e = ERR_INIT;
    struct buf       out = BUF_INIT(100);
    struct proc_spec s = {.argv = SH("sleep 3600 & echo $!"), .out = &out};

    (void)state;
    assert_ok(proc_run(&s, NULL, &e), &e);
    assert_int_equal(kill(atoi(buf_str(&out)), SIGKILL), 0); /* it is there still */
    buf_free(&out);
}

static void
the_environment_is_ours_with_changes(void **state)
{
    struct err        e = ERR_INIT;
    struct buf        out = BUF_INIT(100);
    const char *const env[] = {"ADDED=1", "CHANGED=new", "GONE", NULL};
    struct proc_spec  s = {
         .argv = SH("echo $ADDED $CHANGED ${GONE-gone} $KEPT"), .env = env, .out = &out};

    (void)state;
    setenv("CHANGED", "old", 1);
    setenv("GONE", "here", 1);
    setenv("KEPT", "kept", 1);
    assert_ok(proc_run(&s, NULL, &e), &e);
    assert_string_equal(buf_str(&out), "1 new gone kept\n");
    buf_free(&out);
}

static void
root_can_run_a_program_as_somebody_else(void **state)
{
    struct err           e = ERR_INIT;
    struct buf           out = BUF_INIT(1000);
    const struct passwd *pw = getpwnam("nobody");
    struct proc_spec     s = {.argv = SH("id -un; pwd; echo $USER"), .out = &out};

    (void)state;
    if (geteuid() != 0 || pw == NULL) {
        skip();
    }
    s.as_user = true;
    s.uid = pw->pw_uid;
    s.gid = pw->pw_gid;
    assert_ok(proc_run(&s, NULL, &e), &e);
    assert_string_equal(buf_str(&out), "nobody\n/\nnobody\n");
    buf_free(&out);
}

/* Waits up to a minute for a process to be gone (or a zombie that init has not fetched). */
static int
is_gone(pid_t pid)
{
    for (int i = 0; i < 6000; i++) {
        char  path[64];
        char  text[256] = "";
        FILE *f;

        (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        f = fopen(path, "re");
        if (f == NULL) {
            return 1;
        }
        if (fgets(text, sizeof text, f) == NULL || strstr(text, ") Z") != NULL) {
            (void)fclose(f);
            return 1;
        }
        (void)fclose(f);
        usleep(10000);
    }
    return 0;
}

static void
the_child_dies_when_we_are_killed(void **state)
{
    int   ends[2];
    pid_t us;
    pid_t child = 0;

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    us = fork();
    if (us == 0) {
        struct err       e = ERR_INIT;
        char             fd_script[64];
        struct proc_spec s = {.argv = (const char *const[]){"sh", "-c", fd_script, NULL}};
        int              kept = dup(ends[1]); /* the child writes its pid there */

        (void)snprintf(fd_script, sizeof fd_script, "echo $$ >/proc/%d/fd/%d; exec sleep 60",
                       (int)getpid(), kept);
        (void)proc_run(&s, NULL, &e);
        _exit(0);
    }
    char    text[32] = "";
    ssize_t n = read(ends[0], text, sizeof text - 1);

    assert_true(n > 0);
    child = atoi(text);
    assert_true(child > 1);
    (void)kill(us, SIGKILL);
    (void)waitpid(us, NULL, 0);
    assert_true(is_gone(child));
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
a_cancel_reaches_the_child(void **state)
{
    pid_t us = fork();
    int   status;

    (void)state;
    if (us == 0) {
        struct err       e = ERR_INIT;
        struct proc_spec s = {.argv = SH("sleep 3600")};
        struct proc_spec tidy = {.argv = SH("true"), .tidying = true};

        cancel_install();
        alarm(120);
        if (proc_run(&s, NULL, &e) == 0 || e.kind != ERR_INTERRUPTED ||
            err_exit_status(&e) != 143) {
            _exit(1);
        }
        /* Nothing new starts, but what tidies up. */
        if (proc_run(&s, NULL, &e) == 0 || e.kind != ERR_INTERRUPTED) {
            _exit(2);
        }
        _exit(proc_run(&tidy, NULL, &e) == 0 ? 0 : 3);
    }
    usleep(300000);
    (void)kill(us, SIGTERM);
    assert_int_equal(waitpid(us, &status, 0), us);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void *
stop_it(void *stop)
{
    usleep(100000);
    atomic_store((atomic_bool *)stop, true);
    return NULL;
}

static void
another_thread_may_stop_it(void **state)
{
    struct err       e = ERR_INIT;
    atomic_bool      stop = false;
    struct proc_spec s = {.argv = SH("exec sleep 60"), .stop = &stop};
    double           began = clock_seconds();
    pthread_t        thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, stop_it, &stop), 0);
    assert_int_equal(proc_run(&s, NULL, &e), -1);
    assert_err(&e, ERR_INTERRUPTED, "\"sh\" was stopped");
    assert_true(clock_seconds() - began < 30);
    (void)pthread_join(thread, NULL);
}

static void
a_sibling_stands_beside_the_running_program(void **state)
{
    struct err e = ERR_INIT;
    char      *path = proc_sibling("test_core_proc", &e);

    (void)state;
    assert_non_null(path);
    free(path);
    assert_null(proc_sibling("pgassay-nonsense", &e));
    assert_err(&e, ERR_NOT_FOUND, "pgassay-nonsense");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_outputs_are_collected),
        cmocka_unit_test(a_megabyte_goes_through_a_filter),
        cmocka_unit_test(stdin_is_empty_unless_given),
        cmocka_unit_test(a_failure_says_what_the_program_said),
        cmocka_unit_test(only_the_end_of_a_long_complaint_is_told),
        cmocka_unit_test(a_page_in_one_line_does_not_displace_the_reason),
        cmocka_unit_test(a_signal_is_not_overlooked),
        cmocka_unit_test(what_cannot_be_run_is_named),
        cmocka_unit_test(our_own_work_on_its_output_is_no_idleness),
        cmocka_unit_test(an_idle_program_is_stopped),
        cmocka_unit_test(a_busy_program_is_not_idle),
        cmocka_unit_test(the_total_time_is_a_limit_even_for_the_busy),
        cmocka_unit_test(too_much_output_stops_the_program),
        cmocka_unit_test(a_callback_hears_and_may_stop),
        cmocka_unit_test(a_grandchild_that_keeps_the_pipe_does_not_hold_us),
        cmocka_unit_test(the_environment_is_ours_with_changes),
        cmocka_unit_test(root_can_run_a_program_as_somebody_else),
        cmocka_unit_test(the_child_dies_when_we_are_killed),
        cmocka_unit_test(a_cancel_reaches_the_child),
        cmocka_unit_test(another_thread_may_stop_it),
        cmocka_unit_test(a_sibling_stands_beside_the_running_program),
    };

    cancel_install();
    return cmocka_run_group_tests_name("core/proc", tests, NULL, NULL);
}
