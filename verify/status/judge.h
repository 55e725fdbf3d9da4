/*
 * judge.h - whether what stands in repositories is as it should be: a table of checks.
 *
 * Each check goes through all standings, so that a report has one status for each check.
 */
#ifndef VERIFY_STATUS_JUDGE_H
#define VERIFY_STATUS_JUDGE_H

#include "core/report/watch.h"
#include "verify/status/places.h"
#include "verify/status/targets.h"

/* targets: one for each place, in their order. */
void status_judge(struct watch_report *, const struct status_places *,
                  const struct status_targets *targets);

/* Of the checks those that a look at the database's server ends with: repository, backup, proof. */
void status_judge_newest(struct watch_report *, const struct status_places *,
                         const struct status_targets *targets);

/* The first of the checks alone: where nothing else could be looked at. */
void status_judge_repositories(struct watch_report *, const struct status_places *);

#endif
