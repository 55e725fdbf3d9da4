/*
 * record.h - what a drill or a key drill found is kept in the repository: retention never removes
 * the newest proven backup, and the ledger (storage/repo/ledger.h) has all of them.
 */
#ifndef VERIFY_JOB_RECORD_H
#define VERIFY_JOB_RECORD_H

#include <time.h>

#include "storage/repo/repo.h"
#include "verify/job/options.h"
#include "verify/job/result.h"

/* For a drill with a verdict, good or bad.  A repository that cannot be written is a warning; true:
 * the record was stored. */
bool record_drill(struct repo *, const struct options *, const struct verify_result *,
                  time_t started);
/* In the history of its database: whether this key opened that backup.  p: what of it. */
void record_key_drill(struct repo *, const struct options *, const struct label *,
                      const struct public_key *, const struct result_proven *p, bool opened,
                      time_t started);

#endif
