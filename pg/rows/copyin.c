/*
 * copyin.c - writing rows: COPY … FROM STDIN.
 *
 * The connection is non-blocking meanwhile, and what libpq cannot send at once is flushed before
 * the next piece, so libpq's buffer never holds more than one piece.  libpq reports a server's
 * error only at the end of the COPY; but in this state the server sends only notices and an error,
 * so anything readable that is not a notice ends the COPY at once, instead of after 10 GB.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "core/mem.h"
#include "pg/conn/wait.h"
#include "pg/rows/copy.h"

/* The size of a message: large enough that its cost is negligible, small enough for the CPU's
 * cache.  (The server accepts the stream in any pieces.) */
enum { PIECE = 128 << 10 };

/* How long the rest of a notice may take. */
enum { REST_MS = 100 };

static const uint8_t header[COPY_HEADER_BYTES + 1] = COPY_HEADER;
static const uint8_t trailer[COPY_TRAILER_BYTES] = {0xff, 0xff};

static void
on_notice(void *ctx, const PGresult *res)
{
    struct copy_in *c = ctx;

    c->notices++;
    c->notice(c->notice_ctx, res);
}

/* The COPY has ended: the connection is as before. */
static void
leave(struct copy_in *c)
{
    (void)PQsetNoticeReceiver(c->conn, c->notice, c->notice_ctx);
    (void)PQsetnonblocking(c->conn, 0);
    free(c->pending);
    *c = (struct copy_in){0};
}

/* Tells the server that the COPY is complete (why NULL) or has failed, and waits for its answer. */
static PGresult *
end_copy(struct copy_in *c, const char *why, struct err *e)
{
    int left;

    if (PQputCopyEnd(c->conn, why) != 1) {
        pg_error(c->conn, NULL, e);
        return NULL;
    }
    /* The rest is sent while notices are read: a server that cannot write does not read. */
    while ((left = PQflush(c->conn)) > 0) {
        int ready = pg_await(c->conn, POLLIN | POLLOUT, e);

        if (ready < 0) {
            return NULL;
        }
        if ((ready & POLLIN) != 0 && !PQconsumeInput(c->conn)) {
            break;
        }
    }
    if (left != 0) {
        pg_error(c->conn, NULL, e);
        return NULL;
    }
    return pg_finish(c->conn, e);
}

/* Ends the COPY on both sides; *e holds the server's reason unless it holds one already. */
static int
fail(struct copy_in *c, struct err *e)
{
    PGresult *res;

    if (e->kind != ERR_NONE) {
        copy_in_abort(c, "the sender failed");
        return -1;
    }
    res = end_copy(c, "the sender stopped", e);
    if (res != NULL || e->kind == ERR_NONE) {
        err_set(e, ERR_PG, "the server ended the COPY");
    }
    PQclear(res);
    leave(c);
    return -1;
}

/* Reads what the server has sent.  -1 when it was an error; *e stays empty then, fail() gets the
 * text.  A notice may arrive in parts: only when nothing follows for a while it was not one. */
static int
listen_to(struct copy_in *c, struct err *e)
{
    unsigned      before = c->notices;
    struct pollfd fd = {.fd = PQsocket(c->conn), .events = POLLIN};
    PGnotify     *n;

    do {
        if (!PQconsumeInput(c->conn)) {
            return pg_error(c->conn, NULL, e);
        }
        while ((n = PQnotifies(c->conn)) != NULL) { /* has libpq parse what arrived, notices too */
            PQfreemem(n);
            c->notices++;
        }
        if (c->notices != before) {
            return 0;
        }
    } while (poll(&fd, 1, REST_MS) > 0);
    return -1;
}

