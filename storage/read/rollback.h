/*
 * rollback.h - what this host has seen (storage/repo/lastseen.h) against what stands there now: was
 * an old state of the repository put back?
 */
#ifndef STORAGE_READ_ROLLBACK_H
#define STORAGE_READ_ROLLBACK_H

#include "storage/repo/backuplist.h"

/* How the remembered backup fares in a list of the same moment. */
enum rollback_state {
    ROLLBACK_NONE,     /* it stands, or was expired, or there is none */
    ROLLBACK_GONE,     /* no label and no trusted tombstone */
    ROLLBACK_REPLACED, /* another label, not that of a copy, stands under its id */
};
struct rollback {
    enum rollback_state state;
    char                backup[BACKUP_ID_MAX];
    time_t              snapshot;
};

/* What cannot be found out is a warning, and not missed. */
void rollback_judge(struct repo *, const char *db, const struct backup_list *, struct rollback *);
/* A sentence for people, allocated; found: what stands there instead, or NULL.  NULL when all is
 * well. */
char *rollback_text(const struct rollback *, const struct label *found);
/* For who is about to write: a warning when something is missed. */
void rollback_warn(struct repo *, const char *db, const struct backup_list *);

/* backup_find(), and for the newest (no id, no time): what is missed, and the memory brought up
 * to date.  An id, a time or a repository as of another time: nothing is missed.  A missed
 * backup that is older than what was found does not count. */
struct label *rollback_find(struct repo *, const char *db, const char *which, time_t at,
                            struct rollback *, struct err *);

#endif
