/* err.h, log.h and progress.h: what reaches a person. */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/exit.h"
#include "core/log.h"
#include "core/logline.h"
#include "core/progress.h"

static char captured[16384];

/* What fn writes to stderr. */
static const char *
stderr_of(void (*fn)(void))
{
    char    path[] = "/tmp/pgassay-test-XXXXXX";
    int     fd = mkstemp(path);
    int     saved = dup(STDERR_FILENO);
    ssize_t n;

    assert_true(fd >= 0 && saved >= 0);
    (void)fflush(stderr);
    (void)dup2(fd, STDERR_FILENO);
    fn();
    (void)fflush(stderr);
    (void)dup2(saved, STDERR_FILENO);
    n = pread(fd, captured, sizeof captured - 1, 0);
    assert_true(n >= 0);
    captured[n] = '\0';
    (void)close(fd);
    (void)close(saved);
    (void)unlink(path);
    return captured;
}

static void
one_of_each(void)
{
    log_error("broken: %d", 7);
    log_warn("odd");
    log_info("news");
    log_debug("detail");
}

static void
levels_choose_what_is_shown(void **state)
{
    (void)state;
    log_init("tool", LOG_ERROR);
    assert_string_equal(stderr_of(one_of_each), "tool: broken: 7\n");
    log_init("tool", LOG_WARN);
    assert_string_equal(stderr_of(one_of_each), "tool: broken: 7\ntool: warning: odd\n");
    log_init("tool", LOG_DEBUG);
    assert_string_equal(stderr_of(one_of_each),
                        "tool: broken: 7\ntool: warning: odd\ntool: news\ntool: debug: detail\n");
    log_init("tool", LOG_WARN);
}

static void
hostile(void)
{
    log_error("table \"a\x1b[2Jb\r\xc2\x9b\xe2\x80\xae\" failed\ntool: backup complete\n");
}

static void
names_neither_steer_the_terminal_nor_forge_lines(void **state)
{
    (void)state;
    assert_string_equal(stderr_of(hostile),
                        "tool: table \"a\\x1b[2Jb\\x0d\\u009b\\u202e\" failed\n    tool: backup "
                        "complete\n");
}

static void
endless(void)
{
    char text[10000];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    log_error("%s", text);
}

static void
an_endless_line_is_cut_and_says_so(void **state)
{
    const char *line = stderr_of(endless);

    (void)state;
    assert_true(strlen(line) < 5000);
    assert_non_null(strstr(line, "xxx ...\n"));
}

static void
without_a_terminal(void)
{
    progress_start("reading", 1000, false);
    progress_add(500);
    progress_phase("writing");
    progress_grow(100);
    progress_end();
}

static void
no_progress_without_a_terminal(void **state)
{
    (void)state;
    assert_string_equal(stderr_of(without_a_terminal), "");
}

/* Runs fn with a terminal as stderr, and returns what the terminal got. */
static const char *
terminal_of(void (*fn)(void))
{
    int     lead = posix_openpt(O_RDWR | O_NOCTTY);
    int     saved = dup(STDERR_FILENO);
    size_t  len = 0;
    int     tty;
    ssize_t n;

    if (lead < 0 || grantpt(lead) != 0 || unlockpt(lead) != 0) {
        skip();
    }
    tty = open(ptsname(lead), O_RDWR | O_NOCTTY);
    assert_true(tty >= 0);
    (void)fflush(stderr);
    (void)dup2(tty, STDERR_FILENO);
    fn();
    (void)fflush(stderr);
    (void)dup2(saved, STDERR_FILENO);
    (void)fcntl(lead, F_SETFL, O_NONBLOCK);
    while ((n = read(lead, captured + len, sizeof captured - 1 - len)) > 0) {
        len += (size_t)n;
    }
    captured[len] = '\0';
    (void)close(tty);
    (void)close(lead);
    (void)close(saved);
    return captured;
}

static void
a_run_with_a_warning(void)
{
    progress_start("reading", 2000000, false);
    progress_add(500000);
    log_warn("odd");
    progress_end();
}

static void
a_terminal_shows_progress_and_lines_stay_whole(void **state)
{
    const char *text = terminal_of(a_run_with_a_warning);

    (void)state;
    assert_non_null(strstr(text, "reading   25 %  500 kB of 2.0 MB"));
    assert_non_null(strstr(text, "\r\033[Ktool: warning: odd"));
    assert_string_equal(text + strlen(text) - 4, "\r\033[K"); /* nothing is left behind */
}

