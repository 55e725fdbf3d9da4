/*
 * scan_rows.h - rows on their way from a COPY to the sink.  Internal to pg/.
 *
 * One COPY over consecutive ranges of a table is cut where each ends: each row tells the block that
 * it lies in.  A scan goes through a table from its first block to its last, so that a row of a
 * block beyond the range at hand ends that range, and those without rows after it.  The sink sees
 * what it would see of a COPY for each.  A row of an earlier block is an error: nothing may be in
 * the wrong range.
 *
 * The fingerprint of generated columns, which are read by a COPY of their own, is given with the
 * last range.
 */
#ifndef PG_ROWS_SCAN_ROWS_H
#define PG_ROWS_SCAN_ROWS_H

#include "pg/rows/scan_task.h"

/* One row: counted, and, to_sink, handed on. */
int scan_rows_add(struct scan_reader *, struct row_sum *, bool to_sink, const void *row, size_t n,
                  struct err *);

struct scan_rows {
    struct scan_reader     *r;
    const struct scan_task *ranges; /* an item each */
    size_t                  n, at;  /* at: the one at hand */
    struct row_sum          sum;    /* its rows so far */
};

/* cut is a copy_block_row_fn, with the struct as its ctx; before it begin, after it end.  -1: the
 * error of the sink, or ERR_CORRUPT. */
int scan_rows_begin(struct scan_rows *, struct err *);
int scan_rows_cut(void *rows, uint64_t block, const void *row, size_t n, struct err *);
int scan_rows_end(struct scan_rows *, const struct row_sum *generated, struct err *);

#endif
