/*
 * scan.h - reading every row of many tables in parallel on one snapshot, for backup and verify.
 *
 * scan_plan() cuts the tables into tasks:
 * - A big table into block ranges of about 16 MiB, the same ones every time: see
 *   scan_range_width().
 * - Tables below 1 MiB into packs, in the given order (by name): a new pack begins at a table whose
 *   hash(name) mod 8 is 0 (mod 64 where it has 64 KiB at most), so that a new table does not shift
 *   the packs after it, and when the pack would hold more than 4 MiB.
 * - The rest whole: tables of at most one range, other access methods, no Seq Scan in EXPLAIN, a
 *   condition, own SQL, a query that cannot or must not be planned.
 *
 * Planning a query evaluates constant parts of the expressions of the table's indexes and
 * statistics: functions of its owner run, as the reading role, and fail if they need a search_path.
 * COPY t TO STDOUT is not planned (copy.plain).  If functions are another role's, only it is used;
 * if planning fails, it is tried.  Generated columns are in no such COPY: they have no fingerprint
 * then.
 *
 * scan_run() has workers take the tasks, largest first: a task, or the ranges of a table one after
 * another (scan_share.h), in one transaction on the snapshot and, whatever the number of tables, in
 * one message to the server; counts and fingerprints every row, and hands the bytes to the sink. A
 * table that a worker cannot lock (an ALTER TABLE waits for the coordinator) is copied on the
 * coordinator's connection, by the calling thread, which also pings the coordinator every 30 s.
 * Memory: what libpq needs for the largest row, a worker; nothing grows with the number of rows.
 */
#ifndef PG_ROWS_SCAN_H
#define PG_ROWS_SCAN_H

#include "pg/rows/copy.h"
#include "pg/rows/fingerprint.h"
#include "pg/snapshot/snapshot.h"

struct scan_table {        /* one thing to read */
    struct copy_spec copy; /* without range */
    const char
        *sql; /* instead: a whole COPY (…) TO STDOUT statement (large objects), without ranges */
    const char *const *generated; /* stored generated columns, for the second fingerprint */
    size_t             n_generated;
    uint64_t           heap_blocks, bytes;
    bool               rangeable; /* heap; whether ranges are useful and work is determined here */
    /* Several workers may read parts of it, each by a sequential scan of its own past the others'
     * blocks, or by a Tid Range Scan: scan_plan() finds out. */
    bool splittable, parts_by_scan;
    bool
        foreign_code; /* see struct cat_table: read by a plain COPY (scan_plan() sets copy.plain) */
    bool text_falls_back; /* text rows too large for the server are tried in binary: scan_run() sets
                             copy.binary then */
    void *user;
};

struct scan_item { /* one COPY */
    struct scan_table *table;
    bool               ranged;
    uint64_t           first_block, end_block;
};

struct scan_task {
    struct scan_item *items;
    size_t            n, cap;
    uint64_t          bytes; /* estimate: priority */
    bool              known; /* its rows are known: scan_run() passes over it */
};

/*
 * Receives the rows.  NULL functions are skipped.  Called in this order, all on one thread:
 * begin_task, (begin_item, data …, end_item) …, end_task.  worker: 0 … jobs - 1; jobs is the
 * calling thread when it copies on the coordinator's connection. A task may begin again, also on
 * another worker: begin_task is then called again, and its earlier rows (even up to end_task, if a
 * range of its table must be read in another way) are void.
 */
struct scan_sink {
    int (*begin_task)(void *ctx, int worker, const struct scan_task *, struct err *);
    int (*begin_item)(void *ctx, int worker, const struct scan_item *, struct err *);
    /* print: its fingerprint; zeroes when there is no fingerprint_key. */
    int (*data)(void *ctx, int worker, const void *row, size_t n, const struct row_print *print,
                struct err *);
    int (*end_item)(void *ctx, int worker, const struct scan_item *, const struct row_sum *rows,
                    const struct row_sum *generated, struct err *);
    int (*end_task)(void *ctx, int worker, const struct scan_task *, struct err *);
    int (*tick)(void *ctx, struct err *); /* every second, on the thread that called scan_run() */
};

struct scan_plan {
    struct scan_task *v;
    size_t            n, cap;
};
/* The tables must live as long as the plan.  Runs EXPLAIN on the coordinator. */
int  scan_plan(struct snapshot *, struct scan_table *, size_t n, struct scan_plan *, struct err *);
void scan_plan_free(struct scan_plan *);

/*
 * Blocks in a range: for a heap of bytes (TOAST included) in heap_blocks.  2048, 512, 128, 32, 8 or
 * 2: the largest whose share of the bytes is at most 32 MiB.  Only the mean size of a block counts,
 * not the size of the table, and the steps are coarse: a heap without TOAST (8 KiB a block, 16 MiB
 * a range) is far from the border, so widths, and with them chunks, stay as a table grows.
 */
uint64_t scan_range_width(uint64_t heap_blocks, uint64_t bytes);

/* What the server takes for the size of its and the system's cache (effective_cache_size): a heap
 * of so many blocks at most is read by parts_by_scan, as its blocks do not come from a disk again
 * for each part.  For those who make a plan themselves. */
int scan_cached_blocks(PGconn *, uint64_t *blocks, struct err *);

struct scan_options {
    int                     jobs;
    uint64_t                part_min;        /* bytes; see scan_share.h; 0 but for tests */
    bool                    busy;            /* the sink works as much on the rows as the server */
    const uint8_t          *fingerprint_key; /* 16 bytes; NULL: rows are only counted */
    const struct scan_sink *sink;
    void                   *ctx;
};
/* The first error of any worker, named by table; snapshot_lost() tells whether to try again with a
 * new snapshot. */
int scan_run(struct snapshot *, const struct snapshot_options *, const struct scan_plan *,
             const struct scan_options *, struct err *);

#endif
