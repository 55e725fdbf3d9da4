/*
 * unread_versions.c - what need not be read by the versions of its rows (pg/snapshot/rowver.h).
 *
 * Only tables are looked at that are tasks of their own, of a megabyte or more: to look costs a
 * query each, and small ones are soon read.  What the server has counted of changes decides whether
 * it is worth it, and nothing else: a table of one range in which something has changed is read at
 * once; one of several, where changes may lie together, is looked at, unless that was in vain the
 * last time: then only each WAIT-th backup does, until little has changed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "backup/unread_impl.h"
#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/pool.h"

enum { WAIT = 7, IN_VAIN = 8 /* less than one range of so many is as it was */ };
#define WORTH_BYTES (1 * MIB)
#define BLOCK_BYTES 8192

/* Tasks of one table, one after another in the plan. */
struct run {
    const struct scan_table *table;
    size_t                   first, n; /* tasks */
};

/* A query on it can be planned (scan_plan.c). */
bool
unread_versions_want(const struct scan_table *t)
{
    return !t->copy.plain && t->bytes >= WORTH_BYTES;
}

/* It is a sequential scan. */
static bool
is_worth(const struct unread *u, const struct scan_task *task)
{
    const struct scan_item  *item = &task->items[0];
    const struct scan_table *t = item->table;

    return task->n == 1 && u->marks[t - u->o.tables] != 0 && unread_versions_want(t) &&
        (item->ranged || t->heap_blocks <= scan_range_width(t->heap_blocks, t->bytes));
}

/* The next run from task *at on. */
static bool
next_run(const struct unread *u, size_t *at, struct run *r)
{
    const struct scan_plan *plan = u->o.plan;

    while (*at < plan->n && !is_worth(u, &plan->v[*at])) {
        *at += 1;
    }
    if (*at == plan->n) {
        return false;
    }
    *r = (struct run){plan->v[*at].items[0].table, *at, 1};
    while (r->first + r->n < plan->n && plan->v[r->first + r->n].items[0].table == r->table) {
        r->n++;
    }
    *at = r->first + r->n;
    return true;
}

static uint32_t
oid_of(const struct run *r)
{
    return ((const struct manifest_table *)r->table->user)->oid;
}

/* ---- what the server has counted ---- */

static const struct counted *
find_count(const struct counts *c, uint32_t oid)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->v[i].oid == oid) {
            return &c->v[i];
        }
    }
    return NULL;
}

static int
count_changes(struct unread *u, struct err *why)
{
    struct buf  oids = BUF_INIT(BUF_NO_LIMIT);
    struct err  never = ERR_INIT; /* a buffer without a ceiling */
    struct run  r;
    PGresult   *res;
    const char *param;

    for (size_t at = 0; next_run(u, &at, &r);) {
        char text[16];

        (void)snprintf(text, sizeof text, "%c%" PRIu32, oids.len == 0 ? '{' : ',', oid_of(&r));
        (void)buf_puts(&oids, text, &never);
    }
    (void)buf_puts(&oids, oids.len == 0 ? "{}" : "}", &never);
    param = buf_str(&oids);
    res = pg_query(u->o.snapshot->conn, why,
                   "SELECT t.oid, pg_catalog.pg_stat_get_tuples_inserted(t.oid) + "
                   "pg_catalog.pg_stat_get_tuples_updated(t.oid) + "
                   "pg_catalog.pg_stat_get_tuples_deleted(t.oid) FROM "
                   "pg_catalog.unnest($1::pg_catalog.oid[]) WITH ORDINALITY t(oid, n) ORDER BY t.n",
                   1, &param);
    buf_free(&oids);
    for (int i = 0; i < PQntuples(res); i++) {
        VEC_GROW(u->now_counts.v, u->now_counts.n, u->now_counts.cap);
        u->now_counts.v[u->now_counts.n++] = (struct counted){
            .oid = (uint32_t)strtoul(PQgetvalue(res, i, 0), NULL, 10),
            .changes = strtoull(PQgetvalue(res, i, 1), NULL, 10)};
    }
    PQclear(res);
    return res == NULL ? -1 : 0;
}

