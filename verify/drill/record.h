/*
 * record.h - recording a drill's result in the repository: retention never removes the newest
 * proven backup.
 */
#ifndef VERIFY_DRILL_RECORD_H
#define VERIFY_DRILL_RECORD_H

#include <time.h>

#include "storage/repo/repo.h"
#include "verify/job/options.h"
#include "verify/job/result.h"

/* For a drill with a verdict, good or bad.  A repository that cannot be written is a warning; true:
 * the record was stored. */
bool record_drill(struct repo *, const struct options *, const struct verify_result *,
                  time_t started);

#endif
