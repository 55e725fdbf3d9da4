/*
 * Contents: every row of every table read again in the format that the manifest names, and summed.
 */
#include <stdlib.h>
#include <string.h>

#include "core/progress.h"
#include "verify/compare/rows.h"
#include "verify/compare/rows_tell.h"

static int
sum(struct compare *c, struct scan_table *tables, size_t n, struct err *e)
{
    return scan_sums_run(c->snap, c->snap_opts, tables, n, c->options->jobs,
                         c->man->fingerprint_key, e);
}

/* The first failing table ended the scan: each that is not complete is read alone, and those
 * that fail are named. */
static int
run_one_by_one(struct compare *c, struct scan_table *tables, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct row_check *check = tables[i].user;
        struct err        fault = ERR_INIT;

        if (check->read.planned > 0 && check->read.done == check->read.planned)
            continue;
        if (sum(c, &tables[i], 1, &fault) == 0)
            continue;
        if (fault.kind == ERR_INTERRUPTED || snapshot_ping(c->snap, e) != 0) {
            *e = fault;
            return -1;
        }
        row_check_unread(c, check, &fault);
    }
    return 0;
}

int
scan_checks(struct compare *c, struct scan_table *tables, size_t n, struct err *e)
{
    struct err fault = ERR_INIT;

    if (n == 0 || sum(c, tables, n, &fault) == 0)
        return 0;
    if (fault.kind == ERR_INTERRUPTED || snapshot_ping(c->snap, e) != 0) {
        *e = fault;
        return -1;
    }
    return run_one_by_one(c, tables, n, e);
}

static struct scan_table
scan_of(struct row_check *check)
{
    const struct manifest_table *want = check->want;
    const struct cat_table      *have = check->have;

    return (struct scan_table){
        .copy = {.schema = want->schema,
                 .name = want->name,
                 .columns = check->columns,
                 .n_columns = check->n_columns,
                 .binary = want->format == COPY_BINARY,
                 .condition = want->condition},
        .generated = check->columns + check->n_columns,
        .n_generated = check->n_generated,
        .heap_blocks = have->heap_blocks,
        .bytes = have->table_bytes,
        .rangeable = have->access_method != NULL && strcmp(have->access_method, "heap") == 0 &&
            want->condition == NULL,
        .foreign_code = have->foreign_code,
        .user = check,
    };
}

int
contents_read(struct compare *c, struct row_checks *checks, struct err *e)
{
    struct scan_table *tables = xcalloc(checks->n + 1, sizeof *tables);
    uint64_t           bytes = 0;
    size_t             n = 0;
    int                rc;

    for (size_t i = 0; i < checks->n; i++) {
        if (checks->v[i].how != ROWS_SUMMED)
            continue;
        tables[n] = scan_of(&checks->v[i]);
        bytes += tables[n++].bytes;
    }
    if (n > 0)
        progress_start("comparing contents", bytes, c->options->quiet);
    rc = scan_checks(c, tables, n, e);
    if (n > 0)
        progress_end();
    free(tables);
    return rc;
}
