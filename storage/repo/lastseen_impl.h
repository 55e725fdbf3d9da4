/*
 * lastseen_impl.h - shared by the parts of the memory: lastseen.c (the file), rollback.c (what is
 * gone).
 */
#ifndef STORAGE_REPO_LASTSEEN_IMPL_H
#define STORAGE_REPO_LASTSEEN_IMPL_H

#include "storage/repo/lastseen.h"

/* A repository as of another time: neither compared nor remembered. */
bool lastseen_is_past(const struct repo *);
/* Takes in a list and a label (either may be NULL); also_older: the label even replaces that of a
 * newer backup.  lock: the caller's lastseen_lock(); -1: it is taken here. */
void lastseen_update(const struct repo *, const char *db, const struct backup_list *,
                     const struct label *, bool also_older, int lock);

#endif
