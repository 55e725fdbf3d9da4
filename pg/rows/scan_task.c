/*
 * scan_task.c - one reading: a message to the server (scan_sql.c), and its answers.
 *
 * They come in the order of the message and are read one by one: the commands before the first
 * COPY, then each COPY's rows, which go to the sink as they arrive, then the end.  A statement that
 * fails makes the server skip the rest of the message, so there is only one failure:
 *
 *   - A lock that is not granted at once (55P03).  The coordinator holds ACCESS SHARE on every
 *     table, so it is not a direct conflict: an ALTER TABLE waits for the coordinator, and every
 *     later request for a lock waits for the ALTER.  Waiting would be a deadlock that the server
 *     does not detect.  The task is given back (SCAN_LOCKED), and the coordinator runs it on its
 *     own connection, without asking for locks.
 *   - A row too large for text.  The task is given back (SCAN_TOO_LARGE) with the table that must
 *     be read in binary from now on, in all its ranges.
 *   - A query that fails before its first row, perhaps because it cannot be planned.  The task is
 *     given back (SCAN_UNPLANNED) with the table that is to be read by a plain COPY.
 *   - A row that is too large with its ctid.  What is not read yet is given back (SCAN_APART), to
 * be read by a COPY for each range, without ctid.
 *   - Anything else, including damage that the server only warns of (pg/conn/damage.h), and any
 *     error of the sink, ends the scan.
 */
#include "pg/rows/scan_task.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "pg/conn/damage.h"
#include "pg/conn/wait.h"
#include "pg/rows/scan_rows.h"
#include "pg/rows/scan_sql.h"

/* One COPY on its way to the sink. */
struct stream {
    struct scan_reader *r;
    struct row_sum      sum;
    bool                to_sink;
};

static int
on_row(void *ctx, const void *row, size_t n, struct err *e)
{
    struct stream *s = ctx;

    return scan_rows_add(s->r, &s->sum, s->to_sink, row, n, e);
}

/* The generated columns of several ranges. */
static int
on_row_of_block(void *ctx, uint64_t block, const void *row, size_t n, struct err *e)
{
    (void)block;
    return on_row(ctx, row, n, e);
}

/* One reading at work. */
struct attempt {
    struct scan_reader        *r;
    const struct scan_reading *g;
    size_t                     done; /* tasks before the one at hand */
    size_t                     at;   /* its item at hand */
    uint64_t                   rows; /* what came of it */
    struct pg_damage           damage;
};

static const struct scan_item *
at_hand(const struct attempt *a)
{
    return &a->g->tasks[a->done].items[a->at];
}

static int
read_item(struct attempt *a, const struct scan_item *item, struct err *e)
{
    struct scan_reader     *r = a->r;
    const struct scan_sink *sink = r->options->sink;
    struct stream           copied = {.r = r, .to_sink = true}, generated = {.r = r};
    int                     rc = 0;

    if (sink->begin_item != NULL) {
        rc = sink->begin_item(r->options->ctx, r->worker, item, e);
    }
    if (rc == 0) {
        rc = copy_out_next(r->conn, item->table->copy.binary, on_row, &copied, NULL, e);
    }
    a->rows = copied.sum.rows;
    if (rc == 0 && scan_sql_generated(item->table)) {
        rc = copy_out_next(r->conn, false, on_row, &generated, NULL, e);
    }
    if (rc == 0) {
        rc = pg_damage_check(&a->damage, e);
    }
    if (rc == 0 && sink->end_item != NULL) {
        rc = sink->end_item(r->options->ctx, r->worker, item, &copied.sum, &generated.sum, e);
    }
    return rc;
}

/* Makes the connection ready for the next task after a statement has failed. */
static int
recover(struct scan_reader *r, struct err *e)
{
    return pg_exec(r->conn, e,
                   r->coordinator ? "ROLLBACK TO SAVEPOINT scan; RELEASE SAVEPOINT scan"
                                  : "ROLLBACK");
}

/* "invalid memory alloc request size" is never translated; 54000 is a row beyond 1 GB. */
static bool
too_large(const struct err *e)
{
    return e->kind == ERR_PG &&
        (strcmp(e->sqlstate, "54000") == 0 ||
         strstr(e->text, "invalid memory alloc request size") != NULL);
}

/* Planning may fail with any SQLSTATE, raised by functions in indexes and statistics: only a plain
 * COPY shows whether the table can be read.  Not when the statement or the session was ended by
 * somebody. */
static bool
may_be_unplanned(const struct scan_item *item, const PGconn *conn, const struct err *e)
{
    const struct scan_table *t = item->table;

    return !item->ranged && t->sql == NULL && t->copy.condition == NULL && !t->copy.plain &&
        e->kind == ERR_PG && e->sqlstate[0] != '\0' && strncmp(e->sqlstate, "57", 2) != 0 &&
        !e->transient && PQstatus(conn) == CONNECTION_OK;
}

