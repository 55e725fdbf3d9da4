/*
 * rowkey.h - the fields of a row as COPY writes it, and the key by which two rows are the same one.
 */
#ifndef VERIFY_COMPARE_ROWKEY_H
#define VERIFY_COMPARE_ROWKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "pg/conn/conn.h"
#include "pg/rows/copy.h"

struct rowkey {
    bool               binary;
    const char *const *columns; /* of a row, in its order; borrowed */
    size_t             n_columns;
    Oid               *types; /* theirs; owned */
    size_t            *at;    /* which of them are the key; owned */
    size_t             n;     /* 0: the table has none, and the whole row is it */
};

struct field {
    const uint8_t *p;
    size_t         n;
    bool           null;
};

/* The primary key of a table, or a unique index over columns that are never null. */
int  rowkey_find(PGconn *, Oid table, const struct copy_spec *, struct rowkey *, struct err *);
void rowkey_free(struct rowkey *);

/* A row without that many fields gives null. */
struct field row_field(bool binary, const uint8_t *row, size_t n, size_t column);

uint64_t rowkey_hash(const struct rowkey *, const uint8_t *row, size_t n);
/* Below 0, 0, above; whole numbers in their order. */
int rowkey_compare(const struct rowkey *, const uint8_t *a, size_t n_a, const uint8_t *b,
                   size_t n_b);
/* "id=5, name=x", each value cut; binary ones are put into words by the server. */
void rowkey_show(const struct rowkey *, PGconn *, const uint8_t *row, size_t n, struct buf *);
/* The columns in which two rows differ, with commas between. */
void row_changes_show(const struct rowkey *, const uint8_t *a, size_t n_a, const uint8_t *b,
                      size_t n_b, struct buf *);

#endif
