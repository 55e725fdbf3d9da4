/*
 * prune.h - --prune: after a backup, the repositories that have it are pruned by their policy.
 */
#ifndef BACKUP_PRUNE_H
#define BACKUP_PRUNE_H

#include "backup/job.h"

/* Runs pgassay-storage prune on this database in each repository that got the backup.  The result
 * is recorded in the outcome: the backup is valid in any case. */
void prune_after(const struct job *, struct outcome *);

#endif
