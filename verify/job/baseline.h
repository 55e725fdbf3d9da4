/*
 * baseline.h - what a database is compared with, a backup or a recorded baseline: repository,
 * label, manifest.
 */
#ifndef VERIFY_JOB_BASELINE_H
#define VERIFY_JOB_BASELINE_H

#include "storage/format/label.h"
#include "storage/format/manifest.h"
#include "storage/read/rollback.h"
#include "storage/repo/lastseen.h"
#include "storage/repo/repo.h"
#include "verify/job/options.h"
#include "verify/job/result.h"

struct baseline {
    struct repo     *repo;
    struct label    *label;
    struct manifest *man;
    struct rollback  missed; /* a newer backup that this host has seen */
};

int baseline_open(const struct options *, struct baseline *, struct err *);
/* Findings about the choice, not the contents: the backup is older than --max-age, or than one that
 * this host has seen.  Called after a drill was recorded, since the backup itself may be proven. */
int baseline_judge(const struct options *, const struct baseline *, struct verify_result *,
                   struct err *);
/* Findings when the repository's settings or key objects are not the newest
 * (storage/repo/settings.h). */
int  settings_find(struct repo *, struct findings *, struct err *);
void baseline_close(struct baseline *);

/* The databases for a verb without a backup, sorted: the one named (ERR_NOT_FOUND: there is none),
 * or all.  remembered: also those known only because this host has seen them. */
int databases_meant(struct repo *, const struct options *, bool remembered, struct strlist *,
                    struct err *);

#endif
