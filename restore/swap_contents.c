/*
 * swap_contents.c - --check full: before a restored database replaces a running one, every row is
 * read again, in the format that the manifest names, and the fingerprints are compared.
 *
 * Leaves that were loaded through an ancestor are summed together, as that decides which leaf a row
 * goes to.  Generated columns have a fingerprint of their own, which a backup that could not read
 * them does not have.  Of large objects the pages are compared; owners and privileges depend on
 * what the options let them be.
 */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/progress.h"
#include "pg/rows/largeobject.h"
#include "pg/rows/scan_sums.h"
#include "restore/load/load.h"
#include "restore/swap.h"

enum { LOCK_TIMEOUT_MS = 60000 };

/* A table as read again; sums first, as scan_sums_run() wants it. */
struct reading {
    struct scan_sums             sums;
    const struct manifest_table *want;
    const char                 **columns; /* copied columns, then generated ones; borrowed names */
    size_t                       n_columns, n_generated;
};

struct contents {
    struct restore         *r;
    struct pg_target        target;
    struct snapshot_options options;
    struct snapshot         snap;
    struct reading         *v; /* of r->tables; want NULL: not compared */
    struct scan_table      *tables;
    size_t                  n_tables;
};

bool
swap_compares(const struct manifest_table *t)
{
    return t->kind == 'r' && t->skipped == NULL && t->extension == NULL;
}

int
swap_differs(struct restore *r, const struct manifest_table *t, struct err *e)
{
    if (!r->o->replace || e->kind != ERR_CORRUPT) {
        return -1;
    }
    problem_add(&r->problems, "TABLE DATA", t->schema, t->name == NULL ? "pg_largeobject" : t->name,
                e);
    err_clear(e);
    return 0;
}

static bool
wanted(void *ctx, const struct cat_table *t)
{
    const struct restore        *r = ctx;
    const struct manifest_table *m = manifest_find(r->manifest, t->schema, t->name);

    return m != NULL && swap_compares(m);
}

static bool
is_stored_generated(const struct cat_table *t, const char *column)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (strcmp(t->columns[i].name, column) == 0) {
            return t->columns[i].generated;
        }
    }
    return false;
}

static void
name_columns(struct reading *x, const struct cat_table *have)
{
    const struct manifest_table *want = x->want;

    x->columns = xcalloc(want->n_columns + 1, sizeof *x->columns);
    for (size_t i = 0; i < want->n_columns; i++) {
        if (!want->columns[i].generated) {
            x->columns[x->n_columns++] = want->columns[i].name;
        }
    }
    for (size_t i = 0; i < want->n_columns; i++) {
        if (want->columns[i].generated && is_stored_generated(have, want->columns[i].name)) {
            x->columns[x->n_columns + x->n_generated++] = want->columns[i].name;
        }
    }
}

static int
add_table(struct contents *c, struct reading *x, const struct manifest_table *want, struct err *e)
{
    const struct cat_table *have = catalog_find(&c->snap.catalog, want->schema, want->name);

    if (have == NULL) {
        return err_set(e, ERR_CORRUPT, "table %s.%s is not in the copy", want->schema, want->name);
    }
    x->want = want;
    name_columns(x, have);
    c->tables[c->n_tables++] = (struct scan_table){
        .copy = {.schema = want->schema,
                 .name = want->name,
                 .columns = x->columns,
                 .n_columns = x->n_columns,
                 .binary = want->format == COPY_BINARY},
        .generated = x->columns + x->n_columns,
        .n_generated = x->n_generated,
        .heap_blocks = have->heap_blocks,
        .bytes = have->table_bytes,
        .rangeable = have->access_method != NULL && strcmp(have->access_method, "heap") == 0,
        .foreign_code = have->foreign_code,
        .user = x,
    };
    return 0;
}

/* With its pages in c->v behind the tables. */
static int
add_large_objects(struct contents *c, struct err *e)
{
    const struct manifest *m = c->r->manifest;
    struct reading        *x = &c->v[c->r->n_tables];

    if (m->lo_count == 0) {
        return 0;
    }
    x->want = &m->lo_pages;
    if (lo_pages_table(c->snap.conn, m->lo_by_function, &c->tables[c->n_tables], e) != 0) {
        return err_wrap(e, "large objects");
    }
    c->tables[c->n_tables++].user = x;
    return 0;
}

static void
add(struct fingerprint *sum, const struct row_sum *part)
{
    fingerprint_add(sum, &(struct fingerprint){part->a, part->b});
}

static bool
has_generated(const struct reading *x)
{
    const struct fingerprint *fp = &x->want->generated_fp;

    return x->n_generated > 0 && !x->sums.no_generated &&
        (x->want->rows == 0 || fp->a != 0 || fp->b != 0);
}

