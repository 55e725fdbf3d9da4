/*
 * trend.h - one database in one repository over time: its backups and drills as plots, and its
 * history.
 */
#ifndef VERIFY_REPORT_TREND_H
#define VERIFY_REPORT_TREND_H

#include <stdint.h>

#include "core/err.h"
#include "core/json.h"
#include "storage/repo/repo.h"

struct trend_request {
    struct repo *repo;
    const char  *db;
    uint64_t     rto_s;  /* 0: none */
    bool         tables; /* also the rows of the biggest tables: reads manifests */
};

/* Into a section of a report.  What needs a key that is not at hand is left out. */
int trend_add(json_t *section, const struct trend_request *, struct err *);

#endif
