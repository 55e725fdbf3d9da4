/*
 * retention_plan.h - what becomes of each backup of a database: retention_rules.h applied to the
 * repository.
 */
#ifndef STORAGE_RETENTION_RETENTION_PLAN_H
#define STORAGE_RETENTION_RETENTION_PLAN_H

#include "storage/repo/annotations.h"
#include "storage/repo/backuplist.h"
#include "storage/retention/policy.h"
#include "storage/retention/retention_rules.h"

/* Why a backup is removed. */
enum fate { FATE_STAYS, FATE_EXPIRED, FATE_VOID, FATE_GIVEN_UP, FATE_FREED };

struct retention_verdict {
    char                 id[BACKUP_ID_MAX];
    char                *scope;
    enum retention_state state;
    time_t               snapshot; /* of an unreadable label: from the id */
    enum fate            fate;
    unsigned             why;          /* it stays: WHY_ bits */
    char                *problem;      /* of one that is not good */
    char                *note;         /* of its pin, or NULL */
    time_t               locked_until; /* 0: it is not locked, or this did not matter */
};

struct retention_plan {
    struct policy             policy; /* in force */
    struct retention_verdict *v;      /* oldest first */
    size_t                    n;
    struct retention_alarm   *alarms; /* with strings of the verdicts */
    size_t                    n_alarms;
};

struct retention_plan_request {
    const char           *db;
    bool                  drop_damaged; /* give up what is damaged (retention_rules.h) */
    bool                  look;         /* nothing will be removed: locks are not read */
    const struct strlist *freed; /* backups to remove to free space, unless protected; or NULL */
    /* Of the backups of the list, which have been looked at for damage, too
     * (backup_list_check()); NULL: both are asked for. */
    const struct annotations *known;
};

/* list: of backup_list_load(); now: the store's.  The locks of backups that may be removed are read
 * (one chunk list each). */
int  retention_plan_make(struct repo *, const struct retention_plan_request *,
                         const struct backup_list *, time_t now, struct retention_plan *,
                         struct err *);
void retention_plan_free(struct retention_plan *);

/* "newest, keep-daily 7": why it stays or is removed; allocated. */
char *retention_verdict_text(const struct retention_plan *, const struct retention_verdict *);
/* The same as codes: ["newest", "keep-daily"]; if it is removed "expired", "void", "given-up" or
 * "freed". */
json_t     *retention_verdict_reasons(const struct retention_verdict *);
const char *retention_state_text(
    enum retention_state); /* "good", "damaged", "unreadable", "void" */

#endif
