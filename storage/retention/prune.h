/*
 * prune.h - removing what no backup needs any more: concurrently with backups, from any host,
 * without locks.
 *
 * One run on one database: the backups that decide() names lose their label (a tombstone first);
 * what no remaining label refers to is named in a trash list, and stays for now; objects of older
 * trash lists are removed once every run has ended that may have begun before it could read the
 * list.  So an object is removed one prune after it became garbage, or in the same one when no run
 * was writing and no grace time is set.  docs/prune-protocol.md has the protocol, its invariants
 * and their proof.
 *
 * Any doubt stops the run before anything is removed: a label, chunk list, trash or condemned list
 * that cannot be read or needs more than this program knows, a label from the future, a clock more
 * than 5 minutes off the store's. Objects with names unknown to this program are never touched.
 */
#ifndef STORAGE_RETENTION_PRUNE_H
#define STORAGE_RETENTION_PRUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "core/err.h"
#include "core/mem.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/repo.h"

/* Appends to expire the ids of the backups to remove.  The list holds all that have a label; void
 * ones are removed whether named or not.  A damaged one may be named (its label then need not be
 * readable): while a damaged one stays, the run stops.  now: by the store's clock.  -1 stops the
 * run, nothing is removed. */
typedef int prune_decide_fn(void *ctx, const struct backup_list *, time_t now,
                            struct strlist *expire, struct err *);

struct prune_request {
    const char      *db;     /* configured name */
    prune_decide_fn *decide; /* NULL: no backup expires */
    void            *ctx;
    unsigned
         grace_seconds; /* minimum time for which garbage stays: for restores that still read it */
    bool dry_run;       /* write and remove nothing, only report.  By this host's clock */
};

/* A number of objects and their size. */
struct prune_sum {
    uint64_t objects, bytes; /* bytes as stored */
};

enum prune_list_state {
    PRUNE_SWEPT,         /* its objects are gone, and so is the list */
    PRUNE_WAITS_GRACE,   /* it is too young */
    PRUNE_WAITS_RUNS,    /* a run that began before it has not ended */
    PRUNE_WAITS_OBJECTS, /* some of its objects are needed again, protected or locked */
};

/* One trash list that this run found or wrote, and its final state. */
struct prune_list {
    char                 *name;    /* below <db>/trash/ */
    time_t                written; /* by the store's clock */
    enum prune_list_state state;
    char                 *why; /* what it waits for, one clause; NULL when swept */
};

struct prune_result {
    char             run[RUN_MARK_MAX];
    time_t           now;       /* the store's clock when the run began */
    struct strlist   expired;   /* backups whose label was removed (dry run: would be) */
    struct strlist   dead;      /* of these, the ones that were void already */
    struct prune_sum kept;      /* what the remaining backups refer to and the listing shows */
    struct prune_sum trashed;   /* named in a new trash list */
    struct prune_sum swept;     /* removed for good (dry run: what could be removed now) */
    struct prune_sum waiting;   /* in trash lists, still stored */
    struct prune_sum locked;    /* of these: the store refused to remove them */
    uint64_t protected_objects; /* unreferenced, but a bad or missing chunk has the same content */
    uint64_t unknown_objects; /* below <db>/chunks/ with names that this program does not know: left
                                 alone */
    uint64_t leftovers; /* objects of expired and unfinished backups removed from <db>/backups/ */
    struct strlist revoked;   /* runs declared dead: mark not renewed for 72 hours, and no label */
    struct strlist live;      /* runs that are writing now */
    struct prune_list *lists; /* ascending by name */
    size_t             n_lists, cap_lists;
};

/* Fills in *out, also when it fails (with what was done until then).  ERR_BUSY: another prune of
 * this database is at work. ERR_CORRUPT: something could not be read.  Free *out in any
 * case. */
int  prune_run(struct repo *, const struct prune_request *, struct prune_result *out, struct err *);
void prune_result_free(struct prune_result *);

#endif
