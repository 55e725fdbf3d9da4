/*
 * sqlstream.h - a plain dump, in pieces of any size, as statements and rows.
 *
 * What psql would read, without running anything: statements, "COPY … FROM stdin" with the lines up
 * to "\.", and lines for psql itself (\connect).  The rules for tokens are those of sqltoken.h; a
 * piece of text may end anywhere, also within a quote.  Only a statement is held in memory as a
 * whole, rows are not.
 *
 *     sql_stream_feed(s, data, n, e);
 *     while ((got = sql_stream_next(s, &piece, e)) == 1) ...
 *     sql_stream_end(s); once more until 0
 *
 * All errors are ERR_CORRUPT and name the line: a zero byte, a backslash within a statement (a
 * command for psql), a text that ends within a statement or within rows.
 */
#ifndef PG_ARCHIVE_SQLSTREAM_H
#define PG_ARCHIVE_SQLSTREAM_H

#include <stdint.h>

#include "core/err.h"
#include "pg/archive/sqlsplit.h"

enum sql_piece_kind {
    SQL_PIECE_STATEMENT, /* with its semicolon; not an empty one */
    SQL_PIECE_COPY,      /* likewise: COPY … FROM stdin.  Rows follow */
    SQL_PIECE_ROWS,      /* a part of them, of any size */
    SQL_PIECE_ROWS_END,  /* "\." */
    SQL_PIECE_COMMENT,   /* between two statements, without the line's end */
    SQL_PIECE_PSQL,      /* a line for psql, likewise */
};

struct sql_piece {
    enum sql_piece_kind kind;
    const char *text; /* valid until the next call; followed by a NUL, but for ROWS and ROWS_END */
    size_t      n;
    uint64_t    line;      /* of its first byte, from 1 */
    bool        backslash; /* standard_conforming_strings was off */
};

struct sql_stream;

/* statement_max: bytes of the longest statement (or line for psql, or comment). */
struct sql_stream *sql_stream_new(size_t statement_max);
void               sql_stream_free(struct sql_stream *); /* accepts NULL */

int  sql_stream_feed(struct sql_stream *, const void *, size_t, struct err *); /* copies */
void sql_stream_end(struct sql_stream *);                                      /* nothing follows */
/* 1: a piece; 0: more text is needed, or after sql_stream_end() all has been read; -1. */
int sql_stream_next(struct sql_stream *, struct sql_piece *, struct err *);
/* As the server reads strings from here on.  (A SET in the text is heeded without this.) */
void sql_stream_set_backslash(struct sql_stream *, bool off);

/* The first tokens of a statement, at most max, without comments and the semicolon; they point into
 * the text.  Free with sql_head_free(). */
void sql_head(const struct sql_piece *, size_t max, struct sql_statement *);
void sql_head_free(struct sql_statement *);

#endif
