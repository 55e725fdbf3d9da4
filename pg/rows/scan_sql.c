/*
 * scan_sql.c - what a reading says to the server, in one message, so that a pack of tiny tables
 * costs one round trip:
 *
 *     BEGIN; SET TRANSACTION SNAPSHOT; [SET enable_seqscan;] LOCK TABLE … NOWAIT;
 *     COPY …; [COPY generated columns;] … COMMIT
 *
 * On the coordinator's connection it is a savepoint of the transaction that exported the snapshot,
 * which must not end.
 *
 * Several ranges of a table are one COPY, with ctid as first column.  If they are the whole table,
 * it has no condition: the server goes through the table by a sequential scan, which keeps to a
 * ring of buffers (bulk read strategy) and leaves what others have in shared_buffers alone.  So
 * does a part of a table, whose scan passes over the rows of the other parts: a twelfth of the
 * time that sending them takes, if the blocks need not come from a disk again.  Where they would
 * (scan_plan.c), and where a range is read by itself, it is a Tid Range Scan, which reads through
 * shared_buffers.
 */
#include "pg/rows/scan_sql.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static struct copy_spec
spec_of(const struct scan_item *item)
{
    struct copy_spec c = item->table->copy;

    c.ranged = item->ranged;
    c.first_block = item->first_block;
    c.end_block = item->end_block;
    return c;
}

/* All ranges of a reading as one. */
static struct scan_item
ranges_as_one(const struct scan_reading *g)
{
    struct scan_item all = g->tasks[0].items[0];

    all.end_block = g->tasks[g->n - 1].items[0].end_block;
    all.ranged = all.first_block > 0 || all.end_block > 0;
    return all;
}

static void
put(struct buf *sql, const char *text)
{
    struct err never = ERR_INIT; /* a buffer without a ceiling */

    (void)buf_puts(sql, text, &never);
}

bool
scan_sql_generated(const struct scan_table *t)
{
    return t->n_generated > 0 && !t->copy.plain;
}

static void
put_copies(struct buf *sql, const struct scan_item *item, bool ctid)
{
    const struct scan_table *t = item->table;
    struct copy_spec         c = spec_of(item);
    char                    *text;

    c.ctid = ctid;
    text = t->sql != NULL ? xstrdup(t->sql) : copy_out_sql(&c);
    put(sql, text);
    put(sql, "; ");
    free(text);
    if (scan_sql_generated(t)) {
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

static void
put_rows(struct buf *sql, const struct scan_reading *g)
{
    if (scan_sql_at_once(g)) {
        struct scan_item all = ranges_as_one(g);

        put_copies(sql, &all, true);
        return;
    }
    for (size_t i = 0; i < g->n; i++) {
        for (size_t k = 0; k < g->tasks[i].n; k++) {
            put_copies(sql, &g->tasks[i].items[k], false);
        }
    }
}

static bool
is_part(const struct scan_reading *g)
{
    return scan_sql_at_once(g) ? ranges_as_one(g).ranged : g->tasks->items[0].ranged;
}

bool
scan_sql_at_once(const struct scan_reading *g)
{
    return g->n > 1 && !g->apart;
}

void
scan_sql_put(struct buf *sql, const struct scan_reader *r, const struct scan_reading *g,
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
    if (is_part(g)) {
        put(sql,
            scan_sql_at_once(g) && g->tasks->items[0].table->parts_by_scan ? SCAN_ALL_OF_IT "; "
                                                                           : SCAN_RANGES_ONLY "; ");
        *commands += 1;
    }
    if (!r->coordinator && put_locks(sql, g->tasks)) {
        *commands += 1;
    }
    put_rows(sql, g);
    put(sql, r->coordinator ? "ROLLBACK TO SAVEPOINT scan; RELEASE SAVEPOINT scan" : "COMMIT");
}
