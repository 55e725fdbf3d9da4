/*
 * Row counts alone, for a quick look at a running database: count(*) in parallel on one snapshot,
 * of small tables many in one statement; of a table for which that cannot be planned, or must not
 * be, by reading a column of it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/pool.h"
#include "core/progress.h"
#include "pg/conn/damage.h"
#include "verify/compare/rows.h"
#include "verify/compare/rows_tell.h"

struct counting {
    struct compare *c;
    PGconn        **workers;
};

static PGconn *
worker_conn(struct counting *s, int worker, struct err *e)
{
    if (s->workers[worker] == NULL)
        s->workers[worker] = snapshot_worker(s->c->snap_opts, s->c->snap, e);
    return s->workers[worker];
}

/* The same transaction after a failure. */
static int
begin_again(struct counting *s, PGconn *conn, struct err *e)
{
    return pg_exec(conn, e, "ROLLBACK") != 0 ? -1 : snapshot_begin(conn, s->c->snap, e);
}

static int
count_rows(PGconn *conn, const struct row_check *check, uint64_t *rows, struct err *e)
{
    char *table = pg_qualified(check->want->schema, check->want->name);
    char *sql = xasprintf("SELECT pg_catalog.count(*) FROM ONLY %s %s", table,
                          check->want->condition == NULL ? "" : check->want->condition);
    char *text = pg_value(conn, e, sql, 0, NULL);

    if (text != NULL)
        *rows = strtoull(text, NULL, 10);
    free(table);
    free(sql);
    free(text);
    return text == NULL ? -1 : 0;
}

static int
ignore_row(void *ctx, const void *row, size_t n, struct err *e)
{
    (void)ctx;
    (void)row;
    (void)n;
    (void)e;
    return 0;
}

/* Without a plan (scan.h): counts the rows of one column. */
static int
count_plainly(PGconn *conn, const struct row_check *check, uint64_t *rows, struct err *e)
{
    struct copy_spec copy = {.schema = check->want->schema,
                             .name = check->want->name,
                             .columns = check->columns,
                             .n_columns = check->n_columns > 0,
                             .binary = check->want->format == COPY_BINARY,
                             .plain = true};
    char            *sql = copy_out_sql(&copy);
    int              rc = copy_out_send(conn, sql, e);

    free(sql);
    if (rc != 0 || copy_out_next(conn, copy.binary, ignore_row, NULL, rows, e) != 0)
        return -1;
    return copy_out_finish(conn, e);
}

static int
count_one_way_or_another(struct counting *s, PGconn *conn, const struct row_check *check,
                         uint64_t *rows, struct err *e)
{
    if (check->want->condition != NULL)
        return check->have->foreign_code
            ? err_set(e, ERR_PG, "an index or statistics of it call a function of another role")
            : count_rows(conn, check, rows, e);
    if (!check->have->foreign_code) {
        if (count_rows(conn, check, rows, e) == 0)
            return 0;
        if (e->kind != ERR_PG || PQstatus(conn) != CONNECTION_OK || begin_again(s, conn, e) != 0)
            return -1;
    }
    return count_plainly(conn, check, rows, e);
}

static int
count_table(struct counting *s, PGconn *conn, const struct row_check *check, uint64_t *rows,
            struct err *e)
{
    struct pg_damage damage;
    int              rc;

    pg_damage_watch(&damage, conn);
    rc = count_one_way_or_another(s, conn, check, rows, e);
    if (pg_damage_check(&damage, e) != 0)
        rc = -1;
    pg_damage_end(&damage);
    return rc;
}

/* ---- tasks ---- */

/* Small tables are counted many at a time: a statement for each would be mostly waiting. */
enum { BATCH = 100 };
#define SMALL_BYTES ((uint64_t)256 * KIB)

struct count_task {
    struct row_check **v; /* in the array of all */
    size_t             n;
    uint64_t           bytes;
};

static bool
is_end(PGconn *conn, const struct err *fault)
{
    return fault->kind == ERR_INTERRUPTED || PQstatus(conn) != CONNECTION_OK;
}

static void
batch_sql(const struct count_task *t, struct buf *sql)
{
    struct err never = ERR_INIT;

    for (size_t i = 0; i < t->n; i++) {
        char *table = pg_qualified(t->v[i]->want->schema, t->v[i]->want->name);

        (void)buf_printf(sql, &never, "%sSELECT %zu, pg_catalog.count(*) FROM ONLY %s",
                         i > 0 ? " UNION ALL " : "", i, table);
        free(table);
    }
}

