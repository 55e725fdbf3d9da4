/*
 * fuzz_sqlstream.c - a plain dump in pieces: however the text is cut, the same statements and rows
 * come out of it; together with what is between them they are the text.  And what decides about a
 * file by its bytes: its kind, the names in a toc.dat.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "pg/archive/dumpdir.h"
#include "pg/archive/dumpkind.h"
#include "pg/archive/psql_line.h"
#include "pg/archive/sqlstream.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool good)
{
    if (!good) {
        abort();
    }
}

/* All pieces, one after the other; rows are joined.  Returns whether it was read to its end. */
static bool
pieces(const uint8_t *data, size_t n, size_t step, struct buf *out)
{
    struct sql_stream *s = sql_stream_new(1 << 20);
    struct sql_piece   p;
    struct err         e = ERR_INIT, never = ERR_INIT;
    bool               rows = false;
    int                rc = 0;

    for (size_t at = 0, now = 1; rc == 0 && now > 0; at += now) {
        now = n - at < step ? n - at : step;
        if (now == 0) {
            sql_stream_end(s);
        } else if (sql_stream_feed(s, data + at, now, &e) != 0) {
            rc = -1;
        }
        while (rc == 0 && sql_stream_next(s, &p, &e) == 1) {
            must(p.n > 0);
            must(p.kind == SQL_PIECE_ROWS || p.kind == SQL_PIECE_ROWS_END || p.text[p.n] == '\0');
            if (p.kind != SQL_PIECE_ROWS || !rows) {
                must(buf_printf(out, &never, "<%d %d %llu>", (int)p.kind, p.backslash,
                                (unsigned long long)p.line) == 0);
            }
            must(buf_append(out, p.text, p.n, &never) == 0);
            rows = p.kind == SQL_PIECE_ROWS;
        }
        rc = e.kind == ERR_NONE ? rc : -1;
    }
    must(rc == 0 || e.kind == ERR_CORRUPT);
    sql_stream_free(s);
    return rc == 0;
}

/* A name that a line gives is not longer than the line. */
static void
read_line(const uint8_t *data, size_t n)
{
    char *text = xstrndup((const char *)data, n), *key = NULL, *database = NULL;

    must((psql_line_read(text, &key, &database) == PSQL_LINE_CONNECT) == (database != NULL));
    must(database == NULL || strlen(database) < n);
    free(key);
    free(database);
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf     whole = BUF_INIT(BUF_NO_LIMIT), cut = BUF_INIT(BUF_NO_LIMIT);
    struct strlist lists = {0};
    struct err     e = ERR_INIT;
    bool           good = pieces(data, n, n + 1, &whole);

    for (size_t step = 1; step < n && step < 64; step = 2 * step + 1) {
        buf_clear(&cut);
        must(pieces(data, n, step, &cut) == good);
        must(!good || strcmp(buf_str(&cut), buf_str(&whole)) == 0);
    }
    read_line(data, n);
    (void)dump_kind_of(data, n);
    (void)dumpdir_check_toc(data, n, &lists, &e);
    strlist_free(&lists);
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
