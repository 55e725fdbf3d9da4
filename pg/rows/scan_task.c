/*
 * scan_task.c - one task: a transaction, the locks and the COPYs of all its items in one message,
 * so that a pack of tiny tables costs one round trip.
 *
 *     BEGIN; SET TRANSACTION SNAPSHOT; [SET enable_seqscan;] LOCK TABLE … NOWAIT;
 *     COPY …; [COPY generated columns;] … COMMIT
 *
 * Answers come in this order and are read one by one: the commands before the first COPY, then each
 * COPY's rows, which go to the sink as they arrive, then the end.  A statement that fails makes the
 * server skip the rest of the message, so there is only one failure:
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
 *   - Anything else, including damage that the server only warns of (pg/conn/damage.h), and any
 *     error of the sink, ends the scan.
 *
 * On the coordinator's connection the task runs in a savepoint of the transaction that exported the
 * snapshot, which must not end.
 */
#include "pg/rows/scan_task.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "pg/conn/damage.h"
#include "pg/conn/wait.h"

/* One COPY on its way to the sink. */
struct stream {
    struct scan_reader *r;
    struct row_sum      sum;
    bool                to_sink;
};

static int
on_row(void *ctx, const void *row, size_t n, struct err *e)
{
    struct stream             *s = ctx;
    struct scan_reader        *r = s->r;
    const struct scan_options *o = r->options;

    if (r->between(r->between_ctx, e) != 0) {
        return -1;
    }
    if (o->fingerprint_key != NULL) {
        row_sum_add(&s->sum, o->fingerprint_key, row, n);
    } else {
        s->sum.rows++;
        s->sum.bytes += n;
    }
    if (n > r->largest) {
        r->largest = n;
    }
    return s->to_sink && o->sink->data != NULL ? o->sink->data(o->ctx, r->worker, row, n, e) : 0;
}

static struct copy_spec
spec_of(const struct scan_item *item)
{
    struct copy_spec c = item->table->copy;

    c.ranged = item->ranged;
    c.first_block = item->first_block;
    c.end_block = item->end_block;
    return c;
}

static void
put(struct buf *sql, const char *text)
{
    struct err never = ERR_INIT; /* a buffer without a ceiling */

    (void)buf_puts(sql, text, &never);
}

/* No plain COPY names a generated column. */
static bool
has_generated(const struct scan_table *t)
{
    return t->n_generated > 0 && !t->copy.plain;
}

static void
put_copies(struct buf *sql, const struct scan_item *item)
{
    const struct scan_table *t = item->table;
    struct copy_spec         c = spec_of(item);
    char                    *text = t->sql != NULL ? xstrdup(t->sql) : copy_out_sql(&c);

    put(sql, text);
    put(sql, "; ");
    free(text);
    if (has_generated(t)) {
        c.columns = t->generated;
        c.n_columns = t->n_generated;
        c.binary = false;
        text = copy_out_sql(&c);
        put(sql, text);
        put(sql, "; ");
        free(text);
    }
}

/* System catalogs are not locked: they are not altered. */
static bool
needs_lock(const struct scan_item *item)
{
    return item->table->sql == NULL && strcmp(item->table->copy.schema, "pg_catalog") != 0;
}

/* True when there was something to lock.  NOWAIT: a queue for the lock waits for the coordinator,
 * which waits for this worker. */
static bool
put_locks(struct buf *sql, const struct scan_task *task)
{
    bool any = false;

    for (size_t i = 0; i < task->n; i++) {
        if (needs_lock(&task->items[i])) {
            char *name = pg_qualified(task->items[i].table->copy.schema,
                                      task->items[i].table->copy.name);

            put(sql, any ? ", ONLY " : "LOCK TABLE ONLY ");
            put(sql, name);
            free(name);
            any = true;
        }
    }
    if (any) {
        put(sql, " IN ACCESS SHARE MODE NOWAIT; ");
    }
    return any;
}

