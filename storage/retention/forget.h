/*
 * forget.h - giving a backup up that is damaged, gone, or of a time that has not been.
 *
 * What a person decides, as against what rules expire: a tombstone with the reason is put, signed
 * like a prune's, and the label, if there is one, removed; the next prunes remove what is left.
 * From then on nobody misses the backup: not the labels that name it, not the hosts that have seen
 * it (missing.h), not `verify chain`.  A good backup is not forgotten: rules expire it.
 */
#ifndef STORAGE_RETENTION_FORGET_H
#define STORAGE_RETENTION_FORGET_H

#include "core/err.h"
#include "storage/repo/repo.h"

/* ERR_USAGE: the backup is good.  ERR_NOT_FOUND: nothing and nobody knows of it. */
int forget_backup(struct repo *, const char *db, const char *backup, const char *reason,
                  struct err *);

#endif
