/*
 * backup_find.h - which backup a user means.
 */
#ifndef STORAGE_READ_BACKUP_FIND_H
#define STORAGE_READ_BACKUP_FIND_H

#include "storage/repo/backuplist.h"

/* The backup that a user means: which is an id, "latest" or NULL (newest committed of scope
 * full); at, when not 0: the newest whose snapshot is not later.  ERR_NOT_FOUND lists the newest
 * backups.  When the one meant is damaged (damage.h): ERR_CORRUPT names the newest good one; if
 * given by id and its label is readable, it is returned, with a warning. */
struct label *backup_find(struct repo *, const char *db, const char *which, time_t at,
                          struct err *);
/* The same in a list that the caller has loaded; the label found is moved out of its entry. */
struct label *backup_find_listed(struct repo *, const char *db, struct backup_list *,
                                 const char *which, time_t at, struct err *);

#endif
