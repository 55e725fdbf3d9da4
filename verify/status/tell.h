/*
 * tell.h - what stands in repositories, as lines for people, facts for programs, and numbers to
 * plot.
 */
#ifndef VERIFY_STATUS_TELL_H
#define VERIFY_STATUS_TELL_H

#include "core/report/watch.h"
#include "verify/status/places.h"
#include "verify/status/targets.h"

/* A line for each place, and performance data; targets: one for each place. */
void status_tell(struct watch_report *, const struct status_places *,
                 const struct status_targets *targets);
/* The same as an array (docs/json.md). */
json_t *status_json(const struct status_places *);

#endif
