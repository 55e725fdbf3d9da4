/*
 * difference.h - two manifests, of backups or baselines of one database, compared with each other:
 * no server and no chunk is asked.
 *
 * Whatever both say is compared.  Contents are when both have fingerprints under one key, as two
 * backups of a repository do; definitions when pg_dumps of one major release wrote both.
 */
#ifndef VERIFY_BASELINE_DIFFERENCE_H
#define VERIFY_BASELINE_DIFFERENCE_H

#include "core/report/finding.h"
#include "storage/format/label.h"
#include "storage/format/manifest.h"

struct difference_side {
    const struct label    *label;
    const struct manifest *man;
};

struct difference {
    struct difference_side from, to;
    struct findings       *findings;
    uint64_t               tables, sequences, objects; /* compared; filled in */
    uint64_t               contents;                   /* tables, by their fingerprints */
};

void difference_find(struct difference *);

#endif
