/*
 * drill.h - `drill`: the backup restored on a throw-away server by pgassay-restore, and the copy
 * compared.
 */
#ifndef VERIFY_DRILL_DRILL_H
#define VERIFY_DRILL_DRILL_H

#include "verify/job/options.h"
#include "verify/job/result.h"

struct baseline;
struct own_checks;

/* recovery_s in the result is the time until the copy is usable: scratch server and restore. */
int verify_drill(const struct options *, const struct own_checks *, struct verify_result *,
                 struct baseline *, struct err *);

#endif
