/*
 * backup_find.h - which backup a user means.
 */
#ifndef STORAGE_READ_BACKUP_FIND_H
#define STORAGE_READ_BACKUP_FIND_H

#include "storage/repo/backuplist.h"

/* The backup that a user means: which is an id, "latest" or NULL (newest committed of scope
 * full); at, when not 0: the newest whose snapshot is not later.  ERR_NOT_FOUND lists what there
 * is.  When the one meant is damaged (damage.h): ERR_CORRUPT names the newest good one; an id
 * whose label can be read gives that, and a warning. */
struct label *backup_find(struct repo *, const char *db, const char *which, time_t at,
                          struct err *);
/* The same in a list that the caller has loaded; what is found is taken out of its entry. */
struct label *backup_find_listed(struct repo *, const char *db, struct backup_list *,
                                 const char *which, time_t at, struct err *);

#endif