static int
flush(struct copy_in *c, struct err *e)
{
    int left, ready;

    for (;;) {
        struct pollfd fd = {.fd = PQsocket(c->conn), .events = POLLIN};

        left = PQflush(c->conn);
        if (left < 0) {
            return pg_error(c->conn, NULL, e);
        }
        if (left > 0) {
            ready = pg_await(c->conn, POLLIN | POLLOUT, e);
        } else {
            ready = poll(&fd, 1, 0) > 0 ? POLLIN : 0;
        }
        if (ready < 0 || ((ready & POLLIN) != 0 && listen_to(c, e) != 0)) {
            return -1;
        }
        if (left == 0) {
            return 0;
        }
    }
}

static int
send_piece(struct copy_in *c, const uint8_t *data, size_t n, struct err *e)
{
    if (PQputCopyData(c->conn, (const char *)data, (int)n) != 1) {
        pg_error(c->conn, NULL, e);
        return fail(c, e);
    }
    return flush(c, e) == 0 ? 0 : fail(c, e);
}

int
copy_in_begin(struct copy_in *c, PGconn *conn, const char *sql, bool binary, struct err *e)
{
    PGresult *res;

    err_clear(e);
    *c = (struct copy_in){0};
    /* The extended protocol takes one statement: nothing can follow the COPY. */
    if (!PQsendQueryParams(conn, sql, 0, NULL, NULL, NULL, NULL, 0)) {
        return pg_error(conn, NULL, e);
    }
    res = pg_finish(conn, e);
    if (res == NULL) {
        return -1;
    }
    if (PQresultStatus(res) != PGRES_COPY_IN) {
        PQclear(res);
        return err_set(e, ERR_PG, "not a COPY … FROM STDIN: %.200s", sql);
    }
    PQclear(res);
    *c = (struct copy_in){.conn = conn, .binary = binary, .pending = xmalloc(PIECE)};
    c->notice = PQsetNoticeReceiver(conn, NULL, NULL);
    (void)PQsetNoticeReceiver(conn, on_notice, c);
    (void)PQsetnonblocking(conn, 1);
    return binary ? copy_in_data(c, header, COPY_HEADER_BYTES, e) : 0;
}

int
copy_in_data(struct copy_in *c, const void *data, size_t n, struct err *e)
{
    const uint8_t *p = data;

    err_clear(e);
    while (n > 0) {
        size_t piece = MIN(n, PIECE - c->n_pending);

        if (piece == PIECE) { /* nothing is collected, and there is enough: no copying */
            if (send_piece(c, p, piece, e) != 0) {
                return -1;
            }
        } else {
            memcpy(c->pending + c->n_pending, p, piece);
            c->n_pending += piece;
            if (c->n_pending == PIECE) {
                c->n_pending = 0;
                if (send_piece(c, c->pending, PIECE, e) != 0) {
                    return -1;
                }
            }
        }
        p += piece;
        n -= piece;
    }
    return 0;
}

int
copy_in_end(struct copy_in *c, uint64_t rows, struct err *e)
{
    PGresult *res;
    uint64_t  told;

    if (c->binary && copy_in_data(c, trailer, COPY_TRAILER_BYTES, e) != 0) {
        return -1;
    }
    err_clear(e);
    if (c->n_pending > 0 && send_piece(c, c->pending, c->n_pending, e) != 0) {
        return -1;
    }
    c->n_pending = 0;
    res = end_copy(c, NULL, e);
    if (res == NULL) {
        if (e->kind == ERR_INTERRUPTED && PQstatus(c->conn) == CONNECTION_OK) {
            pg_cancel_drain(c->conn);
        }
        leave(c);
        return -1;
    }
    leave(c);
    told = strtoull(PQcmdTuples(res), NULL, 10);
    PQclear(res);
    if (rows != UINT64_MAX && told != rows) {
        return err_set(e, ERR_CORRUPT,
                       "%" PRIu64 " rows were to be loaded, the server says it took %" PRIu64, rows,
                       told);
    }
    return 0;
}

void
copy_in_abort(struct copy_in *c, const char *why)
{
    if (c->conn == NULL) {
        return;
    }
    if (PQstatus(c->conn) == CONNECTION_OK) {
        (void)PQputCopyEnd(c->conn, why);
        pg_cancel_drain(c->conn);
    }
    leave(c);
}
