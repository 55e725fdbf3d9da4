/*
 * load_plan.c - which rows are loaded together.
 *
 *   EMPTY   No rows: the indexes are queued at once.
 *   SMALL   Below 1 MiB: one of many in a transaction (TASK_PACK).  Packs follow the places of rows
 *           in chunks, and end between chunks, so that each chunk is read and decoded once, but for
 *           one with more tables than a transaction shall lock.
 *   WHOLE   One task: TRUNCATE and COPY … FREEZE in one transaction, which writes rows that no
 *           later VACUUM has to freeze, and with wal_level=minimal writes no WAL.
 *   SPLIT   Several tasks, each of some ranges, by several workers.  Without TRUNCATE, whose lock
 *           the others would wait for, so without FREEZE.  It is only useful for a table that would
 *           keep one worker busy when the others have finished: above 32 MiB, and more than 1/(2 ×
 *           jobs) of all rows.  Rows that go in through an ancestor are always loaded so.
 *
 * Of a copy that is kept (kept.h) each range is loaded by a transaction of its own, by which its
 * rows are known.
 *
 * A configuration table of an extension is never split: CREATE EXTENSION's rows in it must be
 * deleted in the same transaction.
 */
#include <stdlib.h>

#include "restore/load/load.h"

/* RANGES_BYTES: few statements, but (TASKS_EACH) enough tasks to share; SMALL_BYTES: below,
 * a new file (TRUNCATE) costs more than it saves; SPLIT_BYTES: below, one worker with COPY
 * FREEZE is better than several without. */
#define RANGES_BYTES (64 * MIB)
#define SMALL_BYTES  MIB
#define SPLIT_BYTES  (32 * MIB)
enum { TASKS_EACH = 4 };
#define PACK_BYTES (4 * MIB)

static void
group_expects(struct load_group *g)
{
    g->left++;
}

static uint64_t
bytes_a_task(const struct restore *r, const struct manifest_table *t)
{
    uint64_t share = t->bytes / (uint64_t)(TASKS_EACH * r->o->jobs);

    if (r->kept != NULL) {
        return 0;
    }
    return share < RANGES_BYTES ? share : RANGES_BYTES;
}

void
load_plan_ranges(struct load_run *l, enum task_kind kind, struct table_job *job,
                 const struct manifest_table *t, uint64_t priority)
{
    const uint64_t enough = bytes_a_task(l->r, t);
    size_t         from = 0;

    while (from < t->n_ranges) {
        uint64_t bytes = 0;
        size_t   to = from;

        while (to < t->n_ranges && (to == from || bytes < enough)) {
            bytes += segments_bytes(t->ranges[to].segments, t->ranges[to].n);
            to++;
        }
        (void)load_add(l,
                       (struct load_task){.kind = kind, .job = job, .first = from, .n = to - from},
                       priority);
        from = to;
    }
}

static size_t
count_range_tasks(const struct restore *r, const struct manifest_table *t)
{
    const uint64_t enough = bytes_a_task(r, t);
    size_t         n = 0;
    uint64_t       bytes = enough;

    for (size_t k = 0; k < t->n_ranges; k++) {
        if (n == 0 || bytes >= enough) {
            bytes = 0;
            n++;
        }
        bytes += segments_bytes(t->ranges[k].segments, t->ranges[k].n);
    }
    return n;
}

static bool
has_rows(const struct manifest_table *t)
{
    return t->rows > 0 && t->n_ranges > 0 && t->skipped == NULL;
}

enum shape { EMPTY, SMALL, WHOLE, SPLIT };

static enum shape
shape_of(const struct restore *r, const struct manifest_table *t, uint64_t total)
{
    if (!has_rows(t)) {
        /* CREATE EXTENSION may have put rows into it that the source did not have. */
        return t->extension != NULL && t->skipped == NULL ? SMALL : EMPTY;
    }
    if (t->load_via != NULL) {
        return SPLIT;
    }
    if (t->bytes < SMALL_BYTES) {
        return SMALL;
    }
    if (r->kept != NULL && t->n_ranges > 1 && t->extension == NULL) {
        return SPLIT;
    }
    return r->o->jobs > 1 && t->n_ranges > 1 && t->bytes > SPLIT_BYTES &&
            t->bytes > total / (uint64_t)(2 * r->o->jobs) && t->extension == NULL
        ? SPLIT
        : WHOLE;
}

/* NULL: no rows. */
static const struct manifest_segment *
first_segment(const struct table_job *job)
{
    const struct manifest_table *t = job->table;

    return t->n_ranges > 0 && t->ranges[0].n > 0 ? &t->ranges[0].segments[0] : NULL;
}

