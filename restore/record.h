/*
 * record.h - a restore in the history of its database (storage/repo/ledger.h), where this host may
 * write to the repository; where it may not, nothing is said: a restore is not worse for it.
 */
#ifndef RESTORE_RECORD_H
#define RESTORE_RECORD_H

#include "core/err.h"
#include "restore/job/restore.h"

/* status: how it ends.  Only what has begun to change something is recorded. */
void record_restore(const struct restore *, int status, time_t started);

#endif