/* n of them, whose rows count together. */
static bool
equal(const struct reading *const *x, size_t n)
{
    struct fingerprint want = {0}, have = {0}, want_generated = {0}, have_generated = {0};
    uint64_t           want_rows = 0, have_rows = 0;

    for (size_t i = 0; i < n; i++) {
        want_rows += x[i]->want->rows;
        have_rows += x[i]->sums.rows.rows;
        fingerprint_add(&want, &x[i]->want->fp);
        add(&have, &x[i]->sums.rows);
        if (has_generated(x[i])) {
            fingerprint_add(&want_generated, &x[i]->want->generated_fp);
            add(&have_generated, &x[i]->sums.generated);
        }
    }
    return want_rows == have_rows && fingerprint_equal(&want, &have) &&
        fingerprint_equal(&want_generated, &have_generated);
}

/* -1, with the error and what was found before it in the log; or, with --replace, 0. */
static int
differs(struct contents *c, const struct manifest_table *t, char *what, struct err *e)
{
    static const char text[] = "has other contents in the copy than in the backup";

    if (e->kind != ERR_NONE) {
        log_error("%s", e->text);
    }
    err_set(e, ERR_CORRUPT, "%s %s", what, text);
    free(what);
    return swap_differs(c->r, t, e);
}

/* One that is not compared, among those loaded through its ancestor, leaves all of them out. */
static int
compare_group(struct contents *c, const struct load_group *g, struct err *e)
{
    const struct reading **x = xcalloc(g->n + 1, sizeof *x);
    bool                   complete = true;
    int                    rc = 0;

    for (size_t i = 0; i < g->n; i++) {
        x[i] = &c->v[g->v[i] - c->r->tables];
        complete = complete && x[i]->want != NULL;
    }
    if (g->via != NULL && complete && !equal(x, g->n)) {
        rc = differs(c, x[0]->want, xasprintf("tables loaded through %s", g->via), e);
    }
    for (size_t i = 0; g->via == NULL && i < g->n; i++) {
        const struct manifest_table *t = x[i]->want;

        if (t != NULL && !equal(&x[i], 1)) {
            rc = differs(c, t, xasprintf("table %s.%s", t->schema, t->name), e);
        }
    }
    free(x);
    return rc;
}

static int
compare(struct contents *c, struct err *e)
{
    struct restore       *r = c->r;
    const struct reading *lo = &c->v[r->n_tables];
    int                   rc = 0;

    for (size_t i = 0; i < r->n_groups; i++) {
        rc = compare_group(c, &r->groups[i], e) != 0 ? -1 : rc;
    }
    if (lo->want != NULL && !equal(&lo, 1)) {
        rc = differs(c, lo->want, xstrdup("pg_largeobject"), e);
    }
    return rc;
}

static int
read_all(struct contents *c, struct err *e)
{
    struct restore *r = c->r;
    uint64_t        bytes = 0;
    int             rc = 0;

    for (size_t i = 0; rc == 0 && i < r->n_tables; i++) {
        if (swap_compares(r->tables[i].table)) {
            rc = add_table(c, &c->v[i], r->tables[i].table, e);
        }
    }
    if (rc != 0 || add_large_objects(c, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < c->n_tables; i++) {
        bytes += c->tables[i].bytes;
    }
    progress_start("comparing contents", bytes, r->o->quiet);
    rc = scan_sums_run(&c->snap, &c->options, c->tables, c->n_tables, r->o->jobs,
                       r->manifest->fingerprint_key, e);
    progress_end();
    return rc;
}

static int
read_contents(struct contents *c, struct restore *r, struct err *e)
{
    *c = (struct contents){.r = r,
                           .target = r->server,
                           .v = xcalloc(r->n_tables + 1, sizeof *c->v),
                           .tables = xcalloc(r->n_tables + 1, sizeof *c->tables)};
    c->target.dbname = r->working_name;
    c->options = (struct snapshot_options){
        .target = &c->target, .lock_timeout_ms = LOCK_TIMEOUT_MS, .wants = wanted, .ctx = r};
    return snapshot_take(&c->options, &c->snap, e) == 0 ? read_all(c, e) : -1;
}

static void
free_contents(struct contents *c)
{
    snapshot_end(&c->snap);
    for (size_t i = 0; i <= c->r->n_tables; i++) {
        free(c->v[i].columns);
    }
    free(c->v);
    free(c->tables);
}

int
swap_look_at_contents(struct restore *r, swap_look_fn *fn, void *ctx, struct err *e)
{
    struct contents c;
    int             rc = read_contents(&c, r, e);

    for (size_t i = 0; rc == 0 && i < r->n_tables; i++) {
        const struct reading *x = &c.v[i];

        if (x->want != NULL) {
            fn(ctx, &r->tables[i], equal(&x, 1));
        }
    }
    free_contents(&c);
    return rc;
}

int
swap_check_contents(struct restore *r, struct err *e)
{
    struct contents c;
    int             rc = read_contents(&c, r, e) == 0 ? compare(&c, e) : -1;

    free_contents(&c);
    return rc == 0 ? 0 : err_wrap(e, r->o->swap ? "not swapped" : "comparing with the backup");
}