/* now: .wait is set for the next backup. */
static bool
look_is_worth_it(const struct unread *u, const struct run *r, struct counted *now)
{
    const struct counted *was = find_count(&u->was_counts, now->oid);
    uint64_t              changes;

    if (was == NULL || now->changes < was->changes) {
        return true; /* the server has begun to count anew */
    }
    changes = now->changes - was->changes;
    now->wait = was->wait;
    if (u->o.plan->v[r->first].items[0].ranged) {
        if (changes <= r->n / 2 || was->wait == 0) {
            return true;
        }
        now->wait--;
        return false;
    }
    return changes == 0;
}

/* ---- what has changed ---- */

static void
drop_run(struct unread *u, const struct run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        buf_free(&u->notes[r->first + i]);
    }
}

/* A table to be looked at. */
struct look {
    struct run      run;
    struct counted *now;
    bool            probably; /* nothing has changed */
};

/* Tables are shared out among sessions, if there are several large ones; or the coordinator's does
 * it all: connecting takes as long as some megabytes do. */
struct looking {
    struct unread *u;
    PGconn       **workers; /* each in a transaction on the snapshot; NULL: the coordinator's */
};
#define SESSION_BYTES (32 * MIB)

static PGconn *
session(struct looking *l, int worker, struct err *why)
{
    struct unread *u = l->u;
    PGconn       **conn = l->workers == NULL ? &u->o.snapshot->conn : &l->workers[worker];

    if (*conn == NULL) {
        *conn = snapshot_worker(u->o.taken, u->o.snapshot, why);
        if (*conn != NULL && snapshot_begin(*conn, u->o.snapshot, why) != 0) {
            pg_close(*conn);
            *conn = NULL;
        }
    }
    return *conn;
}

/* How many ranges are as they were; -1: that could not be found out. */
static int64_t
count_same(struct looking *l, const struct look *look, int worker, bool *same)
{
    const struct run        *r = &look->run;
    struct unread           *u = l->u;
    const struct scan_item  *item = &u->o.plan->v[r->first].items[0];
    uint64_t                *rows = xcalloc(r->n, sizeof *rows);
    const struct rowver_want want = {.schema = r->table->copy.schema,
                                     .name = r->table->copy.name,
                                     .width = item->end_block - item->first_block,
                                     .n = r->n,
                                     .rows = rows,
                                     .probably = look->probably};
    struct err               why = ERR_INIT;
    PGconn                  *conn = session(l, worker, &why);
    int64_t                  n = -1;

    for (size_t i = 0; i < r->n; i++) {
        const struct buf *note = &u->notes[r->first + i];

        rows[i] = note->len > 0 ? engine_noted_rows(note) : UINT64_MAX;
    }
    if (conn != NULL && rowver_same(conn, &u->was_versions, &want, same, &why) == 0) {
        n = 0;
    } else if (why.kind != ERR_INTERRUPTED) {
        log_info("table %s.%s is read: %s", want.schema, want.name, why.text);
    }
    for (size_t i = 0; n >= 0 && i < r->n; i++) {
        n += same[i];
    }
    free(rows);
    return n;
}

static int
look_at(void *ctx, void *task, int worker, struct err *e)
{
    struct looking *l = ctx;
    struct look    *look = task;
    bool           *same = xcalloc(look->run.n, sizeof *same);
    int64_t         n = count_same(l, look, worker, same);

    (void)e;
    for (size_t i = 0; i < look->run.n; i++) {
        if (n < 0 || !same[i]) {
            buf_free(&l->u->notes[look->run.first + i]);
        }
    }
    look->now->wait = n >= 0 && (uint64_t)n * IN_VAIN < look->run.n ? WAIT : 0;
    free(same);
    return 0;
}

static int
compare_sizes(const void *a, const void *b)
{
    uint64_t x = ((const struct look *)a)->run.table->heap_blocks,
             y = ((const struct look *)b)->run.table->heap_blocks;

    return (x < y) - (x > y);
}

