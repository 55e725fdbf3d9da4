/*
 * prune.h - --prune: after a backup, the repositories that have it are pruned of what their policy
 * does not keep.
 */
#ifndef BACKUP_PRUNE_H
#define BACKUP_PRUNE_H

#include "backup/job.h"

/* Runs pgassay-storage prune on this database in each repository that got the backup.  What came
 * of it is noted in the outcome: the backup stands in any case. */
void prune_after(const struct job *, struct outcome *);

#endif