/* All of them, or none: one that cannot be counted fails the statement. */
static int
count_together(PGconn *conn, const struct count_task *t, struct err *e)
{
    struct pg_damage damage;
    struct buf       sql = BUF_INIT(BUF_NO_LIMIT);
    PGresult        *r;

    batch_sql(t, &sql);
    pg_damage_watch(&damage, conn);
    r = pg_query(conn, e, buf_str(&sql), 0, NULL);
    buf_free(&sql);
    if (pg_damage_check(&damage, e) != 0) {
        PQclear(r);
        r = NULL;
    }
    pg_damage_end(&damage);
    for (int i = 0; r != NULL && i < PQntuples(r); i++) {
        size_t at = strtoull(PQgetvalue(r, i, 0), NULL, 10);

        t->v[at]->read.rows.rows = strtoull(PQgetvalue(r, i, 1), NULL, 10);
    }
    PQclear(r);
    return r == NULL ? -1 : 0;
}

/* A table that cannot be counted is a finding; only a lost connection or an interruption ends
 * the run. */
static int
count_each(struct counting *s, PGconn *conn, const struct count_task *t, struct err *e)
{
    for (size_t i = 0; i < t->n; i++) {
        struct row_check *check = t->v[i];
        struct err        fault = ERR_INIT;

        if (count_table(s, conn, check, &check->read.rows.rows, &fault) == 0)
            continue;
        if (is_end(conn, &fault)) {
            *e = fault;
            return -1;
        }
        row_check_unread(s->c, check, &fault);
        if (begin_again(s, conn, e) != 0)
            return -1;
    }
    return 0;
}

static int
count_task(void *ctx, void *task, int worker, struct err *e)
{
    struct counting         *s = ctx;
    const struct count_task *t = task;
    struct err               fault = ERR_INIT;
    PGconn                  *conn = worker_conn(s, worker, e);
    bool                     done = false;

    if (conn == NULL || snapshot_begin(conn, s->c->snap, e) != 0)
        return -1;
    if (t->n > 1) {
        done = count_together(conn, t, &fault) == 0;
        if (!done && is_end(conn, &fault)) {
            *e = fault;
            return -1;
        }
        if (!done && begin_again(s, conn, e) != 0)
            return -1;
    }
    if (!done && count_each(s, conn, t, e) != 0)
        return -1;
    progress_add(t->bytes);
    return pg_exec(conn, e, "ROLLBACK");
}

/* May it be counted with others? */
static bool
is_small(const struct row_check *check)
{
    return check->want->condition == NULL && !check->have->foreign_code &&
        check->have->table_bytes < SMALL_BYTES;
}

/* The tasks, with room for each check of its own; *checks: that they point to. */
static struct count_task *
make_tasks(struct row_checks *checks, struct row_check ***pointers, size_t *n)
{
    struct count_task *tasks = xcalloc(checks->n + 1, sizeof *tasks), *batch = NULL;
    struct row_check **next = *pointers = xcalloc(2 * checks->n + 1, sizeof *next);
    struct row_check **small = next + checks->n;

    *n = 0;
    for (size_t i = 0; i < checks->n; i++) {
        struct row_check *check = &checks->v[i];

        if (check->how != ROWS_COUNTED)
            continue;
        if (!is_small(check)) {
            tasks[*n] = (struct count_task){.v = next, .n = 1, .bytes = check->have->table_bytes};
            (*n)++;
            *next++ = check;
            continue;
        }
        if (batch == NULL || batch->n == BATCH) {
            batch = &tasks[(*n)++];
            *batch = (struct count_task){.v = small};
        }
        batch->n++;
        batch->bytes += check->have->table_bytes;
        *small++ = check;
    }
    return tasks;
}

int
counts_read(struct compare *c, struct row_checks *checks, struct err *e)
{
    struct counting    s = {.c = c};
    struct row_check **pointers;
    size_t             n;
    struct count_task *tasks = make_tasks(checks, &pointers, &n);
    struct pool       *pool;
    uint64_t           bytes = 0;
    int                rc = 0;

    if (n > 0) {
        for (size_t i = 0; i < n; i++)
            bytes += tasks[i].bytes;
        s.workers = xcalloc((size_t)c->options->jobs, sizeof(PGconn *));
        pool = pool_new(c->options->jobs, count_task, &s);
        progress_start("counting rows", bytes, c->options->quiet);
        for (size_t i = 0; i < n; i++)
            pool_add(pool, &tasks[i], tasks[i].bytes);
        rc = pool_wait(pool, NULL, 0, e);
        progress_end();
        pool_free(pool);
        for (int i = 0; i < c->options->jobs; i++)
            pg_close(s.workers[i]);
        free(s.workers);
    }
    free(tasks);
    free(pointers);
    return rc;
}
