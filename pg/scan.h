/*
 * scan.h - reading every row of many tables in parallel on one snapshot: what backup stores and verify compares.
 *
 * scan_plan() cuts the tables into tasks: a big table into block ranges of a stable power of two (about 16 MiB of COPY data each, from table bytes and heap
 * blocks, so that unchanged ranges give unchanged chunks), small tables into packs in name order (at most
 * 4 MiB, cut where hash(name) mod 8 = 0), everything that ctid ranges cannot do (13, other access methods, no Tid Range Scan in EXPLAIN) whole.
 * scan_run() has workers take the tasks, largest first, each in one transaction on the snapshot; counts and fingerprints every row, and hands
 * the bytes to the sink.  A table that a worker cannot lock is copied on the coordinator's connection.
 */
#ifndef PG_SCAN_H
#define PG_SCAN_H

#include "pg/copy.h"
#include "pg/fingerprint.h"
#include "pg/snapshot.h"

struct scan_table {                 /* one thing to read */
    struct copy_spec copy;          /* without range */
    const char      *sql;           /* instead: a whole COPY (…) TO STDOUT statement (large objects), not ranged */
    const char *const *generated;   /* stored generated columns, for the second fingerprint */
    size_t           n_generated;
    uint64_t         heap_blocks, bytes;
    bool             rangeable;
    bool             text_falls_back; /* text that fails with "invalid memory alloc request size" is tried in binary (whole table) */
    void            *user;
};

struct scan_item {                  /* one COPY */
    struct scan_table *table;
    bool     ranged;
    uint64_t first_block, end_block;
};

struct scan_task {
    struct scan_item *items;
    size_t            n, cap;
    uint64_t          bytes;        /* estimate: priority */
};

/* What becomes of the rows.  Called from the task's worker, in order: begin_task, (begin_item, data…, end_item)…, end_task.
 * NULL functions are skipped.  A task may be retried from begin_task (fallback to binary, lock): begin_task starts afresh. */
struct scan_sink {
    int (*begin_task)(void *ctx, int worker, const struct scan_task *, struct err *);
    int (*begin_item)(void *ctx, int worker, const struct scan_item *, struct err *);
    int (*data)(void *ctx, int worker, const void *row, size_t n, struct err *);
    int (*end_item)(void *ctx, int worker, const struct scan_item *, const struct row_sum *rows, const struct row_sum *generated, struct err *);
    int (*end_task)(void *ctx, int worker, const struct scan_task *, struct err *);
    int (*tick)(void *ctx, struct err *);    /* every second, on the thread that called scan_run() */
};

struct scan_plan { struct scan_task *v; size_t n, cap; };
int  scan_plan(struct snapshot *, struct scan_table *, size_t n, struct scan_plan *, struct err *);
void scan_plan_free(struct scan_plan *);

struct scan_options {
    int           jobs;
    const uint8_t *fingerprint_key;     /* 16 bytes */
    const struct scan_sink *sink;
    void         *ctx;
};
int  scan_run(struct snapshot *, const struct snapshot_options *, const struct scan_plan *, const struct scan_options *, struct err *);

#endif
