/*
 * rows.h - the rows of each table: in the manifest, and as read or counted.
 */
#ifndef VERIFY_COMPARE_ROWS_H
#define VERIFY_COMPARE_ROWS_H

#include "pg/rows/scan_sums.h"
#include "verify/compare/compare.h"
#include "verify/compare/tolerance.h"

/* How the rows of a table are looked at. */
enum rows_how {
    ROWS_SUMMED,    /* each is read: counted, and fingerprinted */
    ROWS_COUNTED,   /* count(*) */
    ROWS_ESTIMATED, /* by the server's statistics */
    ROWS_LEFT,      /* not at all */
};

struct row_check {
    struct scan_sums             read; /* or counted: only rows */
    const struct manifest_table *want;
    const struct cat_table      *have;
    bool                         unread; /* reading failed, which is a finding of its own */
    enum rows_how                how;
    struct tolerance             allowed;
    const char                 **columns; /* copied columns, then generated ones; borrowed names */
    size_t                       n_columns, n_generated;
};

/* The tables whose rows are in the backup and can be compared. */
struct row_checks {
    struct row_check *v;
    size_t            n;
};

void row_checks_make(struct compare *, struct row_checks *);
void row_checks_free(struct row_checks *);
/* Reads all of them, each as its how says. */
int row_checks_read(struct compare *, struct row_checks *, struct err *);

/* Findings for all differences.  Tables that were loaded through an ancestor are compared as
 * one sum over it. */
int row_checks_report(struct compare *, struct row_checks *, struct err *);

/* contents.c, counts.c, estimates.c: those that are to be summed, counted, estimated.  A table of
 * which the server has no estimate is to be counted from then on. */
int contents_read(struct compare *, struct row_checks *, struct err *);
int counts_read(struct compare *, struct row_checks *, struct err *);
int estimates_read(struct compare *, struct row_checks *, struct err *);

/* contents.c: reads and sums tables, each with a row_check as its user pointer; one that cannot
 * be read is a finding. */
int scan_checks(struct compare *, struct scan_table *, size_t n, struct err *);

#endif
