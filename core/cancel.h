/*
 * cancel.h - SIGINT, SIGTERM, SIGHUP and SIGXFSZ (a file larger than ulimit -f), turned into a flag
 * that loops check.
 *
 * The handler only sets a flag and writes to a pipe: waiting code polls cancel_fd() besides its own
 * descriptors.  A second signal does not kill: clean-up is completed.  SIGPIPE is ignored.
 */
#ifndef CORE_CANCEL_H
#define CORE_CANCEL_H

#include <stdbool.h>

#include "core/err.h"

void cancel_install(void); /* once, early in main() */
bool cancel_requested(void);
int  cancel_signal(void); /* the first one received; SIGINT when none was */
int  cancel_fd(void);     /* readable for ever once requested; never read from it */

/* -1 with ERR_INTERRUPTED when requested, else 0: "if (cancel_check(e) != 0) goto out;" */
int cancel_check(struct err *);

#endif
