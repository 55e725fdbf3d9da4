/*
 * forget.h - giving up a backup that is damaged, gone, or from the future.
 *
 * Decided by a user, not by rules: a tombstone with the reason is put, signed like a prune's, and
 * the label, if there is one, is removed; the next prunes remove the rest. From then on the backup
 * is not reported missing: not by labels that name it, hosts that have seen it (missing.h), or
 * `verify chain`.  A good backup cannot be forgotten: rules expire it.
 */
#ifndef STORAGE_RETENTION_FORGET_H
#define STORAGE_RETENTION_FORGET_H

#include "core/err.h"
#include "storage/repo/repo.h"

/* ERR_USAGE: the backup is good.  ERR_NOT_FOUND: nothing is known of it.  ERR_CORRUPT: its label
 * exists, and no listing shows it. */
int forget_backup(struct repo *, const char *db, const char *backup, const char *reason,
                  struct err *);

#endif
