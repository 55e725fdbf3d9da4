/*
 * standing.h - what one repository shows of one database, without reading a chunk and without a
 * database server.
 *
 * Gathered from a listing, labels, records of drills and scrubs, the policy, and, where a key is at
 * hand, the newest manifest.
 */
#ifndef VERIFY_STATUS_STANDING_H
#define VERIFY_STATUS_STANDING_H

#include <time.h>

#include "storage/repo/annotations.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/lastrun.h"
#include "storage/repo/repo.h"
#include "storage/retention/retention_plan.h"

/* A backup and what is known of it; label NULL: there is none. */
struct standing_backup {
    const struct label        *label; /* borrowed from the list */
    const struct drill_record *drill;
};

struct standing {
    struct repo           *repo; /* the caller's, as is db */
    const char            *db;
    time_t                 now;
    struct backup_list     list; /* judged by the records of scrubs (damage.h) */
    struct annotations     known;
    struct strlist         missing;     /* a sentence for each backup that was taken away */
    struct retention_plan  plan;        /* alarms about sizes; the policy */
    struct lastrun         run;         /* the last of this host */
    char                  *settings;    /* older ones are in force: a sentence, or NULL */
    struct standing_backup newest;      /* good, of the whole database */
    struct standing_backup part;        /* good, of a part of it */
    struct standing_backup proven;      /* the newest that a drill proved */
    struct standing_backup drilled;     /* the newest with any drill */
    time_t                 oldest;      /* snapshot of the oldest good one; 0: none */
    size_t                 overdue;     /* backups that the policy would have removed a week ago */
    time_t                 key_drilled; /* the last good key drill, of an encrypted one; 0: none */
    size_t                 good, damaged, untrusted, void_ones, future;
    double                 scrubbed;      /* share that was read since the caller's time, 0 to 1 */
    time_t                 scrubbed_last; /* 0: never */
    int64_t                xid_age;       /* of the newest, at its source; -1: not known */
    char                  *xid_unknown;   /* why; NULL: it is known */
};

/* A reachable repository always gives a standing: of a name without backups as well. scrubbed_from:
 * since when scrubs count. */
int  standing_load(struct repo *, const char *db, time_t now, time_t scrubbed_from,
                   struct standing *, struct err *);
void standing_free(struct standing *);

#endif