static void
look_at_all(struct unread *u, struct look *v, size_t n)
{
    struct looking l = {.u = u};
    struct err     never = ERR_INIT; /* look_at() does not fail */
    uint64_t       bytes = 0;
    int            sessions;

    qsort(v, n, sizeof *v, compare_sizes);
    for (size_t i = 1; i < n; i++) { /* beside the largest */
        bytes += v[i].run.table->heap_blocks * BLOCK_BYTES;
    }
    sessions = (int)MIN((uint64_t)u->o.jobs, 1 + bytes / SESSION_BYTES);
    if (sessions > 1) {
        l.workers = xcalloc((size_t)sessions, sizeof(PGconn *));
    }
    (void)pool_each(sessions, look_at, &l, v, sizeof *v, n, &never);
    for (int i = 0; l.workers != NULL && i < sessions; i++) {
        pg_close(l.workers[i]);
    }
    free(l.workers);
}

static bool
has_note(const struct unread *u, const struct run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        if (u->notes[r->first + i].len > 0) {
            return true;
        }
    }
    return false;
}

/* Those of tasks that are not looked at. */
static void
drop_others(struct unread *u)
{
    for (size_t i = 0; i < u->o.plan->n; i++) {
        if (!is_worth(u, &u->o.plan->v[i])) {
            buf_free(&u->notes[i]);
        }
    }
}

int
unread_versions_drop(struct unread *u, struct err *why)
{
    struct look *looks = xcalloc(u->now_counts.n + 1, sizeof *looks);
    struct run   r;
    size_t       number = 0, n = 0;
    int          rc;

    rc = rowver_since(u->o.snapshot->conn, &u->was_versions, &u->now_versions, why);
    if (rc == 0) {
        drop_others(u);
    }
    for (size_t at = 0; rc == 0 && next_run(u, &at, &r); number++) {
        struct counted *now = &u->now_counts.v[number];

        if (!look_is_worth_it(u, &r, now)) {
            drop_run(u, &r);
        } else if (has_note(u, &r)) {
            const struct counted *was = find_count(&u->was_counts, now->oid);

            looks[n++] = (struct look){r, now, was != NULL && was->changes == now->changes};
        }
    }
    if (n > 0) {
        look_at_all(u, looks, n);
    }
    free(looks);
    return rc;
}

/* ---- the points ---- */

void
unread_versions_load(struct unread *u)
{
    struct buf note;

    if (deltas_noted(u->o.deltas, "versions", &note) && note.len == sizeof u->was_versions) {
        memcpy(&u->was_versions, note.data, sizeof u->was_versions);
    }
    buf_free(&note);
    if (deltas_noted(u->o.deltas, "counts", &note)) {
        struct counts *c = &u->was_counts;

        c->n = c->cap = note.len / sizeof *c->v;
        c->v = xcalloc(c->n + 1, sizeof *c->v);
        memcpy(c->v, note.data, c->n * sizeof *c->v);
    }
    buf_free(&note);
}

int
unread_versions_begin(struct unread *u, struct err *why)
{
    size_t     at = 0;
    struct run r;

    if (u->o.snapshot->catalog.in_recovery || !next_run(u, &at, &r)) {
        return 0;
    }
    if (rowver_here(u->o.snapshot->conn, &u->now_versions, why) == 0 &&
        count_changes(u, why) == 0) {
        return 0;
    }
    u->now_versions = (struct rowver_point){0};
    return -1;
}

int
unread_versions_leave(struct unread *u, struct err *why)
{
    if (u->now_versions.xmin == 0 || rowver_leave(u->o.taken->target, &u->now_versions, why) == 0) {
        return 0;
    }
    u->now_versions = (struct rowver_point){0};
    return -1;
}

void
unread_versions_note(struct unread *u)
{
    const struct counts *c = &u->now_counts;

    if (u->now_versions.xmin > 0) {
        deltas_note(u->o.deltas, "versions", &u->now_versions, sizeof u->now_versions);
        deltas_note(u->o.deltas, "counts", c->v, c->n * sizeof *c->v);
    }
}
