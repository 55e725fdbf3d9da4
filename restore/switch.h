/*
 * switch.h - what a swap has left, and the way back: --undo, --switch-to, --leftovers,
 * --drop-leftover, --status.  None needs a repository: what was done lies in the server
 * (pg/target/aside.h, halfmade.h).
 */
#ifndef RESTORE_SWITCH_H
#define RESTORE_SWITCH_H

#include "restore/options.h"

/* Is it one of these that is asked for? */
bool switch_asked(const struct options *);
/* Does it, and prints the result.  0 or -1. */
int switch_run(const struct options *, struct err *);

#endif
