/*
 * object_lock.h - Object Lock: for some days nobody can remove the objects of a backup.
 *
 * repo.<n>.json, source.json, chunks, chunk lists, manifests and labels are locked; run marks,
 * trash and other objects that the protocols must be able to remove never are.  The time is rounded
 * up to a step of 30 days, the same steps for all objects, so that the lock of a reused chunk is
 * extended only once in 30 days: doing so every night would cost more than storing it. A lock that
 * the store accepted and did not keep is an error of the put().
 */
#ifndef STORAGE_CONTRACT_OBJECT_LOCK_H
#define STORAGE_CONTRACT_OBJECT_LOCK_H

#include <time.h>

#include "storage/contract/storage.h"

enum { LOCK_STEP_DAYS = 30, LOCK_DAYS_MAX = 36500 };

/* storage_put() locks keys for which this is true. */
bool lock_covers(const char *key);
/* Until when an object written at that time is locked; 0: this storage locks nothing. */
time_t storage_lock_until(const struct storage *, time_t now);
#endif
