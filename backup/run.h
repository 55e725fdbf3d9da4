/*
 * run.h - one backup of one database, from the first connection to the label.
 */
#ifndef BACKUP_RUN_H
#define BACKUP_RUN_H

#include "backup/targets.h"
#include "storage/label.h"

/* What the whole run of the tool has in common. */
struct run {
    const struct options     *options;
    const struct opts_result *given;
    const struct config      *config;
};

enum outcome_status { OUTCOME_FAILED, OUTCOME_STORED, OUTCOME_PLANNED };

struct outcome {
    enum outcome_status status;
    char               *name;         /* in the repository; NULL when we never got so far */
    char               *dbname;
    char               *repo;         /* location */
    struct label       *label;        /* of OUTCOME_STORED; of OUTCOME_PLANNED: tables and sizes only */
    uint64_t            relation_bytes; /* of OUTCOME_PLANNED: sizes of the tables to read */
    struct err          err;          /* of OUTCOME_FAILED */
};

/* Never prints; *out is complete in any case. */
void backup_run(const struct run *, const struct database *, struct outcome *out);
void outcome_free(struct outcome *);

#endif
