/*
 * switch.h - databases left by a swap, and the way back: --undo, --switch-to, --leftovers,
 * --drop-leftover, --status.  None needs a repository: everything is recorded in the server
 * (pg/target/aside.h, halfmade.h).  Where there is one, it learns who has the name (succession.h).
 */
#ifndef RESTORE_SWITCH_H
#define RESTORE_SWITCH_H

#include "restore/job/options.h"

/* Is one of these requested? */
bool switch_asked(const struct options *);
/* Does it, and prints the result.  0 or -1. */
int switch_run(const struct options *, struct err *);

#endif
