/*
 * tell.h - baselines as text and JSON (docs/json.md).
 */
#ifndef VERIFY_BASELINE_TELL_H
#define VERIFY_BASELINE_TELL_H

#include "storage/repo/baselines.h"
#include "verify/baseline/difference.h"

/* "20261121T021500Z-4f2a (before the migration)". Allocated. */
char *tell_name(const struct label *);

int tell_list(const char *db, const struct baseline_list *, bool json, struct err *);
/* man NULL: it cannot be read here. */
int tell_one(const struct label *, const struct manifest *, bool json, struct err *);
/* Returns the exit status, or -1.  quiet: nothing, unless there is a difference. */
int tell_difference(const struct difference *, bool json, bool quiet, struct err *);

#endif
