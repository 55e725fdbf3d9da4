#include "backup/unread_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "pg/snapshot/likeness.h"

/* ---- what a table is ---- */

struct by_oid {
    uint32_t oid;
    size_t   table;
};

static int
compare_oids(const void *a, const void *b)
{
    uint32_t x = ((const struct by_oid *)a)->oid, y = ((const struct by_oid *)b)->oid;

    return (x > y) - (x < y);
}

/* Files of the tables, for walsum_changed(). */
struct files {
    struct unread      *u;
    struct by_oid      *index;
    size_t              n_index;
    struct walsum_want *want; /* one a table */
};

static bool
is_plain(const struct scan_table *t)
{
    return t->sql == NULL && t->rangeable && t->copy.condition == NULL && t->copy.binary;
}

static void
describe(void *ctx, const struct likeness_table *t)
{
    struct files        *f = ctx;
    struct unread       *u = f->u;
    const struct by_oid *found = bsearch(&(struct by_oid){.oid = t->oid}, f->index, f->n_index,
                                         sizeof *f->index, compare_oids);
    char                *copy, *text;

    if (found == NULL) {
        return;
    }
    copy = copy_out_sql(&u->o.tables[found->table].copy);
    text = xasprintf("%s %s", t->facts, copy);
    u->marks[found->table] = marks_digest(deltas_key(u->o.deltas), text, strlen(text)) | 1;
    f->want[found->table] = (struct walsum_want){.space = t->space, .node = t->node};
    free(text);
    free(copy);
}

/* Small tables, of which there may be many, only where summaries tell of them. */
static int
describe_all(struct files *f, bool summaries, struct err *why)
{
    struct unread *u = f->u;
    struct buf     oids = BUF_INIT(BUF_NO_LIMIT);
    struct err     never = ERR_INIT; /* a buffer without a ceiling */
    int            rc = 0;

    for (size_t i = 0; i < u->o.n; i++) {
        const struct manifest_table *m = u->o.tables[i].user;
        char                         text[16];

        if (is_plain(&u->o.tables[i]) && (summaries || unread_versions_want(&u->o.tables[i]))) {
            f->index[f->n_index++] = (struct by_oid){m->oid, i};
            (void)snprintf(text, sizeof text, "%c%" PRIu32, oids.len == 0 ? '{' : ',', m->oid);
            (void)buf_puts(&oids, text, &never);
        }
    }
    (void)buf_puts(&oids, "}", &never);
    qsort(f->index, f->n_index, sizeof *f->index, compare_oids);
    if (f->n_index > 0) {
        rc = likeness_tables(u->o.snapshot->conn, summaries ? NULL : buf_str(&oids), describe, f,
                             why);
    }
    buf_free(&oids);
    return rc;
}

/* The marks of a task's items; false: one of them is always read. */
static bool
marks_of(const struct unread *u, const struct scan_task *task, uint64_t **marks)
{
    bool good = true;

    *marks = xcalloc(task->n + 1, sizeof **marks);
    for (size_t i = 0; good && i < task->n; i++) {
        const struct scan_table *t = task->items[i].table;

        (*marks)[i] = u->marks[t - u->o.tables];
        good = (*marks)[i] != 0 && is_plain(t);
    }
    return good;
}

static char *
name_of(const struct scan_task *task)
{
    const struct scan_item *first = &task->items[0];

    return xasprintf("task %zu %s %s %ju", strlen(first->table->copy.schema),
                     first->table->copy.schema, first->table->copy.name,
                     (uintmax_t)(first->ranged ? first->first_block : 0));
}

/* ---- tasks that are as they were ---- */

/* Those that have a note of the last backup which is of the same tables. */
static void
load_notes(struct unread *u)
{
    for (size_t i = 0; i < u->o.plan->n; i++) {
        const struct scan_task *task = &u->o.plan->v[i];
        char                   *name = name_of(task);
        uint64_t               *marks;

        if (marks_of(u, task, &marks) && deltas_noted(u->o.deltas, name, &u->notes[i]) &&
            !engine_noted(task, marks, &u->notes[i])) {
            buf_free(&u->notes[i]);
        }
        free(marks);
        free(name);
    }
}

/* Which groups of a table's blocks have changed; in order. */
struct change {
    size_t  table;
    int64_t group;
};
struct changes {
    struct change *v;
    size_t         n, cap;
};

static void
add_change(void *ctx, size_t table, int64_t group)
{
    struct changes *c = ctx;

    VEC_GROW(c->v, c->n, c->cap);
    c->v[c->n++] = (struct change){table, group};
}

/* The first change of a table from this group on; n: there is none. */
static size_t
find_change(const struct changes *c, size_t table, int64_t group)
{
    size_t lo = 0, hi = c->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (c->v[mid].table < table || (c->v[mid].table == table && c->v[mid].group < group)) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < c->n && c->v[lo].table == table ? lo : c->n;
}

