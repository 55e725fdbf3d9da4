/*
 * copy.h - COPY statements and streams, text and binary.
 *
 * Facts (docs/postgresql.md, tried on 13 to 19): over libpq the binary header (19 bytes) comes in
 * one message with the first row, the trailer (2 bytes, 0xffff) alone; an empty result is one
 * message of 21 bytes.
 */
#ifndef PG_ROWS_COPY_H
#define PG_ROWS_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg/conn/conn.h"

#define COPY_HEADER "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
enum { COPY_HEADER_BYTES = 19, COPY_TRAILER_BYTES = 2 };

/* What to copy.  Names unquoted; everything borrowed. */
struct copy_spec {
    const char        *schema, *name;
    const char *const *columns; /* in attnum order, without generated ones; n may be 0 */
    size_t             n_columns;
    bool               binary;
    bool plain; /* COPY t TO STDOUT, which is not planned: without range, condition or ctid */
    bool ctid;  /* as first column, before those named: for copy_out_next_blocks() */
    const char
        *condition; /* WHERE clause of an extension configuration table ("WHERE …"), or NULL */
    bool ranged;    /* only blocks first .. end; not together with a condition */
    uint64_t first_block;
    uint64_t end_block; /* exclusive; 0: to the end, even if the table grew */
};

/* COPY (SELECT … FROM ONLY …) TO STDOUT, or the plain one, and COPY … FROM STDIN; allocated. */
char *copy_out_sql(const struct copy_spec *);
char *copy_out_select(const struct copy_spec *); /* the SELECT inside: for EXPLAIN */
char *copy_in_sql(const struct copy_spec *, bool freeze);

/* COPY … TO STDOUT.  row is called with each row's bytes (binary: header and trailer taken off);
 * its error ends the copy.  On success the number of rows equals the server's COPY tag, or
 * ERR_CORRUPT. */
typedef int copy_row_fn(void *ctx, const void *row, size_t n, struct err *);

/* One or several statements in one message, for tables so small that the round trips would cost
 * more than the rows: send, then for each statement in turn copy_out_command() or copy_out_next(),
 * then finish.  After an error nothing is left to be read. */
int copy_out_send(PGconn *, const char *sql, struct err *);
int copy_out_command(PGconn *, struct err *);
int copy_out_next(PGconn *, bool binary, copy_row_fn *, void *ctx, uint64_t *rows, struct err *);
int copy_out_finish(PGconn *, struct err *);

/* Of a statement whose first column is ctid (copy_spec.ctid): row is called with the block that the
 * row lies in, and with the bytes that it would have without that column. */
typedef int copy_block_row_fn(void *ctx, uint64_t block, const void *row, size_t n, struct err *);
int copy_out_next_blocks(PGconn *, bool binary, copy_block_row_fn *, void *ctx, struct err *);

/* COPY … FROM STDIN: begin, any number of data calls with row bytes (header and trailer are put
 * around by begin and end), end checks the tag against rows (UINT64_MAX: do not).  Small pieces
 * are sent together; borders of pieces need not be borders of rows.  A server's error is noticed at
 * the next piece that is sent: data then returns it, and the COPY has ended.  abort makes the
 * server discard the rows; it may be called in any state, also on a zeroed struct.  The struct must
 * not move between begin and end. */
struct copy_in {
    PGconn          *conn; /* NULL: no COPY is running */
    bool             binary;
    uint8_t         *pending; /* collected until there is enough for a message */
    size_t           n_pending;
    unsigned         notices; /* messages of the server that are not errors */
    PQnoticeReceiver notice;  /* the connection's own, restored at the end */
    void            *notice_ctx;
};
int  copy_in_begin(struct copy_in *, PGconn *, const char *sql, bool binary, struct err *);
int  copy_in_data(struct copy_in *, const void *, size_t, struct err *);
int  copy_in_end(struct copy_in *, uint64_t rows, struct err *);
void copy_in_abort(struct copy_in *, const char *why);

#endif