static void
errors_gain_context_on_their_way(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    errno = ENOENT;
    assert_int_equal(err_errno(&e, "could not open \"%s\"", "x"), -1);
    assert_err(&e, ERR_NOT_FOUND, "could not open \"x\": No such file");
    assert_int_equal(err_wrap(&e, "label \"%s\"", "l"), -1);
    assert_err(&e, ERR_NOT_FOUND, "label \"l\": could not open \"x\": No such file");
    assert_int_equal(err_exit_status(&e), EXIT_FAILED);
    err_set(&e, ERR_USAGE, "no");
    assert_int_equal(err_exit_status(&e), EXIT_USAGE);
    err_set(&e, ERR_INTERRUPTED, "stop");
    assert_int_equal(err_exit_status(&e), 130);
    errno = EACCES;
    err_errno(&e, "x");
    assert_int_equal(e.kind, ERR_AUTH);
}

static void
too_much_context_is_cut_not_overrun(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    err_set(&e, ERR_IO, "the cause");
    for (int i = 0; i < 300; i++) {
        err_wrap(&e, "level %d", i);
    }
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_non_null(strstr(e.text, "level 299: level 298"));
}

static void
with_a_hint(void)
{
    struct err e = ERR_INIT;

    err_set(&e, ERR_USAGE, "which repository?");
    err_hint(&e, "give --repo");
    err_print(&e);
    log_hinted(LOG_WARN, "look at it", "%s", "odd");
    log_hinted(LOG_INFO, NULL, "news");
}

static void
a_hint_is_printed_below_what_it_belongs_to(void **state)
{
    (void)state;
    assert_string_equal(stderr_of(with_a_hint),
                        "tool: which repository?\ntool: hint: give --repo\n"
                        "tool: warning: odd\ntool: hint: look at it\n");
}

static void
as_json(void)
{
    log_format(LOG_JSON);
    log_warn("odd \xff\n");
    with_a_hint();
    progress_as_json(true);
    progress_start("shop", 1000, false);
    progress_add(500);
    progress_tick();
    progress_end();
    progress_tick(); /* nothing */
    progress_say(true);
    progress_start("quiet", 0, true);
    progress_tick(); /* nothing */
    progress_end();
    progress_as_json(false);
    log_format(LOG_TEXT);
}

/* Removes what differs from run to run. */
static const char *
without_times(const char *text)
{
    static char out[4096];
    size_t      n = 0;

    for (; *text != '\0'; text++) {
        const char *time = "\"time\":\"2";

        if (strncmp(text, time, strlen(time)) == 0) {
            text = strchr(text, 'Z') + 2;
            continue;
        }
        out[n++] = *text;
    }
    out[n] = '\0';
    return out;
}

static void
programs_read_one_object_a_line(void **state)
{
    (void)state;
    assert_string_equal(without_times(stderr_of(as_json)),
                        "{\"level\":\"warning\",\"tool\":\"tool\",\"run\":\"\",\"message\":\"odd "
                        "\\\\xff\\\\n\"}\n"
                        "{\"level\":\"error\",\"tool\":\"tool\",\"run\":\"\",\"message\":\"which "
                        "repository?\","
                        "\"hint\":\"give --repo\"}\n"
                        "{\"level\":\"warning\",\"tool\":\"tool\",\"run\":\"\",\"message\":\"odd\","
                        "\"hint\":\"look at it\"}\n"
                        "{\"level\":\"progress\",\"tool\":\"tool\",\"run\":\"\",\"phase\":\"shop\","
                        "\"done\":500,"
                        "\"total\":1000,\"seconds\":0,\"seconds_left\":null}\n"
                        "{\"level\":\"state\",\"tool\":\"tool\",\"run\":\"\",\"phase\":null}\n");
}

/* ---- daemons: real sockets where they listen ---- */

static int
listen_at(enum logdaemon which, int type)
{
    static struct sockaddr_un at[LOGDAEMON_N];
    int                       fd = socket(AF_UNIX, type, 0);

    at[which].sun_family = AF_UNIX;
    (void)snprintf(at[which].sun_path, sizeof at[which].sun_path, "/tmp/pgassay-test-%d-%d",
                   (int)getpid(), (int)which);
    (void)unlink(at[which].sun_path);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at[which], sizeof at[which]), 0);
    assert_true(type == SOCK_DGRAM || listen(fd, 5) == 0);
    logdaemon_at(which, at[which].sun_path);
    return fd;
}

/* Nobody is there any more. */
static void
go_away(enum logdaemon which, int fd)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/tmp/pgassay-test-%d-%d", (int)getpid(), (int)which);
    (void)unlink(path);
    (void)close(fd);
}

static void
warn_and_hint(void)
{
    log_hinted(LOG_WARN, "look\nat it", "odd\x1b");
}

