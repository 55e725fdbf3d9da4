/*
 * reclaimable.h - how much would be freed if backups were removed one after another.
 *
 * A chunk is freed with the last backup that refers to it.  Takes 40 bytes a chunk; chunk lists are
 * read one by one.
 */
#ifndef STORAGE_READ_RECLAIMABLE_H
#define STORAGE_READ_RECLAIMABLE_H

#include <stdint.h>

#include "storage/repo/backuplist.h"
#include "storage/repo/repo.h"

#define RECLAIMABLE_STAYS UINT32_MAX

/* step[i]: when list->v[i] is removed, from 0 to n_steps - 1, or RECLAIMABLE_STAYS.  freed[k]:
 * stored bytes freed at step k.  Void backups hold nothing; a damaged one whose list cannot be read
 * counts as empty if it is removed, and is an error if it stays. */
int reclaimable(struct repo *, const struct backup_list *, const uint32_t *step, uint32_t n_steps,
                uint64_t *freed, struct err *);

#endif