static bool
has_changed(const struct changes *c, const struct files *f, const struct scan_item *item)
{
    const size_t   table = (size_t)(item->table - f->u->o.tables);
    const uint64_t width = f->want[table].width;
    size_t         at = find_change(c, table, WALSUM_ALL);
    int64_t        first;

    if (at < c->n && (c->v[at].group == WALSUM_ALL || !item->ranged || width == 0)) {
        return true;
    }
    first = item->ranged && width > 0 ? (int64_t)(item->first_block / width) : 0;
    at = find_change(c, table, first);
    return at < c->n && (item->end_block == 0 || c->v[at].group == first);
}

/* As wide as the ranges of the plan, if the table has several. */
static void
set_widths(struct files *f)
{
    const struct scan_plan *plan = f->u->o.plan;

    for (size_t i = 0; i < plan->n; i++) {
        const struct scan_item *item = &plan->v[i].items[0];

        if (item->ranged && item->end_block > 0) {
            f->want[item->table - f->u->o.tables].width = item->end_block - item->first_block;
        }
    }
}

/* The notes of tasks that have changed go. */
static int
drop_changed(struct files *f, struct err *why)
{
    struct unread *u = f->u;
    struct changes c = {0};
    int            rc;

    set_widths(f);
    rc = walsum_changed(u->o.snapshot->conn, &u->was.point, &u->now.point, f->want, u->o.n,
                        add_change, &c, why);
    for (size_t i = 0; rc == 0 && i < u->o.plan->n; i++) {
        const struct scan_task *task = &u->o.plan->v[i];

        for (size_t k = 0; u->notes[i].len > 0 && k < task->n; k++) {
            if (has_changed(&c, f, &task->items[k])) {
                buf_free(&u->notes[i]);
            }
        }
    }
    free(c.v);
    return rc;
}

static void
drop_all(struct unread *u)
{
    for (size_t i = 0; i < u->o.plan->n; i++) {
        buf_free(&u->notes[i]);
    }
}

static void
take_over(struct unread *u)
{
    for (size_t i = 0; i < u->o.plan->n; i++) {
        struct scan_task *task = &u->o.plan->v[i];
        uint64_t          bytes;

        if (u->notes[i].len > 0 && engine_reuse(u->o.engine, task, &u->notes[i], &bytes)) {
            task->known = true;
            u->sums.bytes += bytes;
            u->sums.ranges += task->n;
        }
    }
}

/* ---- before the scan ---- */

static bool
load_standing(struct unread *u)
{
    struct buf note;
    bool       good = deltas_noted(u->o.deltas, "standing", &note) && note.len == sizeof u->was;

    if (good) {
        memcpy(&u->was, note.data, sizeof u->was);
    }
    buf_free(&note);
    return good;
}

/* The first error is the one that is told of; not, if the server has no such thing. */
static void
note_reason(struct err *why, const struct err *e)
{
    if (why->kind == ERR_NONE && e->kind != ERR_NOT_FOUND) {
        *why = *e;
    }
}

/* WAL summaries first, which know without looking at a table. */
static bool
has_summaries(struct unread *u, struct err *why)
{
    const bool was = u->was.point.mark > 0;
    struct err e = ERR_INIT;

    if (walsum_here(u->o.snapshot->conn, was ? &u->was.point : NULL, &u->now.point, &e) == 0) {
        return true;
    }
    u->now.point = (struct walsum_point){0};
    note_reason(why, &e);
    return false;
}

static int
by_summaries(struct files *f, struct err *why)
{
    struct err e = ERR_INIT;

    if (f->u->was.point.mark == 0) {
        return -1;
    }
    if (drop_changed(f, &e) != 0) {
        note_reason(why, &e);
        return -1;
    }
    return 0;
}

static int
by_versions(struct unread *u, struct err *why)
{
    struct err e = ERR_INIT;

    if (u->was_versions.xmin == 0 || u->now_versions.xmin == 0) {
        return -1;
    }
    if (unread_versions_drop(u, &e) != 0) {
        note_reason(why, &e);
        return -1;
    }
    return 0;
}

