/*
 * row_set.h - rows of one range, to be compared with another reading of it, in whatever order.
 *
 * Two rows are the same when their SipHash-2-4-128 under the repository's key is the same, as for
 * the fingerprints of a backup (fingerprint.h).  Equal rows are counted: of three here and two
 * there, one is only here.  Memory: the rows, and 32 bytes for each.
 */
#ifndef PG_ROWS_ROW_SET_H
#define PG_ROWS_ROW_SET_H

#include "core/buf.h"
#include "pg/rows/fingerprint.h"

struct row_mark;

struct row_set {
    struct buf       bytes; /* the rows, one after another */
    struct row_sum   sum;
    struct row_mark *v;
    size_t           n, cap;
};

#define ROW_SET_INIT(max_bytes)                                                                    \
    {                                                                                              \
        .bytes = BUF_INIT(max_bytes)                                                               \
    }

/* The length of the row that begins at p, as COPY writes it (binary: without the header).  0: there
 * is no whole one. */
size_t row_length(bool binary, const uint8_t *p, size_t left);

/* ERR_IO: larger than the ceiling. */
int row_set_add(struct row_set *, const uint8_t key[16], const void *row, size_t n, struct err *);
/* The rows that are in bytes already, as COPY writes them without header and trailer.  like: rows
 * in the same format, most of which they are thought to be, in about the same order; what has the
 * bytes of one is not hashed again.  It only saves time.  ERR_CORRUPT: they are no such rows. */
int row_set_cut(struct row_set *, const struct row_set *like, const uint8_t key[16], bool binary,
                struct err *);

/* Calls only_a with each row that b does not have, and only_b the other way round.  Rows that
 * both have are taken off both sets, and the others put into another order. */
typedef int row_set_fn(void *ctx, const void *row, size_t n, struct err *);
int row_set_difference(struct row_set *a, struct row_set *b, row_set_fn *only_a, row_set_fn *only_b,
                       void *ctx, struct err *);

void row_set_clear(struct row_set *); /* keeps the memory */
void row_set_free(struct row_set *);

#endif
