/*
 * narrow.c - ranges are read and compared, and the rows that both have are taken off.
 *
 * Workers read ranges and compare; what is left waits in memory for the calling thread, which puts
 * it into the temporary tables about once a second: only it may use the transaction's connection,
 * which is also the scan's coordinator.
 */
#include "restore/part/narrow.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/progress.h"
#include "restore/load/load.h"
#include "restore/part/narrow_impl.h"

static int
begin_task(void *ctx, int worker, const struct scan_task *task, struct err *e)
{
    struct narrow *n = ctx;
    struct lane   *lane = &n->lanes[worker];

    (void)e;
    lane->piece = &n->pieces[task - n->plan.v];
    row_set_clear(&lane->rows[LIVE]);
    if (worker == n->r->o->jobs) {
        n->busy = true;
    }
    return 0;
}

static int
data(void *ctx, int worker, const void *row, size_t size, const struct row_print *print,
     struct err *e)
{
    struct narrow  *n = ctx;
    struct row_set *live = &n->lanes[worker].rows[LIVE];
    const uint8_t  *hash_key = n->by_key ? NULL : n->r->manifest->fingerprint_key;

    (void)print;
    return row_set_add(live, hash_key, row, size, e) == 0 ? 0 : narrow_give_up(n, e);
}

static int
cut(const struct narrow *n, struct lane *lane, struct err *e)
{
    const struct leaf *leaf = lane->piece->leaf;
    const uint8_t     *hash_key = n->r->manifest->fingerprint_key;
    struct row_set    *backup = &lane->rows[BACKUP], *live = &lane->rows[LIVE];
    struct row_fields  key = {leaf->places, leaf->columns[LIVE].n};

    return n->by_key ? row_set_cut_by(backup, key, live, hash_key, e)
                     : row_set_cut(backup, live, hash_key, leaf->scan.copy.binary, e);
}

/* Whole rows are to be compared: this may be in a range that has not changed. */
static int
read_less(struct narrow *n, struct err *e)
{
    log_info("table %s: %s", n->t->qualified, e->text);
    pthread_mutex_lock(&n->lock);
    n->unread = n->gave_up = true;
    pthread_mutex_unlock(&n->lock);
    return -1;
}

/* The range's rows from their chunks. */
static int
read_backup(struct narrow *n, struct lane *lane, const struct manifest_range *range, struct err *e)
{
    struct row_set *rows = &lane->rows[BACKUP];
    uint64_t        bytes = 0;

    row_set_clear(rows);
    for (size_t i = 0; range != NULL && i < range->n; i++) {
        bytes += range->segments[i].length;
    }
    if (bytes > RANGE_BYTES_MAX) {
        return narrow_give_up(n, e);
    }
    if (bytes > 0 && lane->chunks == NULL) {
        lane->chunks = readahead_new(n->r->repo, n->r->label->db, n->r->manifest);
    }
    if (bytes > 0) {
        load_expect(lane->chunks, range, 1);
    }
    for (size_t i = 0; bytes > 0 && i < range->n; i++) {
        const struct manifest_segment *s = &range->segments[i];
        const uint8_t                 *p = load_segment(lane->chunks, s, e);

        if (p == NULL || buf_append(&rows->bytes, p, s->length, e) != 0) {
            return -1;
        }
    }
    if (cut(n, lane, e) != 0) {
        return -1;
    }
    return range == NULL || rows->sum.rows == range->rows
        ? 0
        : err_set(e, ERR_CORRUPT, "a range of table %s.%s holds other rows than it should",
                  lane->piece->leaf->schema, lane->piece->leaf->name);
}

struct keeping {
    struct narrow     *n;
    const struct leaf *leaf;
    bool               any; /* row is left */
};

static int
keep_backup(void *ctx, const void *row, size_t size, struct err *e)
{
    struct keeping *k = ctx;

    k->any = true;
    return narrow_keep(k->n, k->leaf, BACKUP, row, size, e);
}

static int
keep_live(void *ctx, const void *row, size_t size, struct err *e)
{
    struct keeping *k = ctx;

    k->any = true;
    return narrow_keep(k->n, k->leaf, LIVE, row, size, e);
}

static bool
unchanged(const struct manifest_range *range, const struct row_sum *sum)
{
    return range != NULL && range->rows == sum->rows && range->fp.a == sum->a &&
        range->fp.b == sum->b;
}

static int
compare_piece(struct narrow *n, struct lane *lane, struct err *e)
{
    const struct manifest_range *range = lane->piece->range;
    struct keeping               keeping = {.n = n, .leaf = lane->piece->leaf};

    if (!n->by_key && unchanged(range, &lane->rows[LIVE].sum)) {
        return 0;
    }
    if (read_backup(n, lane, range, e) != 0) {
        return n->by_key && e->kind != ERR_INTERRUPTED ? read_less(n, e) : -1;
    }
    if (row_set_difference(&lane->rows[BACKUP], &lane->rows[LIVE], keep_backup, keep_live, &keeping,
                           e) != 0) {
        return -1;
    }
    pthread_mutex_lock(&n->lock);
    n->differing += keeping.any;
    pthread_mutex_unlock(&n->lock);
    return 0;
}

static int
end_task(void *ctx, int worker, const struct scan_task *task, struct err *e)
{
    struct narrow *n = ctx;
    int            rc = compare_piece(n, &n->lanes[worker], e);

    if (worker == n->r->o->jobs) {
        n->busy = false;
    }
    progress_add(task->bytes);
    return rc;
}

static int
tick(void *ctx, struct err *e)
{
    struct narrow *n = ctx;

    return n->busy ? 0 : narrow_write(n, e);
}

