/*
 * rollback.h - compares what this host has seen (storage/repo/lastseen.h) with what is there now:
 * was an old state of the repository put back?
 */
#ifndef STORAGE_READ_ROLLBACK_H
#define STORAGE_READ_ROLLBACK_H

#include "storage/repo/backuplist.h"

/* The state of the remembered backup in a list loaded at the same time. */
enum rollback_state {
    ROLLBACK_NONE,     /* it exists, was expired, or there is none */
    ROLLBACK_GONE,     /* no label and no trusted tombstone */
    ROLLBACK_REPLACED, /* its id has another label, not that of a copy */
};
struct rollback {
    enum rollback_state state;
    char                backup[BACKUP_ID_MAX];
    time_t              snapshot;
    struct strlist
          passed; /* of rollback_find(): sentences about newer backups that were passed over */
    char *safety; /* likewise, of a safety backup, which is no fault; or NULL */
};

/* What cannot be determined is a warning, and counts as not missed. */
void rollback_judge(struct repo *, const char *db, const struct backup_list *, struct rollback *);
/* A sentence for the user, allocated; found: what is there instead, or NULL.  NULL when nothing is
 * wrong. */
char *rollback_text(const struct rollback *, const struct label *found);
/* For a caller about to write: warns when something is missed. */
void rollback_warn(struct repo *, const char *db, const struct backup_list *);

void rollback_deinit(struct rollback *);
/* backup_find(); for the newest (no id, no time) also reports what is missed, and updates the
 * memory.  With an id, a time or a repository as of another time nothing is missed.  A missed
 * backup older than the one found does not count. */
struct label *rollback_find(struct repo *, const char *db, const char *which, time_t at,
                            struct rollback *, struct err *);

#endif
