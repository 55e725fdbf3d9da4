#include "core/exit.h"

#include "core/cancel.h"
#include "core/log.h"

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
