#include "pg/scratch/guardian.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/human.h"
#include "core/mem.h"
#include "pg/scratch/namespaces.h"
#include "pg/scratch/rmtree.h"

enum { CONTROL_FD = 3, STATUS_FD = 4, LOCK_FD = 5, SWEEP_MS = 10000, SWEEP_POLL_MS = 10 };
enum { REMOVAL_MS = 60000, LOG_RESERVED = 16384 /* bytes */ };
/* The guardian's exit status; ENDED_NOT_LEFT: all, but the data are not where they were to be. */
enum { ENDED_ALL = 0, ENDED_NOT_ALL = 2, ENDED_NOT_LEFT = 3 };

void
guardian_remove(const char *dir, const struct account *account)
{
    pid_t pid = fork();

    if (pid == 0) {
        _exit(account_become(account) == 0 && rmtree_contents(dir) == 0 ? 0 : 1);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    (void)rmdir(dir);
}

/*
 * In the guardian
 */

struct guard {
    const struct server_job *job;
    pid_t                    keeper;
    int                      keeper_fd; /* pidfd */
    int                      stop;      /* closing it tells the keeper to end */
    int                      removal;   /* inotify; -1: not kept */
    bool                     kept;
    bool                     leave; /* the data */
};

/* Child processes: the keeper's orphans, too, as this process is their subreaper. */
static void
kill_children(void)
{
    char           path[64], text[512];
    DIR           *proc = opendir("/proc");
    struct dirent *entry;

    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        const char *state;
        int         fd, parent;
        ssize_t     n;

        if (!isdigit((unsigned char)entry->d_name[0])) {
            continue;
        }
        (void)snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
        if (fd >= 0) {
            (void)close(fd);
        }
        text[n > 0 ? n : 0] = '\0';
        /* "17 (name, which may hold anything) S 16 ..." */
        if ((state = strrchr(text, ')')) != NULL && sscanf(state, ") %*c %d", &parent) == 1 &&
            parent == getpid()) {
            (void)kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
        }
    }
    if (proc != NULL) {
        (void)closedir(proc);
    }
}

/*
 * Until there is no child.  In a PID namespace all ended with the keeper.  Else the children of
 * each killed process become this one's, and are killed in the next round; a process that forks
 * faster than that survives, and is reported.
 */
static bool
sweep(void)
{
    for (int waited = 0; waited < SWEEP_MS; waited += SWEEP_POLL_MS) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD) {
            return true;
        }
        kill_children();
        (void)usleep(SWEEP_POLL_MS * 1000);
    }
    return false;
}

/* The keeper stops the server, and is killed when that takes too long.  True: it was stopped as it
 * was to be. */
static bool
end_keeper(struct guard *g)
{
    const char    leave = KEEPER_LEAVE;
    struct pollfd fd = {.fd = g->keeper_fd, .events = POLLIN};
    int           status = -1;

    if (g->leave) {
        (void)!write(g->stop, &leave, 1);
    }
    (void)close(g->stop);
    if (poll(&fd, 1, 2 * KEEPER_STOP_MS + (g->leave ? KEEPER_SHUTDOWN_MS : 0)) <= 0) {
        (void)kill(g->keeper, SIGKILL);
    }
    while (waitpid(g->keeper, &status, 0) < 0 && errno == EINTR) {
    }
    return status == 0;
}

/* All processes have ended: nobody else moves names about there. */
static bool
move_data(const struct server_job *job)
{
    char from[PATH_MAX];

    (void)snprintf(from, sizeof from, "%s/data", job->dir);
    return rename(from, job->leave_at) == 0;
}

/* A kept server ends when its directory is being removed: with the first name. */
static void
watch_directory(struct guard *g)
{
    g->kept = true;
    g->removal = inotify_init1(IN_CLOEXEC);
    (void)inotify_add_watch(g->removal, g->job->dir,
                            IN_DELETE | IN_MOVED_FROM | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW);
}

/* The removal in progress is not disturbed: names that appear and vanish meanwhile would make it
 * fail. What is left after a minute is removed here. */
static void
await_removal(const struct server_job *job)
{
    for (int waited = 0; waited < REMOVAL_MS && access(job->dir, F_OK) == 0; waited += 50) {
        (void)usleep(50000);
    }
}

/* Until it is to end.  True: its directory is to be removed, too. */
static bool
guard(struct guard *g)
{
    bool keeper_ended = false;
    char c = 0;

    for (;;) {
        struct pollfd fds[] = {{.fd = g->kept ? -1 : CONTROL_FD, .events = POLLIN},
                               {.fd = keeper_ended ? -1 : g->keeper_fd, .events = POLLIN},
                               {.fd = g->removal, .events = POLLIN}};

        if (poll(fds, 3, -1) < 0) {
            continue;
        }
        if (fds[0].revents != 0) {
            if (read(CONTROL_FD, &c, 1) != 1 || c != 'k') {
                g->leave = c == KEEPER_LEAVE;
                return true;
            }
            watch_directory(g);
        }
        if (fds[2].revents != 0) {
            return true;
        }
        keeper_ended = keeper_ended || fds[1].revents != 0;
        if (keeper_ended && g->kept) {
            return false;
        }
    }
}

/* Gives up everything inherited from the owner: descriptors (a caller may wait for the end of its
 * stdout), terminal, signals. */
static void
leave_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    sigset_t         none;

    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
}

