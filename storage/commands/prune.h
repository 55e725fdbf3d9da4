/*
 * prune.h - the interface between the files of the command prune.
 */
#ifndef STORAGE_COMMANDS_PRUNE_H
#define STORAGE_COMMANDS_PRUNE_H

#include "storage/commands/cmd.h"
#include "storage/retention/prune.h"
#include "storage/retention/retention_plan.h"

struct prune_options {
    struct cmd  cmd;
    const char *grace, *free_space;
    bool        dry_run, drop_damaged;
};

/* The result for one database. */
struct pruned {
    const char           *db;      /* borrowed */
    bool                  decided; /* decision is set */
    struct retention_plan decision;
    struct prune_result   result;
    bool                  unbound; /* its source.json is gone, or cannot be used */
    struct err            err;     /* why it failed, or ERR_NONE */
};

/* The backups to remove in an emergency. */
struct free_plan {
    uint64_t        wanted, planned; /* bytes */
    struct strlist *freed;           /* ids, for each database */
    size_t          n;
};

/* The oldest unprotected backups of all these databases, enough to free wanted bytes.
 * ERR_NOT_FOUND, and nothing is to be removed, when that is impossible. */
int  free_plan_make(const struct prune_options *, struct repo *, const struct strlist *dbs,
                    uint64_t wanted, struct free_plan *, struct err *);
void free_plan_free(struct free_plan *);

json_t *pruned_json(const struct pruned *);
void    pruned_print(const struct pruned *, bool dry_run);

#endif