static int
begin(struct attempt *a, struct err *e)
{
    struct buf sql = BUF_INIT(BUF_NO_LIMIT);
    int        commands, rc;

    scan_sql_put(&sql, a->r, a->g, &commands);
    rc = copy_out_send(a->r->conn, buf_str(&sql), e);
    buf_free(&sql);
    for (int i = 0; rc == 0 && i < commands; i++) {
        rc = copy_out_command(a->r->conn, e);
    }
    return rc;
}

/* One COPY for all ranges; on failure a->done says in which. */
static int
read_ranges(struct attempt *a, struct err *e)
{
    struct scan_reader      *r = a->r;
    const struct scan_table *t = a->g->tasks->items[0].table;
    struct scan_rows         rows = {.r = r, .ranges = a->g->tasks, .n = a->g->n};
    struct stream            generated = {.r = r};
    int                      rc = scan_rows_begin(&rows, e);

    if (rc == 0) {
        rc = copy_out_next_blocks(r->conn, t->copy.binary, scan_rows_cut, &rows, e);
    }
    if (rc == 0 && scan_sql_generated(t)) {
        rc = copy_out_next_blocks(r->conn, false, on_row_of_block, &generated, e);
    }
    if (rc == 0) {
        rc = pg_damage_check(&a->damage, e);
    }
    a->done = rows.at;
    a->rows = rows.sum.rows;
    if (rc != 0 || copy_out_finish(r->conn, e) != 0) {
        return -1;
    }
    return scan_rows_end(&rows, &generated.sum, e);
}

/* The items of a task; on failure a->at is the item that failed.  last: nothing follows them. */
static int
read_items(struct attempt *a, bool last, struct err *e)
{
    struct scan_reader     *r = a->r;
    const struct scan_sink *sink = r->options->sink;
    const struct scan_task *task = &a->g->tasks[a->done];

    if (sink->begin_task != NULL && sink->begin_task(r->options->ctx, r->worker, task, e) != 0) {
        return -1;
    }
    for (a->at = 0; a->at < task->n; a->at++) {
        if (read_item(a, &task->items[a->at], e) != 0) {
            return -1;
        }
    }
    a->at = 0;
    if (last && copy_out_finish(r->conn, e) != 0) {
        return -1;
    }
    return sink->end_task != NULL ? sink->end_task(r->options->ctx, r->worker, task, e) : 0;
}

static int
read_rows(struct attempt *a, struct err *e)
{
    if (scan_sql_at_once(a->g)) {
        return read_ranges(a, e);
    }
    for (a->done = 0;; a->done++) {
        bool last = a->done + 1 == a->g->n;

        if (read_items(a, last, e) != 0) {
            return -1;
        }
        if (last) {
            return 0;
        }
    }
}

/* How else a table is to be read after this failure, if at all.  Never after damage: a page that
 * the server skipped once is intact for the next reader. */
static enum scan_outcome
another_way(struct attempt *a, struct err *e)
{
    const struct scan_item *item = at_hand(a);
    struct err              damage = ERR_INIT;

    if (pg_damage_check(&a->damage, &damage) != 0) {
        *e = damage;
        return SCAN_DONE;
    }
    if (too_large(e)) {
        return item->table->text_falls_back && !item->table->copy.binary ? SCAN_TOO_LARGE
            : scan_sql_at_once(a->g)                                     ? SCAN_APART
                                                                         : SCAN_DONE;
    }
    if (a->rows == 0 && may_be_unplanned(item, a->r->conn, e)) {
        log_debug("table %s.%s: %s: trying a plain COPY", item->table->copy.schema,
                  item->table->copy.name, e->text);
        return SCAN_UNPLANNED;
    }
    return SCAN_DONE;
}

static int
run(struct attempt *a, enum scan_outcome *outcome, struct scan_table **which, struct err *e)
{
    PGconn *conn = a->r->conn;

    *outcome = SCAN_DONE;
    if (begin(a, e) != 0) {
        if (strcmp(e->sqlstate, "55P03") == 0) { /* lock_not_available */
            *outcome = SCAN_LOCKED;
            return recover(a->r, e);
        }
    } else if (read_rows(a, e) == 0) {
        return 0;
    } else if ((*outcome = another_way(a, e)) != SCAN_DONE) {
        *which = at_hand(a)->table;
        return recover(a->r, e);
    }
    if (PQtransactionStatus(conn) == PQTRANS_ACTIVE) {
        pg_cancel_drain(conn); /* the rest of the message is still to come */
    }
    return err_wrap(e, "table %s.%s", at_hand(a)->table->copy.schema, at_hand(a)->table->copy.name);
}

int
scan_task_run(struct scan_reader *r, struct scan_reading *g, enum scan_outcome *outcome,
              struct scan_table **which, struct err *e)
{
    struct attempt a = {.r = r, .g = g};
    int            rc;

    pg_damage_watch(&a.damage, r->conn);
    rc = run(&a, outcome, which, e);
    pg_damage_end(&a.damage);
    if (rc == 0 && *outcome == SCAN_APART) {
        g->tasks += a.done;
        g->n -= a.done;
        g->apart = true;
    }
    return rc;
}
