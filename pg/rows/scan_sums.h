/*
 * scan_sums.h - counts and fingerprints of tables, and nothing else of their rows: for comparing
 * them with what a backup recorded.
 */
#ifndef PG_ROWS_SCAN_SUMS_H
#define PG_ROWS_SCAN_SUMS_H

#include "pg/rows/scan.h"

struct scan_sums {
    struct row_sum rows, generated; /* the second of stored generated columns */
    size_t         planned, done;   /* COPYs: it was read whole when they are as many */
    bool           no_generated;    /* generated columns could not be read (scan.h) */
};

/* Reads the tables, each of whose user pointers is a struct that begins with a struct scan_sums;
 * each read begins at 0, but for no_generated.  jobs, key: as in struct scan_options.  Reports the
 * bytes to progress.h.  The first error ends it, and names the table. */
int scan_sums_run(struct snapshot *, const struct snapshot_options *, struct scan_table *, size_t n,
                  int jobs, const uint8_t *fingerprint_key, struct err *);

#endif
