#include "core/pidone.h"

#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a worker that was killed leaves behind, such as the guardian of a scratch server
 * (pg/scratch/guardian.h), may tidy up for so long. */
enum { TIDY_MS = 10000, TIDY_POLL_MS = 20 };

static _Noreturn void
end_as(int status)
{
    if (WIFEXITED(status)) {
        _exit(WEXITSTATUS(status));
    }
    for (int ms = 0; ms < TIDY_MS && waitpid(-1, NULL, WNOHANG) >= 0; ms += TIDY_POLL_MS) {
        (void)usleep(TIDY_POLL_MS * 1000);
    }
    _exit(128 + WTERMSIG(status));
}

/* A first process is not told of signals that it does not handle; of those that it blocks,
 * sigwait() is. */
static _Noreturn void
serve(pid_t worker, const sigset_t *all)
{
    int   sig, status;
    pid_t pid;

    for (;;) {
        if (sigwait(all, &sig) == 0 && sig != SIGCHLD) {
            (void)kill(worker, sig);
        }
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
            if (pid == worker) {
                end_as(status);
            }
        }
    }
}

void
pidone_begin(void)
{
    static const int not_ours[] = {SIGFPE,  SIGILL, SIGSEGV, SIGBUS, SIGABRT,
                                   SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU};
    sigset_t         all, before;
    pid_t            worker;

    if (getpid() != 1) {
        return;
    }
    (void)sigfillset(&all);
    for (size_t i = 0; i < sizeof not_ours / sizeof not_ours[0]; i++) {
        (void)sigdelset(&all, not_ours[i]);
    }
    (void)signal(SIGCHLD, SIG_DFL); /* ignored, as a parent may have left it, there is no status */
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    worker = fork();
    if (worker > 0) {
        serve(worker, &all);
    }
    (void)sigprocmask(SIG_SETMASK, &before,
                      NULL); /* also when there was no second process to have */
}
