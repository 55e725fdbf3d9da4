/*
 * live.h - `live`: a running database against a backup of it.
 */
#ifndef VERIFY_LIVE_H
#define VERIFY_LIVE_H

#include "verify/job/options.h"
#include "verify/job/result.h"

struct baseline;
struct own_checks;

int verify_live(const struct options *, const struct own_checks *, struct verify_result *,
                struct baseline *, struct err *);

#endif
