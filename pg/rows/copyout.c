/*
 * copyout.c - reading rows: COPY … TO STDOUT.
 *
 * The hottest path of a backup: per row one PQgetCopyData(), one callback, nothing else.  The
 * socket is read before it is polled, so that poll() (which also hears cancel.h) is called only
 * when the server is the slower side.  Then it sends 8 KB at a time and would wake us for each:
 * gather() sleeps while as much comes as is well worth waking up for, and a socket still holds.
 *
 * A ctid in front of a row is taken off in place, in the memory that libpq returned the row in: in
 * text it is "(block,offset)" and a tab, in binary the first of the fields, four bytes of length
 * and six of value.
 */
#include "pg/rows/copy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cancel.h"
#include "pg/conn/wait.h"

static const uint8_t header[COPY_HEADER_BYTES + 1] = COPY_HEADER;
static const uint8_t trailer[COPY_TRAILER_BYTES] = {0xff, 0xff};

enum {
    FIELDS_BYTES = 2, /* of a binary row: the number of its fields */
    LENGTH_BYTES = 4,
    TID_BYTES = 6, /* block, number in it */
    BINARY_CTID = FIELDS_BYTES + LENGTH_BYTES + TID_BYTES,
};

/* A stream being read. */
struct reading {
    PGconn            *conn;
    copy_row_fn       *row;
    bool               by_block;
    copy_block_row_fn *block_row; /* instead: each row begins with its ctid */
    void              *ctx;
    bool               binary, begun, ended; /* binary: header seen, trailer seen */
    uint64_t           rows;
    uint64_t           bytes, bytes_before; /* come; come before the last pause */
    long               pause;               /* nanoseconds */
};

static int
no_ctid(struct err *e)
{
    return err_set(e, ERR_CORRUPT, "a row from the server does not begin with its ctid");
}

static int
take_binary_ctid(struct reading *r, char *data, size_t n, struct err *e)
{
    uint8_t *p = (uint8_t *)data;
    unsigned fields;
    uint32_t block;

    if (n < BINARY_CTID || p[2] != 0 || p[3] != 0 || p[4] != 0 || p[5] != TID_BYTES) {
        return no_ctid(e);
    }
    fields = ((unsigned)p[0] << 8 | p[1]) - 1;
    block = (uint32_t)p[6] << 24 | (uint32_t)p[7] << 16 | (uint32_t)p[8] << 8 | p[9];
    p += BINARY_CTID - FIELDS_BYTES;
    p[0] = (uint8_t)(fields >> 8);
    p[1] = (uint8_t)fields;
    return r->block_row(r->ctx, block, p, n - (BINARY_CTID - FIELDS_BYTES), e);
}

/* A row without other columns has no tab, only its newline. */
static int
take_text_ctid(struct reading *r, const char *data, size_t n, struct err *e)
{
    const char *end = n > 0 && data[0] == '(' ? memchr(data, ')', n) : NULL;
    uint64_t    block = 0;

    if (end == NULL || end + 1 == data + n) {
        return no_ctid(e);
    }
    for (const char *p = data + 1; *p != ','; p++) {
        if (*p < '0' || *p > '9') {
            return no_ctid(e);
        }
        block = block * 10 + (uint64_t)(*p - '0');
    }
    end += end[1] == '\t' ? 2 : 1;
    return r->block_row(r->ctx, block, end, n - (size_t)(end - data), e);
}

static int
take_row(struct reading *r, char *data, size_t n, struct err *e)
{
    r->rows++;
    if (!r->by_block) {
        return r->row(r->ctx, data, n, e);
    }
    return r->binary ? take_binary_ctid(r, data, n, e) : take_text_ctid(r, data, n, e);
}

/* One message of a binary stream: the first begins with the header; the trailer comes alone (or,
 * in an empty stream, right after the header). */
static int
take_binary(struct reading *r, char *data, size_t n, struct err *e)
{
    if (!r->begun) {
        if (n < COPY_HEADER_BYTES || memcmp(data, header, COPY_HEADER_BYTES) != 0) {
            return err_set(e, ERR_CORRUPT,
                           "the server's binary COPY does not begin with its header");
        }
        r->begun = true;
        data += COPY_HEADER_BYTES;
        n -= COPY_HEADER_BYTES;
        if (n == 0) {
            return 0;
        }
    }
    if (r->ended) {
        return err_set(e, ERR_CORRUPT, "the server's binary COPY continues after its trailer");
    }
    if (n == COPY_TRAILER_BYTES && memcmp(data, trailer, COPY_TRAILER_BYTES) == 0) {
        r->ended = true;
        return 0;
    }
    return take_row(r, data, n, e);
}

/*
 * The server is the slower side.  The pause grows until some GATHER bytes come in it, and shrinks
 * when more do: a socket's buffer holds 160 KB and more, so the server need not wait.  A stream
 * that is faster than that, or short, has none.
 */