/* In the order in which their rows lie in chunks, so that each chunk is decoded once; within a
 * chunk those of one loader together, so that few connections are made. */
static int
by_place(const void *a, const void *b)
{
    const struct manifest_segment  none = {0};
    const struct table_job        *j = *(struct table_job *const *)a;
    const struct table_job        *k = *(struct table_job *const *)b;
    const struct manifest_segment *s = first_segment(j), *t = first_segment(k);

    s = s == NULL ? &none : s;
    t = t == NULL ? &none : t;
    if (s->chunk != t->chunk) {
        return s->chunk < t->chunk ? -1 : 1;
    }
    if (j->loader != k->loader) {
        return (uintptr_t)j->loader < (uintptr_t)k->loader ? -1 : 1;
    }
    return s->offset < t->offset ? -1 : s->offset > t->offset;
}

static uint32_t
chunk_of(const struct table_job *job)
{
    const struct manifest_segment *s = first_segment(job);

    return s == NULL ? UINT32_MAX : s->chunk;
}

/* Whole chunks' worth of tables, until there is enough for a task. */
static void
plan_packs(struct load_run *l, struct table_job **small, size_t n)
{
    size_t from = 0;

    qsort(small, n, sizeof *small, by_place);
    while (from < n) {
        struct load_task t = {.kind = TASK_PACK};
        uint64_t         bytes = 0;
        size_t           to = from;

        while (
            to < n && to - from < LOAD_PACK_TABLES &&
            (to == from || chunk_of(small[to]) == chunk_of(small[to - 1]) || bytes < PACK_BYTES)) {
            bytes += small[to++]->table->bytes;
        }
        t.n_pack = to - from;
        t.pack = xcalloc(t.n_pack, sizeof *t.pack);
        for (size_t i = 0; i < t.n_pack; i++) {
            t.pack[i] = small[from + i];
        }
        (void)load_add(l, t, bytes);
        from = to;
    }
}

/* Counts first: a group must not look complete while its tasks are still being added. */
static void
count_tasks(struct load_run *l, enum shape *shapes, uint64_t total)
{
    struct restore *r = l->r;

    for (size_t i = 0; i < r->n_tables; i++) {
        struct table_job *job = &r->tables[i];
        size_t            n = 0;

        if (job->group->stage != l->stage || job->loaded) {
            shapes[i] = EMPTY; /* not now, or not again */
            continue;
        }
        shapes[i] = shape_of(r, job->table, total);
        n = shapes[i] == SPLIT ? count_range_tasks(r, job->table) : shapes[i] != EMPTY;
        while (n-- > 0) {
            group_expects(job->group);
        }
    }
}

void
load_plan(struct load_run *l)
{
    struct restore    *r = l->r;
    struct table_job **small = xcalloc(r->n_tables + 1, sizeof *small);
    enum shape        *shapes = xcalloc(r->n_tables + 1, sizeof *shapes);
    size_t             n_small = 0;
    uint64_t           total = l->stage == 0 ? r->manifest->lo_pages.bytes : 0;

    for (size_t i = 0; i < r->n_tables; i++) {
        total += r->tables[i].group->stage == l->stage ? r->tables[i].table->bytes : 0;
    }
    count_tasks(l, shapes, total);
    for (size_t i = 0; i < r->n_groups; i++) {
        if (r->groups[i].stage != l->stage) {
            continue;
        }
        for (size_t k = 0; r->groups[i].left == 0 && k < r->groups[i].n; k++) {
            load_table_done(l, r->groups[i].v[k]);
        }
    }
    if (r->manifest->lo_count > 0 && l->stage == 0) {
        (void)load_add(l, (struct load_task){.kind = TASK_LO_METADATA},
                       r->manifest->lo_pages.bytes + r->manifest->lo_metadata.bytes);
    }
    for (size_t i = 0; i < r->n_tables; i++) {
        struct table_job *job = &r->tables[i];

        if (shapes[i] == SPLIT) {
            load_plan_ranges(l, TASK_RANGES, job, job->table, job->table->bytes);
        } else if (shapes[i] == WHOLE) {
            (void)load_add(
                l, (struct load_task){.kind = TASK_WHOLE, .job = job, .n = job->table->n_ranges},
                job->table->bytes);
        } else if (shapes[i] == SMALL) {
            small[n_small++] = job;
        }
    }
    plan_packs(l, small, n_small);
    free(small);
    free(shapes);
}
