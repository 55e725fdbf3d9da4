/*
 * targets.h - was it quick enough, and recent enough?
 *
 * rto: until the copy could have been used, not longer than that.  rpo: the backup was not older
 * when the drill began.  What is missed fails the drill; but a backup that was equal is proven,
 * whether or not it was quick, so the findings are made after the record is written.
 */
#ifndef VERIFY_DRILL_TARGETS_H
#define VERIFY_DRILL_TARGETS_H

#include "verify/job/options.h"
#include "verify/job/result.h"

/* Into the result.  restored: there was a copy; without one no time to recover was measured. */
void targets_measure(const struct options *, bool restored, struct verify_result *);
/* Findings for what was missed. */
void targets_find(struct verify_result *);

#endif
