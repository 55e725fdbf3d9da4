/*
 * baseline.h - the backup that a database is compared with: repository, label, manifest.
 */
#ifndef VERIFY_BASELINE_H
#define VERIFY_BASELINE_H

#include "storage/format/label.h"
#include "storage/format/manifest.h"
#include "storage/read/rollback.h"
#include "storage/repo/lastseen.h"
#include "storage/repo/repo.h"
#include "verify/options.h"
#include "verify/result.h"

struct baseline {
    struct repo     *repo;
    struct label    *label;
    struct manifest *man;
    struct rollback  missed; /* a newer backup that this host has seen */
};

int baseline_open(const struct options *, struct baseline *, struct err *);
/* What is wrong with the choice, not with the contents: it is older than --max-age, or than what
 * this host has seen.  After a drill was recorded, since the backup itself may well be proven. */
void baseline_judge(const struct options *, const struct baseline *, struct verify_result *);
/* A finding when the repository's settings are not the newest (storage/repo/settings.h). */
void settings_find(const struct repo *, struct findings *);
void baseline_close(struct baseline *);

/* Which databases a verb without a backup is about, sorted: the one that is named
 * (ERR_NOT_FOUND: not there), or all. remembered: also those of which nothing is left but what
 * this host has seen. */
int databases_meant(struct repo *, const struct options *, bool remembered, struct strlist *,
                    struct err *);

#endif
