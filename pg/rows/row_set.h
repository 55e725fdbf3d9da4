/*
 * row_set.h - rows of one range, to be compared with another reading of it, in whatever order.
 *
 * Two rows are the same when their SipHash-2-4-128 under the repository's key is the same, as for
 * the fingerprints of a backup (fingerprint.h).  Equal rows are counted: of three here and two
 * there, one is only here.  Memory: the rows, and 32 bytes for each.
 *
 * Or they are the same when some of their fields are, those of a key: then one reading has only
 * these fields, so that the other one's whole rows are what is left of it.
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

/* ERR_IO: larger than the ceiling.  key NULL: it is one of the rows of row_set_cut_by(). */
int row_set_add(struct row_set *, const uint8_t *key, const void *row, size_t n, struct err *);
/* The rows that are in bytes already, as COPY writes them without header and trailer.  like: rows
 * in the same format, most of which they are thought to be, in about the same order; what has the
 * bytes of one is not hashed again.  It only saves time.  ERR_CORRUPT: they are no such rows. */
int row_set_cut(struct row_set *, const struct row_set *like, const uint8_t key[16], bool binary,
                struct err *);

/* Places among the fields of a row, ascending, from 0. */
struct row_fields {
    const size_t *v;
    size_t        n;
};

/* The same for whole binary rows, of which those whose fields are a row of alone are taken off both
 * sets at once: not all that both have.  What is left of both is the same for row_set_difference()
 * where these fields are.  alone: rows of only these fields, in binary.  sum: only its rows. */
int row_set_cut_by(struct row_set *, struct row_fields, struct row_set *alone,
                   const uint8_t key[16], struct err *);

/* Calls only_a with each row that b does not have, and only_b the other way round.  Rows that
 * both have are taken off both sets, and the others put into another order. */
typedef int row_set_fn(void *ctx, const void *row, size_t n, struct err *);
int row_set_difference(struct row_set *a, struct row_set *b, row_set_fn *only_a, row_set_fn *only_b,
                       void *ctx, struct err *);

void row_set_clear(struct row_set *); /* keeps the memory */
void row_set_free(struct row_set *);

#endif