/* The next datagram, with what differs from run to run taken out: number of the process, date. */
static const char *
datagram(int fd)
{
    static char text[4096];
    char        pid[32], *at;
    ssize_t     n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

    assert_true(n > 0);
    for (ssize_t i = 0; i < n; i++) {
        text[i] = (char)(text[i] == '\0' ? '0' : text[i]);
    }
    text[n] = '\0';
    (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
    while ((at = strstr(text, pid)) != NULL) {
        memmove(at, at + strlen(pid), strlen(at + strlen(pid)) + 1);
    }
    return text;
}

static void
the_journal_gets_fields_and_syslog_a_line(void **state)
{
    int journal = listen_at(LOGDAEMON_JOURNAL, SOCK_DGRAM);
    int syslog = listen_at(LOGDAEMON_SYSLOG, SOCK_DGRAM);

    (void)state;
    log_to(1U << LOGDAEMON_JOURNAL | 1U << LOGDAEMON_SYSLOG);
    logline_database_set("shop");
    assert_string_equal(stderr_of(warn_and_hint), "");
    assert_string_equal(datagram(journal),
                        "MESSAGE\n%"
                        "0000000warning: odd\\x1b\nhint: look\n    at it\nPRIORITY=4\n"
                        "SYSLOG_IDENTIFIER=tool\nSYSLOG_PID=\nPGASSAY_TOOL=tool\n"
                        "PGASSAY_RUN_ID=\nPGASSAY_DATABASE=shop\nPGASSAY_HINT\n\n"
                        "0000000look\nat it\n");
    assert_non_null(strstr(datagram(syslog), " tool[]: [] warning: odd\\x1b"));
    assert_non_null(strstr(datagram(syslog), " tool[]: [] hint: look\\nat it"));
    go_away(LOGDAEMON_JOURNAL, journal);
    go_away(LOGDAEMON_SYSLOG, syslog);

    /* Some daemons for syslog have a stream there. */
    syslog = listen_at(LOGDAEMON_SYSLOG, SOCK_STREAM);
    log_to(1U << LOGDAEMON_SYSLOG | LOG_TO_STDERR);
    assert_non_null(strstr(stderr_of(warn_and_hint), "tool: warning: odd"));
    journal = accept(syslog, NULL, NULL);
    assert_non_null(strstr(datagram(journal), " tool[]: [] warning: odd\\x1b0"));
    (void)close(journal);
    go_away(LOGDAEMON_SYSLOG, syslog);
    logline_database_set(NULL);
    log_to(LOG_TO_STDERR);
}

static void
a_daemon_that_is_not_there_is_named_once_and_nothing_is_lost(void **state)
{
    const char *said;

    (void)state;
    log_to(1U << LOGDAEMON_JOURNAL);
    logdaemon_at(LOGDAEMON_JOURNAL, "/tmp/pgassay-test-nobody");
    said = stderr_of(one_of_each);
    assert_string_equal(said,
                        "tool: warning: log-to journal: "
                        "\"/tmp/pgassay-test-nobody\": No such file or directory; from here on "
                        "messages are on standard error\ntool: broken: 7\ntool: warning: odd\n");
    assert_string_equal(stderr_of(one_of_each), "tool: broken: 7\ntool: warning: odd\n");
    log_to(LOG_TO_STDERR);
}

static void
appended(void)
{
    (void)fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) | O_APPEND);
    log_error("broken");
}

static void
what_is_appended_to_a_file_has_time_and_run(void **state)
{
    (void)state;
    log_format(LOG_UNSAID);
    assert_string_equal(stderr_of(appended) + strlen("2026-11-21T02:15:00Z"), "  tool: broken\n");
    assert_string_equal(stderr_of(one_of_each), "tool: broken: 7\ntool: warning: odd\n");
    log_format(LOG_TEXT);
    assert_string_equal(stderr_of(appended), "tool: broken\n");
}

static void
long_lines_have_time_and_run(void **state)
{
    const char *line;

    (void)state;
    log_format(LOG_LONG);
    line = stderr_of(one_of_each);
    log_format(LOG_TEXT);
    assert_string_equal(line + strlen("2026-11-21T02:15:00Z") + strcspn(line, "2"),
                        strstr(line, "Z  tool: broken: 7\n2") + 1);
    assert_non_null(strstr(line, "Z  tool: warning: odd\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_choose_what_is_shown),
        cmocka_unit_test(names_neither_steer_the_terminal_nor_forge_lines),
        cmocka_unit_test(an_endless_line_is_cut_and_says_so),
        cmocka_unit_test(no_progress_without_a_terminal),
        cmocka_unit_test(a_terminal_shows_progress_and_lines_stay_whole),
        cmocka_unit_test(errors_gain_context_on_their_way),
        cmocka_unit_test(too_much_context_is_cut_not_overrun),
        cmocka_unit_test(a_hint_is_printed_below_what_it_belongs_to),
        cmocka_unit_test(programs_read_one_object_a_line),
        cmocka_unit_test(long_lines_have_time_and_run),
        cmocka_unit_test(what_is_appended_to_a_file_has_time_and_run),
        cmocka_unit_test(the_journal_gets_fields_and_syslog_a_line),
        cmocka_unit_test(a_daemon_that_is_not_there_is_named_once_and_nothing_is_lost),
    };

    return cmocka_run_group_tests_name("core/log", tests, NULL, NULL);
}
