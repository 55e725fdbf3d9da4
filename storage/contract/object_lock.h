/*
 * object_lock.h - Object Lock: what backups consist of cannot be removed for some days, by anybody.
 *
 * Locked are repo.<n>.json, source.json, chunks, chunk lists, manifests and labels; never run
 * marks, trash and what else the protocols must be able to remove.  The moment is rounded up to a
 * step of 30 days, the same steps for all, so that a reused chunk is locked further only once in 30
 * days: every night would cost more than storing it. A lock that the store accepted and did not
 * keep is an error of the put().
 */
#ifndef STORAGE_CONTRACT_OBJECT_LOCK_H
#define STORAGE_CONTRACT_OBJECT_LOCK_H

#include <time.h>

#include "storage/contract/storage.h"

enum { LOCK_STEP_DAYS = 30, LOCK_DAYS_MAX = 36500 };

/* storage_put() locks what this is true of. */
bool lock_covers(const char *key);
/* Until when something written at that moment is locked; 0: this storage locks nothing. */
time_t storage_lock_until(const struct storage *, time_t now);
#endif