static const struct scan_sink sink = {
    .begin_task = begin_task, .data = data, .end_task = end_task, .tick = tick};

/* ---- all of it ----------------------------------------------------------------------------- */

static bool
is_live(const struct narrow *n, const struct manifest_table *leaf)
{
    for (size_t i = 0; i < n->n_leaves; i++) {
        if (n->leaves[i].table == leaf) {
            return true;
        }
    }
    return false;
}

/* Leaves that the live table no longer has: all their rows are left. */
static int
stage_missing(struct narrow *n, struct err *e)
{
    const struct manifest_table **missing = xcalloc(n->t->n_leaves + 1, sizeof *missing);
    size_t                        count = 0;
    int                           rc = 0;

    for (size_t i = 0; i < n->t->n_leaves; i++) {
        if (!is_live(n, n->t->leaves[i])) {
            missing[count++] = n->t->leaves[i];
        }
    }
    if (count > 0) {
        rc = live_copy_leaves(n->r, n->conn, missing, count,
                              (struct live_name){"pg_temp", n->stage[BACKUP]}, e);
    }
    free(missing);
    return rc;
}

static int
scan(struct narrow *n, char *snapshot_id, struct err *e)
{
    struct pg_target        target = n->r->server;
    struct snapshot_options where = {.target = &target};
    struct snapshot         snapshot = {.conn = n->conn, .id = snapshot_id};
    struct scan_options     options = {.jobs = n->r->o->jobs, .sink = &sink, .ctx = n};
    int                     rc;

    target.dbname = n->r->name;
    rc = scan_run(&snapshot, &where, &n->plan, &options, e);
    return rc == 0 ? narrow_write(n, e) : -1;
}

static int
fill(struct narrow *n, char *snapshot_id, struct err *e)
{
    n->lanes = xcalloc((size_t)n->r->o->jobs + 1, sizeof *n->lanes);
    for (int i = 0; i <= n->r->o->jobs; i++) {
        n->lanes[i].rows[BACKUP] = (struct row_set)ROW_SET_INIT(RANGE_BYTES_MAX);
        n->lanes[i].rows[LIVE] = (struct row_set)ROW_SET_INIT(RANGE_BYTES_MAX);
    }
    return live_stage_make(n->conn, n->t, n->stage[BACKUP], false, e) == 0 &&
            live_stage_make(n->conn, n->t, n->stage[LIVE], n->by_key, e) == 0 &&
            stage_missing(n, e) == 0 && scan(n, snapshot_id, e) == 0
        ? pg_execf(n->conn, e, "ANALYZE pg_temp.%s, pg_temp.%s", n->stage[BACKUP], n->stage[LIVE])
        : -1;
}

static void
narrow_free(struct narrow *n)
{
    for (int i = 0; n->lanes != NULL && i <= n->r->o->jobs; i++) {
        readahead_free(n->lanes[i].chunks);
        row_set_free(&n->lanes[i].rows[BACKUP]);
        row_set_free(&n->lanes[i].rows[LIVE]);
    }
    free(n->lanes);
    narrow_left_free(n);
    scan_plan_free(&n->plan);
    free(n->pieces);
    for (size_t i = 0; i < n->n_leaves; i++) {
        free(n->leaves[i].columns[BACKUP].v);
        free(n->leaves[i].columns[LIVE].v);
        free(n->leaves[i].places);
        free(n->leaves[i].schema);
        free(n->leaves[i].name);
    }
    free(n->leaves);
    pthread_mutex_destroy(&n->lock);
}

static int
release(struct narrow *n, struct err *e)
{
    log_info("table %s: %zu of %zu ranges differ%s", n->t->qualified, n->differing, n->plan.n,
             n->by_key ? " in their keys" : "");
    return pg_exec(n->conn, e, "RELEASE SAVEPOINT narrow");
}

static int
give_back(struct narrow *n, struct err *e)
{
    log_info("table %s: %s", n->t->qualified,
             n->unread ? "comparing whole rows, and reading only what differs"
                       : "much of it differs, comparing all of its rows");
    err_clear(e);
    return pg_exec(n->conn, e, "ROLLBACK TO SAVEPOINT narrow; RELEASE SAVEPOINT narrow");
}

/* In a savepoint: what was given up leaves nothing.  A snapshot cannot be exported inside of it. */
static int
attempt(struct narrow *n, enum narrow_outcome *outcome, struct err *e)
{
    char *id = pg_value(n->conn, e, "SELECT pg_catalog.pg_export_snapshot()", 0, NULL);
    int   rc = id == NULL ? -1 : pg_exec(n->conn, e, "SAVEPOINT narrow");

    if (rc == 0 && fill(n, id, e) == 0) {
        *outcome = NARROW_DONE;
        rc = release(n, e);
    } else if (rc == 0) {
        *outcome = n->unread ? NARROW_UNREAD : NARROW_NOT;
        rc = n->gave_up ? give_back(n, e) : -1;
    }
    free(id);
    return rc;
}

int
narrow_run(struct restore *r, PGconn *conn, const struct live_table *t, struct narrow_wanted wanted,
           enum narrow_outcome *outcome, struct err *e)
{
    struct narrow n = {.r = r,
                       .conn = conn,
                       .t = t,
                       .stage = {[BACKUP] = wanted.backup, [LIVE] = wanted.live},
                       .by_key = wanted.by_key};
    bool          possible;
    int           rc;

    *outcome = NARROW_NOT;
    pthread_mutex_init(&n.lock, NULL);
    rc = narrow_plan(&n, &possible, e);
    if (rc == 0 && possible) {
        rc = attempt(&n, outcome, e);
    }
    narrow_free(&n);
    return rc == 0 ? 0 : err_wrap(e, "comparing table %s", t->qualified);
}
