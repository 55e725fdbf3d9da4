#include "core/cancel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int came; /* the signal, 0: none */
static int        ends[2] = {-1, -1};

static void
on_signal(int sig)
{
    int saved = errno;
    int none = 0;

    if (atomic_compare_exchange_strong(&came, &none, sig)) {
        ssize_t n = write(ends[1], "", 1);

        (void)n; /* the flag is what counts */
    }
    errno = saved;
}

void
cancel_install(void)
{
    static const int may_be_ignored[] = {SIGHUP, SIGXFSZ};
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;

    if (ends[0] < 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        ends[0] = ends[1] = -1; /* pollers time out instead */
    }
    (void)sigemptyset(&act.sa_mask);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    /* The parent may have set these to be ignored, as nohup does: they stay ignored, and a file
     * that grows too large is a write error (EFBIG) that names it. */
    for (size_t i = 0; i < sizeof may_be_ignored / sizeof may_be_ignored[0]; i++) {
        if (sigaction(may_be_ignored[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            (void)sigaction(may_be_ignored[i], &act, NULL);
        }
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL); /* if the parent ignores it, exit statuses would be lost */
}

bool
cancel_requested(void)
{
    return atomic_load(&came) != 0;
}

int
cancel_signal(void)
{
    int sig = atomic_load(&came);

    return sig == 0 ? SIGINT : sig;
}

int
cancel_fd(void)
{
    return ends[0];
}

static const char *
signal_name(void)
{
    switch (cancel_signal()) {
    case SIGTERM:
        return "SIGTERM";
    case SIGHUP:
        return "SIGHUP";
    case SIGXFSZ:
        return "SIGXFSZ (a file would be larger than ulimit -f)";
    default:
        return "SIGINT";
    }
}

int
cancel_check(struct err *e)
{
    if (!cancel_requested()) {
        return 0;
    }
    return err_set(e, ERR_INTERRUPTED, "interrupted by %s", signal_name());
}
