/*
 * hostlock.h - one run of a kind ("backup", "copy") per database and repository at a time on this
 * host.
 *
 * flock() on a file in the state directory, released by the kernel however the process ends.  The
 * file is never unlinked: a process waiting on an unlinked file and one that creates it again would
 * both get the lock.
 */
#ifndef CORE_HOST_HOSTLOCK_H
#define CORE_HOST_HOSTLOCK_H

#include "core/err.h"

/* *lock: the descriptor that holds it; close it to release the lock.  -1 when the state directory
 * cannot be used, which is a warning, not an error.  ERR_BUSY names the process that holds it. */
int hostlock_take(const char *repo_id, const char *db, const char *kind, int *lock, struct err *);

#endif
