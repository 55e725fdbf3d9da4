/*
 * Row counts alone, for a quick look at a running database: count(*) in parallel on one snapshot;
 * of a table for which that cannot be planned, or must not be, by reading a column of it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/pool.h"
#include "core/progress.h"
#include "pg/conn/damage.h"
#include "verify/compare/rows.h"

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
        if (e->kind != ERR_PG || PQstatus(conn) != CONNECTION_OK ||
            pg_exec(conn, e, "ROLLBACK") != 0 || snapshot_begin(conn, s->c->snap, e) != 0)
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

/* A table that cannot be counted is a finding; only a lost connection or an interruption ends
 * the run. */
static int
count_task(void *ctx, void *task, int worker, struct err *e)
{
    struct counting  *s = ctx;
    struct row_check *check = task;
    struct err        fault = ERR_INIT;
    PGconn           *conn = worker_conn(s, worker, e);

    if (conn == NULL || snapshot_begin(conn, s->c->snap, e) != 0)
        return -1;
    if (count_table(s, conn, check, &check->read.rows.rows, &fault) != 0) {
        if (fault.kind == ERR_INTERRUPTED || PQstatus(conn) != CONNECTION_OK) {
            *e = fault;
            return -1;
        }
        row_check_unread(s->c, check, &fault);
    }
    progress_add(check->have->table_bytes);
    return pg_exec(conn, e, "ROLLBACK");
}

int
compare_counts(struct compare *c, struct err *e)
{
    struct counting   s = {.c = c, .workers = xcalloc((size_t)c->options->jobs, sizeof *s.workers)};
    struct row_checks checks;
    struct pool      *pool = pool_new(c->options->jobs, count_task, &s);
    uint64_t          bytes = 0;
    int               rc;

    row_checks_make(c, &checks);
    for (size_t i = 0; i < checks.n; i++)
        bytes += checks.v[i].have->table_bytes;
    progress_start("counting rows", bytes, c->options->quiet);
    for (size_t i = 0; i < checks.n; i++)
        pool_add(pool, &checks.v[i], checks.v[i].have->table_bytes);
    rc = pool_wait(pool, NULL, 0, e);
    progress_end();
    pool_free(pool);
    if (rc == 0)
        rc = row_checks_report(c, &checks, e);
    for (int i = 0; i < c->options->jobs; i++)
        pg_close(s.workers[i]);
    free(s.workers);
    row_checks_free(&checks);
    return rc;
}
