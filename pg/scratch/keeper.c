#include "pg/scratch/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/human.h"
#include "pg/scratch/packed.h"
#include "pg/scratch/rmtree.h"

enum { READY_POLL_MS = 5, IDLE_POLL_MS = 1000, LOG_BYTES = 32768 };

struct keeper {
    const struct server_job *job;
    int                      stop, status;
    pid_t                    child; /* -1: has ended, with this status */
    int                      ended;
};

/* Ends poll(), so that the end of a child is noticed at once. */
static void
on_child(int sig)
{
    (void)sig;
}

/* initdb runs only its own SQL, and is not confined. */
static _Noreturn void
run_program(const struct server_job *job, char *const *argv)
{
    static const int defaults[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD};
    sigset_t         none;

    /* A process group of its own: one signal reaches all that initdb starts, and ^C on a terminal
     * does not. */
    if (setpgid(0, 0) != 0 || chdir(job->dir) != 0) {
        (void)dprintf(2, "error: could not enter \"%s\": %s\n", job->dir, strerror(errno));
        _exit(127);
    }
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        (void)signal(defaults[i], SIG_DFL);
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)close_range(3, ~0U, 0);
    if (argv == job->postgres && confine_self(job->confinement) != 0) {
        (void)dprintf(2, "error: could not confine the server: %s\n", strerror(errno));
        _exit(127);
    }
    (void)execve(argv[0], argv, job->env);
    (void)dprintf(2, "error: could not run \"%s\": %s\n", argv[0], strerror(errno));
    _exit(127);
}

static void
spawn(struct keeper *k, char *const *argv)
{
    k->ended = -1;
    k->child = fork();
    if (k->child == 0) {
        run_program(k->job, argv);
    }
    if (k->child < 0) {
        (void)dprintf(STDERR_FILENO, "error: could not fork: %s\n", strerror(errno));
    }
}

/* Reaps all that have ended, orphans too if this is the first process of a namespace. */
static void
reap(struct keeper *k)
{
    pid_t pid;
    int   status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == k->child) {
            k->child = -1;
            k->ended = status;
        }
    }
}

/* Waits a moment.  True: it is to end. */
static bool
told_to_stop(const struct keeper *k, int wait_ms)
{
    struct pollfd fd = {.fd = k->stop, .events = POLLIN};

    return poll(&fd, 1, wait_ms) > 0;
}

static void
kill_child(struct keeper *k)
{
    if (k->child > 0) {
        (void)kill(-k->child, SIGKILL);
        (void)waitpid(k->child, &k->ended, 0);
        k->child = -1;
    }
}

/* SIGQUIT: immediate shutdown; a checkpoint would be useless.  (It also removes the
 * server's segment of System V memory, which would otherwise stay if there is no namespace.) */
static void
stop_server(struct keeper *k, int how, int within_ms)
{
    if (k->child > 0) {
        (void)kill(k->child, how);
    }
    for (int waited = 0; k->child > 0 && waited < within_ms; waited += 10) {
        (void)usleep(10000);
        reap(k);
    }
    kill_child(k);
}

static bool
told_to_leave(const struct keeper *k)
{
    char c = 0;

    return read(k->stop, &c, 1) == 1 && c == KEEPER_LEAVE;
}

/* The server writes "ready" in the eighth line of its pid file. */
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
    (void)fclose(f);
    return ready;
}

/* The reason for the end within a line of a log; NULL: it has none. */
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

/* Through the status pipe, to become the owner's error text: the log's first line with a reason,
 * else its last. */
static void
report_failure(const struct keeper *k, const char *what)
{
    char        text[LOG_BYTES];
    ssize_t     n = pread(STDERR_FILENO, text, sizeof text - 1, 0);
    const char *why = "", *word = NULL;
    char       *rest = text, *line;

    text[n > 0 ? n : 0] = '\0';
    while (word == NULL && (line = strsep(&rest, "\n")) != NULL) {
        word = last_word(line);
        why = word != NULL ? word : *line != '\0' ? line : why;
    }
    (void)dprintf(k->status, "%s%s%.700s", what, *why != '\0' ? ": " : "", why);
}

/* 0: it made the cluster. */
static int
run_initdb(struct keeper *k)
{
    spawn(k, k->job->initdb);
    while (k->child > 0 && !told_to_stop(k, IDLE_POLL_MS)) {
        reap(k);
    }
    kill_child(k);
    return k->ended == 0 ? 0 : -1;
}

static bool
unpack(const struct server_job *job)
{
    char data[4096];

    if (job->cluster == NULL || job->cluster->len == 0)
        return false;
    if (packed_unpack(job->cluster, job->dir))
        return true;
    (void)snprintf(data, sizeof data, "%s/data", job->dir);
    (void)rmtree_contents(data);
    (void)rmdir(data);
    return false;
}

/* 0: there is one. */
static int
make_cluster(struct keeper *k)
{
    if (k->job->initdb == NULL || unpack(k->job))
        return 0;
    if (run_initdb(k) != 0)
        return -1;
    if (k->job->packed != NULL)
        (void)packed_make(k->job->dir, k->job->packed);
    return 0;
}

/* 0: it accepts connections. */
static int
start_server(struct keeper *k)
{
    spawn(k, k->job->postgres);
    while (k->child > 0 && !server_ready(k->job->dir)) {
        if (told_to_stop(k, READY_POLL_MS)) {
            return -1;
        }
        reap(k);
    }
    return k->child > 0 ? 0 : -1;
}

_Noreturn void
keeper_main(const struct server_job *job, int stop, int status)
{
    struct keeper    k = {.job = job, .stop = stop, .status = status, .child = -1};
    struct sigaction act = {.sa_handler = on_child};
    bool             runs;

    (void)sigaction(SIGCHLD, &act, NULL);
    if (account_become(job->account) != 0) {
        (void)dprintf(status, "could not become user \"%s\": %s", job->account->name,
                      strerror(errno));
        _exit(1);
    }
    if (make_cluster(&k) != 0) {
        report_failure(&k, "initdb failed");
    } else if (start_server(&k) != 0) {
        if (k.child < 0) {
            report_failure(&k, "the server did not start");
        }
    } else {
        (void)dprintf(status, "\nready\n");
        (void)close(status);
        while (k.child > 0 && !told_to_stop(&k, IDLE_POLL_MS)) {
            reap(&k);
        }
    }
    if (k.child > 0 && told_to_leave(&k)) {
        stop_server(&k, SIGINT, KEEPER_SHUTDOWN_MS);
        _exit(k.ended == 0 ? 0 : 1);
    }
    runs = k.child > 0;
    stop_server(&k, SIGQUIT, KEEPER_STOP_MS);
    _exit(runs ? 0 : 1);
}
