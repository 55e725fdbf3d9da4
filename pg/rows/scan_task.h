/*
 * scan_task.h - what one connection reads in one transaction.  Internal to pg/.
 */
#ifndef PG_ROWS_SCAN_TASK_H
#define PG_ROWS_SCAN_TASK_H

#include "pg/rows/scan.h"

/* For a range that is nearly the whole table the planner may prefer a sequential scan. */
#define SCAN_RANGES_ONLY "SET LOCAL enable_seqscan = off"
#define SCAN_ALL_OF_IT   "SET LOCAL enable_tidscan = off"

/* One task, or several that are consecutive ranges of one table: these are read by one COPY. */
struct scan_reading {
    const struct scan_task *tasks;
    size_t                  n;
    uint64_t                bytes; /* estimate: priority */
    bool                    apart; /* by a COPY for each range, without ctid */
};

/* The reader. */
struct scan_reader {
    PGconn                    *conn;
    const struct snapshot     *snapshot;
    const struct scan_options *options;
    int                        worker;
    bool coordinator; /* the connection that exported the snapshot, and holds every lock */
    int (*between)(void *ctx, struct err *); /* called with each row; an error ends the reading */
    void  *between_ctx;
    size_t largest; /* bytes of the largest row so far */
};

enum scan_outcome {
    SCAN_DONE,
    SCAN_LOCKED, /* another session waits for a table's lock: only the coordinator can read it now
                  */
    SCAN_TOO_LARGE, /* a text row is too large for the server: *which must be read in binary */
    SCAN_UNPLANNED, /* the query failed before its first row: *which is to be read plainly */
    SCAN_APART,     /* a row is too large with its ctid: the reading is now what is left of it */
};

/* 0 with an outcome (the connection is ready for the next reading), or -1: the whole scan has
 * failed. */
int scan_task_run(struct scan_reader *, struct scan_reading *, enum scan_outcome *,
                  struct scan_table **which, struct err *);

#endif
