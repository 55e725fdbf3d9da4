/*
 * seen_impl.h - what the parts of the memory share: seen.c (the file), seen_missed.c (what is
 * gone).
 */
#ifndef STORAGE_REPO_LASTSEEN_IMPL_H
#define STORAGE_REPO_LASTSEEN_IMPL_H

#include "storage/repo/lastseen.h"

/* A repository as of another time: neither compared nor remembered. */
bool seen_is_past(const struct repo *);
/* Takes in a list and a label (either may be NULL); also_older: the label even in the place of a
 * newer backup.  lock: the caller's seen_lock(); -1: it is taken here. */
void seen_update(const struct repo *, const char *db, const struct backup_list *,
                 const struct label *, bool also_older, int lock);

#endif