/* The lock on the account's id is held only by this descriptor when the owner has ended. */
static int
leave_descriptors(const struct server_job *job, int control, int status)
{
    int  lock = job->account->lock, log, null;
    char path[PATH_MAX];

    /* Away from 3 to 5, their final numbers. */
    control = fcntl(control, F_DUPFD, 10);
    status = fcntl(status, F_DUPFD, 10);
    lock = lock < 0 ? -1 : fcntl(lock, F_DUPFD, 10);
    (void)snprintf(path, sizeof path, "%s/log", job->dir);
    null = open("/dev/null", O_RDWR);
    /* Read through this descriptor only: the server's user could replace the file of that name. */
    log = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0600);
    /* It has to say, too, that the disk is full. */
    if (log >= 0) {
        (void)fallocate(log, FALLOC_FL_KEEP_SIZE, 0, LOG_RESERVED);
    }
    if (control < 0 || status < 0 || null < 0 || dup2(null, 0) < 0 ||
        dup2(log < 0 ? null : log, 1) < 0 || dup2(1, 2) < 0 || dup2(control, CONTROL_FD) < 0 ||
        dup2(status, STATUS_FD) < 0 || (lock >= 0 && dup2(lock, LOCK_FD) < 0)) {
        return -1;
    }
    return close_range(lock >= 0 ? LOCK_FD + 1 : LOCK_FD, ~0U, 0);
}

static int
start_keeper(struct guard *g, const char *passwd)
{
    const struct namespaces n = {.root = g->job->account->drop,
                                 .network = g->job->confinement->network,
                                 .dir = g->job->dir,
                                 .passwd = passwd};
    int                     stop[2];

    if (pipe2(stop, O_CLOEXEC) != 0 || (g->keeper = namespaces_fork(&n)) < 0) {
        (void)dprintf(STATUS_FD, "its keeper could not be started: %s", strerror(errno));
        return -1;
    }
    if (g->keeper == 0) {
        (void)close(stop[1]);
        (void)close(CONTROL_FD);
        if (namespaces_enter(&n) != 0) {
            (void)dprintf(STATUS_FD, "its namespaces could not be made: %s", strerror(errno));
            _exit(1);
        }
        keeper_main(g->job, stop[0], STATUS_FD);
    }
    (void)close(stop[0]);
    (void)close(STATUS_FD);
    g->stop = stop[1];
    g->keeper_fd = pidfd_open(g->keeper, 0);
    return 0;
}

static _Noreturn void
guardian_main(const struct server_job *job, const char *passwd, int control, int status)
{
    struct guard g = {.job = job, .removal = -1};
    bool         remove, stopped, all, left = true;

    leave_signals();
    if (leave_descriptors(job, control, status) != 0) {
        _exit(1);
    }
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (start_keeper(&g, passwd) != 0) {
        guardian_remove(job->dir, job->account);
        _exit(1);
    }
    remove = guard(&g);
    stopped = end_keeper(&g);
    all = sweep();
    if (g.leave) {
        left = stopped && all && move_data(job);
    }
    if (remove) {
        if (g.kept) {
            await_removal(job);
        }
        guardian_remove(job->dir, job->account);
    }
    _exit(!all ? ENDED_NOT_ALL : left ? ENDED_ALL : ENDED_NOT_LEFT);
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
guardian_start(struct guardian *g, const struct server_job *job, const char *passwd, int timeout_ms,
               struct err *e)
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
        guardian_main(job, passwd, control[0], status[1]);
    }
    g->control = control[1];
    control[1] = -1;
    close(status[1]);
    status[1] = -1;
    rc = await_ready(status[0], timeout_ms, e);
    if (rc != 0) {
        struct err ignored = ERR_INIT;
        (void)guardian_end(g, job->dir, job->account, &ignored);
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

void
guardian_leave(struct guardian *g)
{
    const char leave = KEEPER_LEAVE;

    if (g->control >= 0) {
        (void)!write(g->control, &leave, 1);
    }
}

/* The guardian was killed.  The keeper then stops the server by itself. */
static int
end_for_it(const char *dir, const struct account *account, struct err *e)
{
    for (int waited = 0; waited < REMOVAL_MS && access(dir, F_OK) == 0; waited += 50) {
        guardian_remove(dir, account);
        (void)usleep(50000);
    }
    return err_set(e, ERR_IO,
                   "the guardian of the scratch server in \"%s\" was killed: what it would have "
                   "ended may live on",
                   dir);
}

int
guardian_end(struct guardian *g, const char *dir, const struct account *account, struct err *e)
{
    bool kept = g->control < 0;
    int  status = 0;

    if (!kept) {
        close(g->control);
        g->control = -1;
    }
    if (g->pid > 0) {
        while (!kept && waitpid(g->pid, &status, 0) < 0 && errno == EINTR) {
        }
        g->pid = -1;
    }
    if (WIFSIGNALED(status)) {
        return end_for_it(dir, account, e);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == ENDED_NOT_ALL) {
        err_set(e, ERR_IO, "processes of the scratch server in \"%s\" could not be ended", dir);
        return err_hint(e, "something in the backup starts processes that get away: look for them");
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == ENDED_NOT_LEFT) {
        return err_set(e, ERR_IO, "the scratch server in \"%s\" was not stopped in order", dir);
    }
    if (!kept && access(dir, F_OK) == 0) {
        return err_set(e, ERR_IO, "could not remove the scratch directory \"%s\"", dir);
    }
    return 0;
}
