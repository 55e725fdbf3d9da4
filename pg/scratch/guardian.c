#include "pg/scratch/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/human.h"
#include "core/mem.h"
#include "pg/scratch/rmtree.h"

enum { CONTROL_FD = 3, STATUS_FD = 4, STOP_MS = 10000, READY_POLL_MS = 5 };

/*
 * In the guardian
 */

/* True once the owner is gone, or said 'k' (then *keep). */
static bool
owner_gone(int wait_ms, bool *keep)
{
    struct pollfd pfd = {.fd = CONTROL_FD, .events = POLLIN};
    char          c;

    while (poll(&pfd, 1, wait_ms) < 0) {
        if (errno != EINTR) {
            return true;
        }
    }
    if (pfd.revents == 0) {
        return false;
    }
    *keep = read(CONTROL_FD, &c, 1) == 1 && c == 'k';
    return true;
}

static pid_t
spawn(const struct guardian_job *job, char *const *argv)
{
    pid_t pid = fork();

    if (pid != 0) {
        return pid;
    }
    /* A group of its own: a signal to it reaches what initdb starts, and ^C on the terminal does
     * not. */
    if (setpgid(0, 0) != 0 ||
        (job->drop &&
         (initgroups(job->user, job->gid) != 0 || setgid(job->gid) != 0 ||
          setuid(job->uid) != 0)) ||
        chdir(job->dir) != 0) {
        perror("preparing to run the server");
        _exit(127);
    }
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    (void)close_range(CONTROL_FD, ~0U, 0);
    execve(argv[0], argv, job->env);
    fprintf(stderr, "could not run \"%s\": %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* Waits for the program, but no longer than the owner lives.  0: ended with status 0. */
static int
run_to_end(const struct guardian_job *job, char *const *argv)
{
    pid_t pid = spawn(job, argv);
    int   status = -1;
    int   fd = pid > 0 ? pidfd_open(pid, 0) : -1;

    if (fd >= 0) {
        struct pollfd pfd[2] = {{.fd = fd, .events = POLLIN}, {.fd = CONTROL_FD, .events = POLLIN}};
        while (poll(pfd, 2, -1) < 0 && errno == EINTR) {
        }
        if (pfd[0].revents == 0) {
            kill(-pid, SIGKILL);
        }
        close(fd);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    return status == 0 ? 0 : -1;
}

/* The server says "ready" in the eighth line of its pid file. */
static bool
server_ready(const char *dir)
{
    char  path[4096], line[1024];
    FILE *f;
    bool  ready = false;

    (void)snprintf(path, sizeof path, "%s/data/postmaster.pid", dir);
    if ((f = fopen(path, "re")) == NULL) {
        return false;
    }
    for (int n = 1; n <= 8 && fgets(line, sizeof line, f) != NULL; n++) {
        ready = n == 8 && strncmp(line, "ready", 5) == 0;
    }
    fclose(f);
    return ready;
}

static void
stop_server(pid_t pid)
{
    /* SIGQUIT: immediate shutdown; nothing in there is worth a checkpoint. */
    kill(pid, SIGQUIT);
    for (int waited = 0; waited < STOP_MS; waited += 10) {
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            return;
        }
        usleep(10000);
    }
    kill(-pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

/* As the server's user, so that root never follows what that user might have put there. */
static void
remove_dir(const struct guardian_job *job)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (job->drop &&
            (initgroups(job->user, job->gid) != 0 || setgid(job->gid) != 0 ||
             setuid(job->uid) != 0)) {
            _exit(1);
        }
        _exit(rmtree_contents(job->dir) == 0 ? 0 : 1);
    }
    if (pid > 0) {
        (void)waitpid(pid, NULL, 0);
    }
    (void)rmdir(job->dir);
}

/* Where a line of a log says why all ended; NULL: it does not. */
static const char *
last_word(const char *line)
{
    static const char *const marks[] = {"FATAL:", "PANIC:", "error:"};
    const char              *at = NULL;

    for (size_t i = 0; i < sizeof marks / sizeof marks[0] && at == NULL; i++) {
        at = strstr(line, marks[i]);
    }
    return at == NULL ? NULL : at + strcspn(at, " ") + strspn(at + strcspn(at, " "), " ");
}

/* Through the status pipe, to become the owner's error text: the log's first line that says why,
 * or else its last. */
static void
report_failure(const char *dir, const char *what)
{
    char  path[4096], line[700], why[700] = "";
    bool  found = false;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/log", dir);
    if ((f = fopen(path, "re")) != NULL) {
        while (!found && fgets(line, sizeof line, f) != NULL) {
            const char *word = last_word(line);

            line[strcspn(line, "\n")] = '\0';
            found = word != NULL;
            if (line[0] != '\0') {
                (void)snprintf(why, sizeof why, "%s", found ? word : line);
            }
        }
        fclose(f);
    }
    (void)dprintf(STATUS_FD, "%s%s%s", what, why[0] != '\0' ? ": " : "", why);
}

static void
guard(const struct guardian_job *job)
{
    bool  keep = false;
    pid_t server;
    int   status;

    if (run_to_end(job, job->initdb) != 0) {
        report_failure(job->dir, "initdb failed");
        remove_dir(job);
        return;
    }
    server = spawn(job, job->postgres);
    while (server > 0 && !server_ready(job->dir)) {
        if (waitpid(server, &status, WNOHANG) == server) {
            server = -1;
        } else if (owner_gone(READY_POLL_MS, &keep)) {
            break;
        }
    }
    if (server > 0) {
        (void)dprintf(STATUS_FD, "\nready\n");
        while (!owner_gone(-1, &keep)) {
        }
        if (keep) {
            return;
        }
        stop_server(server);
    } else {
        report_failure(job->dir, "the server did not start");
    }
    remove_dir(job);
}

/* Gives up everything that belongs to the owner: descriptors (a caller may wait for the end of
 * our stdout), terminal, signals. */
static void __attribute__((noreturn))
guardian_main(const struct guardian_job *job, int control, int status)
{
    char     path[4096];
    sigset_t none;
    int      log, null;

    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    /* Out of the way of 3 and 4, where both are to be. */
    control = fcntl(control, F_DUPFD, 10);
    status = fcntl(status, F_DUPFD, 10);
    (void)snprintf(path, sizeof path, "%s/log", job->dir);
    null = open("/dev/null", O_RDWR);
    log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    if (control < 0 || status < 0 || null < 0 || dup2(null, 0) < 0 ||
        dup2(log < 0 ? null : log, 1) < 0 || dup2(1, 2) < 0 || dup2(control, CONTROL_FD) < 0 ||
        dup2(status, STATUS_FD) < 0) {
        _exit(1);
    }
    (void)close_range(STATUS_FD + 1, ~0U, 0);
    /* Our own programs do not get the pipes. */
    (void)fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
    (void)fcntl(STATUS_FD, F_SETFD, FD_CLOEXEC);
    guard(job);
    _exit(0);
}

/*
 * In the owner
 */

/* Reads until "ready" (0), the end of the pipe, cancel, or the deadline. */
static int
await_ready(int fd, int timeout_ms, struct err *e)
{
    char   text[sizeof e->text] = "";
    size_t n = 0;
    double until = clock_seconds() + timeout_ms / 1000.0;

    for (;;) {
        struct pollfd pfd[2] = {{.fd = fd, .events = POLLIN},
                                {.fd = cancel_fd(), .events = POLLIN}};
        double        left = until - clock_seconds();
        ssize_t       got;

        if (cancel_check(e) != 0) {
            return -1;
        }
        if (left <= 0) {
            return err_set(e, ERR_PG, "could not start a scratch server within %d s",
                           timeout_ms / 1000);
        }
        if (poll(pfd, 2, (int)(left * 1000) + 1) < 0 || pfd[0].revents == 0) {
            continue;
        }
        got = read(fd, text + n, sizeof text - 1 - n);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
        text[n] = '\0';
        if (strstr(text, "\nready\n") != NULL) {
            return 0;
        }
    }
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' ')) {
        text[--n] = '\0';
    }
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    return err_set(e, ERR_PG, "could not start a scratch server: %.900s",
                   text[0] == '\0' ? "its guardian ended" : text);
}

