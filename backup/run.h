/*
 * run.h - one backup of one database, from the first connection to the label.
 */
#ifndef BACKUP_RUN_H
#define BACKUP_RUN_H

#include "backup/targets.h"
#include "backup/unread.h"
#include "storage/format/label.h"

/* Common to the whole run of the tool. */
struct backup_request {
    const struct options     *options;
    const struct opts_result *given;
    const struct config      *config;
    const struct import      *import; /* import.h; NULL: a running database is backed up */
};

enum outcome_status {
    OUTCOME_FAILED,
    OUTCOME_STORED,
    OUTCOME_PLANNED,
    OUTCOME_PRESENT, /* of an import: a backup of that file is there already */
};

/* The result in one repository. */
struct outcome_repo {
    char         *location;
    char          id[33]; /* the repository's; "": it could not be opened */
    struct label *label;  /* of OUTCOME_STORED: the backup; NULL: err says why there is none */
    struct err    err;
    bool          pruned;    /* --prune: pgassay-storage prune was run … */
    int        prune_status; /* … and ended so; -1: it could not be run, and prune_err says why */
    char      *prune_text;   /* what it printed, */
    char      *prune_warnings; /* and what on standard error */
    struct err prune_err;
};

struct outcome {
    enum outcome_status  status; /* OUTCOME_FAILED: in every repository */
    char                *name;   /* in the repository; NULL: not reached */
    char                *dbname;
    struct outcome_repo *repos;
    size_t               n_repos;                /* 0: not reached */
    struct label        *plan;                   /* of OUTCOME_PLANNED: tables and sizes only */
    const struct import *import;                 /* the run's */
    char                 present[BACKUP_ID_MAX]; /* of OUTCOME_PRESENT */
    uint64_t             relation_bytes; /* of OUTCOME_PLANNED: sizes of the tables to read */
    struct unread_sums   unread;         /* of OUTCOME_STORED */
    struct err           err;            /* of OUTCOME_FAILED */
    struct err           hook_err;       /* of the hook after it (hooked.h) */
};

/* Never prints; *out is complete in any case. */
void backup_run(const struct backup_request *, const struct database *, struct outcome *out);
void outcome_free(struct outcome *);

/* The number of repositories where --prune failed. */
size_t outcome_unpruned(const struct outcome *);
/* The number of repositories left out. */
size_t outcome_failures(const struct outcome *);
/* What is wrong though the backup is stored, and right: earlier ones may not be.
 * NULL: nothing. */
const char *outcome_alarm(const struct outcome *);
/* The label of the first repository that has the backup; NULL: none has it. */
const struct label *outcome_label(const struct outcome *);

#endif
