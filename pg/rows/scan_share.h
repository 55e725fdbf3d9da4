/*
 * scan_share.h - what one worker reads at a time.  Internal to pg/.
 *
 * A table's ranges are read by one COPY, so that the server goes through the table once, as
 * harmlessly as it can (scan_sql.c), unless the other workers would wait for it in the end: a table
 * that holds more than a worker's share of all bytes, and a quarter more, is split into as few
 * parts as bring each below that.  Where parts do harm (Tid Range Scans), or the sink is busy, it
 * must be more than twice the share: one COPY keeps two processors busy, the server's and ours, if
 * everything is to be compressed, and with two workers nothing is split.  Nor are parts made that
 * take only seconds.
 *
 * Where a table is cut into ranges, and with them chunks, is the plan's business, and does not
 * depend on this.
 */
#ifndef PG_ROWS_SCAN_SHARE_H
#define PG_ROWS_SCAN_SHARE_H

#include "pg/rows/scan_task.h"

/* Of these tasks, in the order of the plan, readings; allocated, as many as *n.  Of the options:
 * jobs; busy; part_min, bytes that a part must have, 0 for the default. */
struct scan_reading *scan_share(struct scan_task *const *tasks, size_t n_tasks,
                                const struct scan_options *o, size_t *n);

#endif
