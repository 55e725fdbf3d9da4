#include "core/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/log.h"

/* /dev/null in place of a descriptor that is closed.  Standard output is opened for reading, so
 * that whoever writes to it is told: the results would get nowhere.  Nobody can be told of what
 * standard error loses. */
static void
open_closed(void)
{
    static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};

    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            (void)open("/dev/null", modes[fd]); /* the lowest number that is free: fd */
        }
    }
}

void
tool_begin(const char *program)
{
    open_closed();
    log_init(program, LOG_WARN);
    cancel_install();
}

int
tool_end(int status)
{
    struct err e = ERR_INIT;
    bool       earlier = ferror(stdout) != 0; /* then why is not known any more */

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
    log_error("%s", e->text);
    if (e->hint[0] != '\0') {
        log_error("hint: %s", e->hint);
    }
}