/* The whole message; *commands: the number of statements before the first COPY. */
static void
put_message(struct buf *sql, const struct scan_reader *r, const struct scan_task *task,
            int *commands)
{
    *commands = 0;
    if (r->coordinator) {
        put(sql, "SAVEPOINT scan; ");
        *commands += 1;
    } else {
        put(sql, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET TRANSACTION SNAPSHOT '");
        put(sql, r->snapshot->id);
        put(sql, "'; ");
        *commands += 2;
    }
    if (task->n > 0 && task->items[0].ranged) {
        put(sql, SCAN_RANGES_ONLY "; ");
        *commands += 1;
    }
    if (!r->coordinator && put_locks(sql, task)) {
        *commands += 1;
    }
    for (size_t i = 0; i < task->n; i++) {
        put_copies(sql, &task->items[i]);
    }
    put(sql, r->coordinator ? "ROLLBACK TO SAVEPOINT scan; RELEASE SAVEPOINT scan" : "COMMIT");
}

/* One task at work. */
struct attempt {
    struct scan_reader     *r;
    const struct scan_task *task;
    size_t                  at;   /* the item at hand */
    uint64_t                rows; /* its result */
    struct pg_damage        damage;
};

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
    if (rc == 0 && has_generated(item->table)) {
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
too_large_for_text(const struct scan_table *t, const struct err *e)
{
    return t->text_falls_back && !t->copy.binary && e->kind == ERR_PG &&
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
begin(struct scan_reader *r, const struct scan_task *task, struct err *e)
{
    struct buf sql = BUF_INIT(BUF_NO_LIMIT);
    int        commands, rc;

    put_message(&sql, r, task, &commands);
    rc = copy_out_send(r->conn, buf_str(&sql), e);
    buf_free(&sql);
    for (int i = 0; rc == 0 && i < commands; i++) {
        rc = copy_out_command(r->conn, e);
    }
    return rc;
}

/* Reads all items; on failure a->at is the item that failed. */
static int
read_items(struct attempt *a, struct err *e)
{
    struct scan_reader     *r = a->r;
    const struct scan_sink *sink = r->options->sink;

    if (sink->begin_task != NULL && sink->begin_task(r->options->ctx, r->worker, a->task, e) != 0) {
        return -1;
    }
    for (a->at = 0; a->at < a->task->n; a->at++) {
        if (read_item(a, &a->task->items[a->at], e) != 0) {
            return -1;
        }
    }
    a->at = 0;
    if (copy_out_finish(r->conn, e) != 0) {
        return -1;
    }
    return sink->end_task != NULL ? sink->end_task(r->options->ctx, r->worker, a->task, e) : 0;
}

/* How else a table is to be read after this failure, if at all.  Never after damage: a page that
 * the server skipped once is intact for the next reader. */
static enum scan_outcome
another_way(struct attempt *a, struct err *e)
{
    const struct scan_item *item = &a->task->items[a->at];
    struct err              damage = ERR_INIT;

    if (pg_damage_check(&a->damage, &damage) != 0) {
        *e = damage;
        return SCAN_DONE;
    }
    if (too_large_for_text(item->table, e)) {
        return SCAN_TOO_LARGE;
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
    if (begin(a->r, a->task, e) != 0) {
        if (strcmp(e->sqlstate, "55P03") == 0) { /* lock_not_available */
            *outcome = SCAN_LOCKED;
            return recover(a->r, e);
        }
    } else if (read_items(a, e) == 0) {
        return 0;
    } else if ((*outcome = another_way(a, e)) != SCAN_DONE) {
        *which = a->task->items[a->at].table;
        return recover(a->r, e);
    }
    if (PQtransactionStatus(conn) == PQTRANS_ACTIVE) {
        pg_cancel_drain(conn); /* the rest of the message is still to come */
    }
    return err_wrap(e, "table %s.%s", a->task->items[a->at].table->copy.schema,
                    a->task->items[a->at].table->copy.name);
}

int
scan_task_run(struct scan_reader *r, const struct scan_task *task, enum scan_outcome *outcome,
              struct scan_table **which, struct err *e)
{
    struct attempt a = {.r = r, .task = task};
    int            rc;

    pg_damage_watch(&a.damage, r->conn);
    rc = run(&a, outcome, which, e);
    pg_damage_end(&a.damage);
    return rc;
}
