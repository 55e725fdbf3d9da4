/*
 * explain_read.h - the two sides of a table, row by row: the backup's chunks, and the table itself.
 */
#ifndef VERIFY_COMPARE_EXPLAIN_READ_H
#define VERIFY_COMPARE_EXPLAIN_READ_H

#include "storage/read/readahead.h"
#include "verify/compare/rowkey.h"
#include "verify/compare/rows.h"

struct explain_reader {
    const struct compare        *c;
    const struct manifest_table *want;
    struct copy_spec             copy;
    PGconn                      *conn; /* on the comparison's snapshot */
    struct rowkey                key;
    bool                         by_ranges;
    bool                        *equal; /* of each of the manifest's ranges: it need not be read */
};

int explain_open(struct explain_reader *, const struct compare *, const struct row_check *,
                 struct err *);
/* The table is read once, by the backup's ranges, and equal ones are noted. */
int explain_narrow(struct explain_reader *, const uint8_t *fingerprint_key, struct err *);
/* Each row of the ranges that are not equal. */
int explain_backup(struct explain_reader *, copy_row_fn *, void *ctx, struct err *);
int explain_table(struct explain_reader *, copy_row_fn *, void *ctx, struct err *);
/* Ends the transaction: the connection is left for questions. */
int  explain_finish(struct explain_reader *, struct err *);
void explain_close(struct explain_reader *);

#endif
