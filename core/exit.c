#include "core/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/log.h"
#include "core/pidone.h"
#include "core/runid.h"
#include "core/state.h"

/* /dev/null in place of a descriptor that is closed.  Standard output is opened for reading, so
 * that writes to it fail: the results would be lost.  Losses of standard error cannot be
 * reported. */
static void
open_closed(void)
{
    static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};

    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            (void)open("/dev/null", modes[fd]); /* the lowest free number: fd */
        }
    }
}

void
tool_begin(const char *program)
{
    open_closed();
    pidone_begin();
    log_init(program, LOG_WARN);
    run_id_begin();
    cancel_install();
    state_watch();
}

int
tool_end(int status)
{
    struct err e = ERR_INIT;
    bool       earlier = ferror(stdout) != 0; /* then errno is no longer known */

    if (fflush(stdout) != 0) {
        err_errno(&e, "could not write to standard output");
    } else if (earlier) {
        err_set(&e, ERR_IO, "could not write to standard output");
    }
    if (e.kind == ERR_NONE) {
        return status;
    }
    err_print(&e);
    return status == EXIT_GOOD ? EXIT_FAILED : status;
}

int
err_exit_status(const struct err *e)
{
    switch (e->kind) {
    case ERR_USAGE:
        return EXIT_USAGE;
    case ERR_INTERRUPTED:
        return 128 + cancel_signal();
    default:
        return EXIT_FAILED;
    }
}

void
err_print(const struct err *e)
{
    log_hinted(LOG_ERROR, e->hint, "%s", e->text);
}