int
guardian_start(struct guardian *g, const struct guardian_job *job, int timeout_ms, struct err *e)
{
    int control[2] = {-1, -1}, status[2] = {-1, -1};
    int rc = -1;

    g->pid = -1;
    g->control = -1;
    if (pipe2(control, O_CLOEXEC) != 0 || pipe2(status, O_CLOEXEC) != 0 || (g->pid = fork()) < 0) {
        err_errno(e, "could not start the scratch server's guardian");
        goto out;
    }
    if (g->pid == 0) {
        guardian_main(job, control[0], status[1]);
    }
    g->control = control[1];
    control[1] = -1;
    close(status[1]);
    status[1] = -1;
    rc = await_ready(status[0], timeout_ms, e);
    if (rc != 0) {
        struct err ignored = ERR_INIT;
        (void)guardian_end(g, job->dir, &ignored);
    }
out:
    for (int i = 0; i < 2; i++) {
        if (control[i] >= 0) {
            close(control[i]);
        }
        if (status[i] >= 0) {
            close(status[i]);
        }
    }
    return rc;
}

void
guardian_keep(struct guardian *g)
{
    if (g->control >= 0) {
        (void)!write(g->control, "k", 1);
        close(g->control);
        g->control = -1;
    }
}

int
guardian_end(struct guardian *g, const char *dir, struct err *e)
{
    bool kept = g->control < 0;

    if (!kept) {
        close(g->control);
        g->control = -1;
    }
    if (g->pid > 0) {
        while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        g->pid = -1;
    }
    if (!kept && access(dir, F_OK) == 0) {
        return err_set(e, ERR_IO, "could not remove the scratch directory \"%s\"", dir);
    }
    return 0;
}