/* Which notes may be used.  why: of reading more than that. */
static void
find(struct unread *u, struct err *why)
{
    struct files f = {.u = u,
                      .index = xcalloc(u->o.n + 1, sizeof *f.index),
                      .want = xcalloc(u->o.n + 1, sizeof *f.want)};
    const bool   summaries = has_summaries(u, why);
    struct err   e = ERR_INIT;

    if (describe_all(&f, summaries, why) != 0) {
        u->now.point = (struct walsum_point){0};
        goto out;
    }
    load_notes(u);
    if (summaries && by_summaries(&f, why) == 0) {
        u->sums.by = UNREAD_BY_SUMMARIES;
    }
    if (u->now.point.since == 0 && unread_versions_begin(u, &e) != 0) {
        note_reason(why, &e);
    }
    if (u->sums.by == UNREAD_BY_NOTHING && by_versions(u, why) == 0) {
        u->sums.by = UNREAD_BY_VERSIONS;
    }
    if (u->sums.by == UNREAD_BY_NOTHING) {
        drop_all(u);
    }
    err_clear(&e);
    if (unread_versions_leave(u, &e) != 0) {
        log_info("the next backup will read all rows: %s", e.text);
    }
out:
    free(f.index);
    free(f.want);
}

struct unread *
unread_find(const struct unread_options *o)
{
    struct unread *u = xcalloc(1, sizeof *u);
    struct err     why = ERR_INIT;

    u->o = *o;
    u->marks = xcalloc(o->n + 1, sizeof *u->marks);
    u->notes = xcalloc(o->plan->n + 1, sizeof *u->notes);
    if (!load_standing(u)) {
        u->was = (struct standing){.point.since = 0};
    }
    u->now.distrusted = u->was.distrusted;
    if (o->every <= 1 || !deltas_keeps(o->deltas)) {
        return u;
    }
    unread_versions_load(u);
    u->compares = o->read_all || u->was.distrusted || u->was.since_all + 1 >= (uint32_t)o->every;
    find(u, &why);
    if (u->sums.by == UNREAD_BY_NOTHING && why.kind != ERR_NONE) {
        log_hinted(LOG_INFO, why.hint, "all rows are read: %s", why.text);
    }
    if (u->was.distrusted) {
        log_info("all rows are read: %s did not show a change",
                 unread_source((enum unread_source)u->was.distrusted));
    }
    if (!u->compares) {
        take_over(u);
    }
    return u;
}

/* ---- after it ---- */

static void
compare(struct unread *u)
{
    for (size_t i = 0; i < u->o.plan->n; i++) {
        const struct scan_item *item;
        char                   *name;

        if (u->notes[i].len == 0 ||
            (item = engine_differs(u->o.engine, &u->o.plan->v[i], &u->notes[i])) == NULL) {
            continue;
        }
        name = xasprintf("%s.%s", item->table->copy.schema, item->table->copy.name);
        if (!strlist_has(&u->sums.differs, name)) {
            strlist_add(&u->sums.differs, name);
        }
        free(name);
        u->now.distrusted = u->sums.by;
    }
}

/* Tables whose tasks are all known. */
static void
count_tables(struct unread *u)
{
    bool *read = xcalloc(u->o.n + 1, sizeof *read);

    for (size_t i = 0; i < u->o.plan->n; i++) {
        const struct scan_task *task = &u->o.plan->v[i];

        for (size_t k = 0; k < task->n; k++) {
            read[task->items[k].table - u->o.tables] |= !task->known;
        }
    }
    for (size_t i = 0; i < u->o.n; i++) {
        u->sums.tables += !read[i];
    }
    free(read);
}

static void
note_tasks(struct unread *u)
{
    const bool of_use = u->now.point.since > 0 || u->now_versions.xmin > 0;

    for (size_t i = 0; of_use && i < u->o.plan->n; i++) {
        const struct scan_task *task = &u->o.plan->v[i];
        uint64_t               *marks;

        if (marks_of(u, task, &marks)) {
            char      *name = name_of(task);
            struct buf note;

            engine_note(u->o.engine, task, marks, &note);
            deltas_note(u->o.deltas, name, note.data, note.len);
            buf_free(&note);
            free(name);
        }
        free(marks);
    }
}

void
unread_keep(struct unread *u, struct unread_sums *sums)
{
    if (u->compares) {
        compare(u);
    }
    count_tables(u);
    u->now.since_all = u->sums.ranges > 0 ? u->was.since_all + 1 : 0;
    note_tasks(u);
    unread_versions_note(u);
    deltas_note(u->o.deltas, "standing", &u->now, sizeof u->now);
    *sums = u->sums;
    u->sums = (struct unread_sums){0};
}

const char *
unread_source(enum unread_source by)
{
    return by == UNREAD_BY_VERSIONS ? "row versions" : "the server's WAL summaries";
}

void
unread_sums_free(struct unread_sums *s)
{
    strlist_free(&s->differs);
    *s = (struct unread_sums){0};
}

void
unread_free(struct unread *u)
{
    if (u == NULL) {
        return;
    }
    for (size_t i = 0; i < u->o.plan->n; i++) {
        buf_free(&u->notes[i]);
    }
    unread_sums_free(&u->sums);
    free(u->notes);
    free(u->marks);
    free(u->was_counts.v);
    free(u->now_counts.v);
    free(u);
}
