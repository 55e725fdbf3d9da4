/*
 * backup_find.h - which backup a user means.
 */
#ifndef STORAGE_READ_BACKUP_FIND_H
#define STORAGE_READ_BACKUP_FIND_H

#include "storage/repo/backuplist.h"

/* The backup that a user means.  Which: "latest" or NULL, the newest committed of scope full;
 * "latest~2", the second before it; "proven", the newest whose last drill passed; an id, or four
 * and more of its first or last characters, if no other begins or ends so (ERR_USAGE); such a one
 * with "~1", the whole one before it.  Safety backups (label_is_safety) are only meant by their
 * ids, or where nothing else is as old as that.  At, when not 0: the newest whose snapshot is not
 * later. ERR_NOT_FOUND lists the existing ones.  When the newest is damaged (damage.h): ERR_CORRUPT
 * names the newest good one; one that was named and whose label can be read is given, with a
 * warning. */
struct label *backup_find(struct repo *, const char *db, const char *which, time_t at,
                          struct err *);
/* "latest" is the newest backup that this host trusts.  Anybody with write access can put something
 * newer into the repository; this must not prevent a restore.  So labels from the future, labels
 * without a trusted signature, and, where signatures are required, unreadable labels that have no
 * witness are passed over.  The sentence that says so of this entry, allocated; NULL: it is not. */
char *backup_passed_over(struct repo *, const char *db, const struct backup_list *,
                         const struct backup_entry *);
/* The sentence about a newer safety backup, as old as at, where this one was found as the newest;
 * allocated; NULL: there is none. */
char *backup_safety_passed(const struct backup_list *, const struct label *found, const char *which,
                           time_t at);
bool  backup_is_future(const struct backup_entry *);
/* The same in a list that the caller has loaded; the label found is moved out of its entry. */
struct label *backup_find_listed(struct repo *, const char *db, struct backup_list *,
                                 const char *which, time_t at, struct err *);

/* Is it the newest that is asked for? */
bool backup_is_latest(const char *which);
/* --backup, --at, --before and --proven: one at most.  The last two become a --backup, for which
 * named is room that lives as long as *backup is used.  ERR_USAGE. */
enum { BACKUP_NAMED = 80 };
int backup_choose(const char **backup, const char *at, const char *before, bool proven,
                  char named[BACKUP_NAMED], struct err *);
/* --at: a moment of the past, as people type it.  A whole minute, when no seconds were given, as
 * lists show no seconds. */
int backup_at_parse(const char *text, time_t *at, struct err *);

#endif