static void
gather(struct reading *r)
{
    enum { SHORT = 1 << 20, GATHER = 48 << 10 };
    static const long least = 50000, most = 2000000;
    uint64_t          came = r->bytes - r->bytes_before;

    if (r->bytes < SHORT) {
        return;
    }
    if (came < GATHER / 2) {
        r->pause = r->pause == 0 ? least : r->pause > most / 2 ? most : 2 * r->pause;
    } else if (came > GATHER) {
        r->pause = r->pause / 2 < least ? 0 : r->pause / 2;
    }
    r->bytes_before = r->bytes;
    if (r->pause > 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = r->pause}, NULL);
    }
}

/* No whole message is in the buffer: reads what has come; at the third time, waits for more. */
static int
read_more(struct reading *r, int tried, struct err *e)
{
    if (cancel_check(e) != 0) {
        return -1;
    }
    if (tried == 1) {
        gather(r);
    } else if (tried > 1 && pg_await(r->conn, POLLIN, e) < 0) {
        return -1;
    }
    return PQconsumeInput(r->conn) ? 0 : pg_error(r->conn, NULL, e);
}

/* Every message until the stream ends: 0; an error of the server or the callback: -1. */
static int
take_all(struct reading *r, struct err *e)
{
    int   tried = 0;
    char *data = NULL;
    int   n, rc;

    while ((n = PQgetCopyData(r->conn, &data, 1)) >= 0) {
        if (n == 0) {
            rc = read_more(r, tried++, e);
        } else {
            tried = 0;
            r->bytes += (uint64_t)n;
            rc = r->binary ? take_binary(r, data, (size_t)n, e) : take_row(r, data, (size_t)n, e);
            PQfreemem(data);
        }
        if (rc != 0) {
            return -1;
        }
    }
    return n == -1 ? 0 : pg_error(r->conn, NULL, e);
}

static int
check_end(const struct reading *r, PGresult *res, struct err *e)
{
    uint64_t told = strtoull(PQcmdTuples(res), NULL, 10);

    if (r->binary && !r->ended) {
        return err_set(e, ERR_CORRUPT, "the server's binary COPY ended without its trailer");
    }
    if (told != r->rows) {
        return err_set(e, ERR_CORRUPT, "%" PRIu64 " rows came, the server says it sent %" PRIu64,
                       r->rows, told);
    }
    return 0;
}

int
copy_out_send(PGconn *conn, const char *sql, struct err *e)
{
    err_clear(e);
    return PQsendQuery(conn, sql) ? 0 : pg_error(conn, NULL, e);
}

/* The next statement's result, which must have the expected status. */
static PGresult *
expect(PGconn *conn, bool copy, struct err *e)
{
    PGresult      *res = pg_next(conn, e);
    ExecStatusType status = PQresultStatus(res);

    if (res == NULL) {
        return NULL;
    }
    if (status == PGRES_COPY_OUT ? copy : !copy && status == PGRES_COMMAND_OK) {
        return res;
    }
    PQclear(res);
    pg_cancel_drain(conn);
    err_set(e, ERR_PG, "the server answers %s where %s was expected", PQresStatus(status),
            copy ? "rows" : "no rows");
    return NULL;
}

int
copy_out_command(PGconn *conn, struct err *e)
{
    PGresult *res = expect(conn, false, e);

    PQclear(res);
    return res != NULL ? 0 : -1;
}

/* The next statement's rows. */
static int
read_next(struct reading *r, struct err *e)
{
    PGresult *res = expect(r->conn, true, e);
    int       rc;

    if (res == NULL) {
        return -1;
    }
    PQclear(res);
    if (take_all(r, e) != 0) {
        if (PQstatus(r->conn) == CONNECTION_OK) {
            pg_cancel_drain(r->conn);
        }
        return -1;
    }
    res = expect(r->conn, false, e);
    if (res == NULL) {
        return -1;
    }
    rc = check_end(r, res, e);
    PQclear(res);
    if (rc != 0) {
        pg_cancel_drain(r->conn);
    }
    return rc;
}

int
copy_out_next(PGconn *conn, bool binary, copy_row_fn *row, void *ctx, uint64_t *rows, struct err *e)
{
    struct reading r = {.conn = conn, .row = row, .ctx = ctx, .binary = binary};

    if (read_next(&r, e) != 0) {
        return -1;
    }
    if (rows != NULL) {
        *rows = r.rows;
    }
    return 0;
}

int
copy_out_next_blocks(PGconn *conn, bool binary, copy_block_row_fn *row, void *ctx, struct err *e)
{
    struct reading r = {
        .conn = conn, .by_block = true, .block_row = row, .ctx = ctx, .binary = binary};

    return read_next(&r, e);
}

int
copy_out_finish(PGconn *conn, struct err *e)
{
    PGresult *res = pg_finish(conn, e);

    PQclear(res);
    return res != NULL || e->kind == ERR_NONE ? 0 : -1;
}
