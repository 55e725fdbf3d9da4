/*
 * fingerprint.h - a number for the contents of a table that does not depend on row order.
 *
 * The sum mod 2^64, in two lanes, of SipHash-2-4-128 (libsodium's crypto_shorthash_siphashx24) of
 * each COPY row under the repository's key.  Sums of ranges and partitions can be added.  A text
 * row is hashed with its newline; a binary row with its field count, lengths and values, without
 * the stream's header and trailer.
 */
#ifndef PG_ROWS_FINGERPRINT_H
#define PG_ROWS_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

struct row_sum {
    uint64_t rows;
    uint64_t bytes;
    uint64_t a, b;
};

/* Of one row. */
struct row_print {
    uint64_t a, b;
};

struct row_print row_sum_add(struct row_sum *, const uint8_t key[16], const void *row, size_t n);
void             row_sum_merge(struct row_sum *, const struct row_sum *);

#endif
