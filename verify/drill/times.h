/*
 * times.h - what of a drill took how long.
 *
 *     server    initdb and start
 *     schema    definitions; and reading the backup's own, and the restore's beginning and end
 *     rows      all rows, and the indexes that are built while others are still loaded
 *     indexes   what is built and checked after the last row
 *     compare, checks, amcheck
 */
#ifndef VERIFY_DRILL_TIMES_H
#define VERIFY_DRILL_TIMES_H

#include "core/json.h"
#include "verify/job/result.h"

/* By the restore's report; seconds: all of it. */
void times_of_restore(struct verify_result *, const json_t *report, double seconds);

#endif
