/*
 * baseline.h - the backup that a database is compared with: repository, label, manifest.
 */
#ifndef VERIFY_BASELINE_H
#define VERIFY_BASELINE_H

#include "storage/label.h"
#include "storage/manifest.h"
#include "storage/repo.h"
#include "verify/options.h"

struct baseline {
    struct repo     *repo;
    struct label    *label;
    struct manifest *man;
};

int  baseline_open(const struct options *, struct baseline *, struct err *);
void baseline_close(struct baseline *);

#endif
