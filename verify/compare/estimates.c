/*
 * estimates.c - how many rows the server believes a table to have: what its last VACUUM or ANALYZE
 * found a page to hold, times the pages that there are now, as the planner reckons.
 *
 * One query for all tables, whatever their size.  A table that neither has seen yet has no estimate
 * and is counted.
 */
#include <stdlib.h>
#include <string.h>

#include "verify/compare/rows.h"

static int
by_oid(const void *a, const void *b)
{
    const struct row_check *x = *(struct row_check *const *)a, *y = *(struct row_check *const *)b;

    return (x->have->oid > y->have->oid) - (x->have->oid < y->have->oid);
}

/* Those to be estimated, by OID. */
static struct row_check **
to_estimate(struct row_checks *checks, size_t *n)
{
    struct row_check **v = xcalloc(checks->n + 1, sizeof *v);

    *n = 0;
    for (size_t i = 0; i < checks->n; i++)
        if (checks->v[i].how == ROWS_ESTIMATED)
            v[(*n)++] = &checks->v[i];
    if (*n > 0)
        qsort(v, *n, sizeof *v, by_oid);
    return v;
}

static struct row_check *
find(struct row_check **v, size_t n, uint32_t oid)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (v[mid]->have->oid == oid)
            return v[mid];
        if (v[mid]->have->oid < oid)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static void
take(struct row_check *check, double rows, double pages)
{
    if (rows < 0 || pages <= 0) {
        check->how = ROWS_COUNTED;
        return;
    }
    check->read.rows.rows = (uint64_t)(rows / pages * (double)check->have->heap_blocks + 0.5);
}

int
estimates_read(struct compare *c, struct row_checks *checks, struct err *e)
{
    size_t             n;
    struct row_check **v = to_estimate(checks, &n);
    PGresult          *r = NULL;
    int                rc = 0;

    if (n > 0) {
        r = pg_query(c->snap->conn, e,
                     "SELECT oid, reltuples, relpages FROM pg_catalog.pg_class WHERE relkind = 'r'",
                     0, NULL);
        rc = r == NULL ? err_wrap(e, "estimate rows") : 0;
    }
    for (int i = 0; r != NULL && i < PQntuples(r); i++) {
        struct row_check *check = find(v, n, (uint32_t)strtoul(PQgetvalue(r, i, 0), NULL, 10));

        if (check != NULL)
            take(check, strtod(PQgetvalue(r, i, 1), NULL), strtod(PQgetvalue(r, i, 2), NULL));
    }
    PQclear(r);
    free(v);
    return rc;
}
