/*
 * swap_check.c - before a restored database replaces a running one: checks that every table is
 * there, with as many rows as the manifest says.
 *
 * COPY has reported how many rows each table took; this counts them in the tables, after everything
 * that could have changed them (triggers, refreshes).  Leaves that were loaded through an ancestor
 * are counted together, as that decides which leaf a row goes to.  Rows in an extension's own
 * tables are not counted: CREATE EXTENSION may have added some.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "core/cancel.h"
#include "core/pool.h"
#include "restore/load/load.h"
#include "restore/swap.h"

/* "public.orders": for the error. */
static char *
plain_name(const struct manifest_table *t)
{
    return xasprintf("%s.%s", t->schema, t->name);
}

/* One row, one column; -1: the table is not there, or cannot be read. */
static int
count(PGconn *conn, const char *what, uint64_t *rows, struct err *e)
{
    char *sql = xasprintf("SELECT pg_catalog.count(*) FROM %s", what);
    char *text = pg_value(conn, e, sql, 0, NULL);

    *rows = text == NULL ? 0 : strtoull(text, NULL, 10);
    free(sql);
    free(text);
    return text == NULL ? -1 : 0;
}

static int
compare(PGconn *conn, const char *what, const struct manifest_table *t, uint64_t want,
        struct err *e)
{
    uint64_t rows;
    char    *name = plain_name(t);
    int      rc = count(conn, what, &rows, e);

    if (rc != 0) {
        err_wrap(e, "table %s", name);
    } else if (rows != want) {
        rc = err_set(e, ERR_CORRUPT,
                     "table %s has %" PRIu64 " rows in the copy, and had %" PRIu64 " in the backup",
                     name, rows, want);
    }
    free(name);
    return rc;
}

static int
check_group(PGconn *conn, const struct load_group *g, struct err *e)
{
    uint64_t want = 0;
    bool     counted = true;
    int      rc = 0;

    for (size_t i = 0; rc == 0 && i < g->n; i++) {
        const struct table_job *job = g->v[i];
        char                   *what = xasprintf("ONLY %s", job->qualified);

        want += job->table->rows;
        counted = counted && swap_compares(job->table);
        if (g->via == NULL && swap_compares(job->table)) {
            rc = compare(conn, what, job->table, job->table->rows, e);
        } else if (job->table->kind != 'f') {
            rc = pg_execf(conn, e, "SELECT FROM %s LIMIT 0", what);
        }
        free(what);
    }
    return rc == 0 && g->via != NULL && counted ? compare(conn, g->via, g->v[0]->table, want, e)
                                                : rc;
}

static int
run(void *ctx, void *task, int number, struct err *e)
{
    struct restore          *r = ctx;
    struct worker           *w = &r->workers[number];
    const struct load_group *g = task;

    if (cancel_check(e) != 0 || worker_ready(r, w, e) != 0) {
        return -1;
    }
    return check_group(w->conn, g, e) == 0 ? 0 : swap_differs(r, g->v[0]->table, e);
}

static int
tick(void *ctx, struct err *e)
{
    (void)ctx;
    return cancel_check(e);
}

int
swap_check(struct restore *r, struct err *e)
{
    struct pool *pool = pool_new(r->o->jobs, run, r);
    int          rc;

    for (size_t i = 0; i < r->n_groups; i++) {
        pool_add(pool, &r->groups[i], r->groups[i].v[0]->table->relation_bytes);
    }
    rc = pool_wait(pool, tick, 200, e);
    pool_free(pool);
    return rc == 0 ? 0 : err_wrap(e, r->o->swap ? "not swapped" : "comparing with the backup");
}
