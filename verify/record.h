/*
 * record.h - what a drill found is kept in the repository: retention never removes the newest
 * backup that was proven.
 */
#ifndef VERIFY_RECORD_H
#define VERIFY_RECORD_H

#include <time.h>

#include "storage/repo/repo.h"
#include "verify/options.h"
#include "verify/result.h"

/* Of a drill that came to a verdict, good or bad.  A repository that cannot be written is a
 * warning; true: it is kept. */
bool record_drill(struct repo *, const struct options *, const struct verify_result *,
                  time_t started);

#endif
