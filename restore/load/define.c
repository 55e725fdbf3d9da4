#include "restore/load/define.h"

#include <stdlib.h>

#include "core/cancel.h"
#include "core/groups.h"
#include "pg/archive/apart.h"
#include "restore/job/entries.h"
#include "restore/load/load.h"

/* PART_ENTRIES: of a task.  WORTH_IT: fewer are made before another session is. */
enum { PART_ENTRIES = 64, WORTH_IT = 4 * PART_ENTRIES };

/* Some groups, for one worker. */
struct part {
    struct entry_list entries, failed;
};

struct parts {
    struct restore   *r;
    struct entry_list before, after;
    struct part      *v;
    size_t            n;
};

static int
run_part(void *ctx, void *task, int number, struct err *e)
{
    struct restore *r = ((struct parts *)ctx)->r;
    struct part    *part = task;
    struct worker  *w = &r->workers[number];

    return cancel_check(e) != 0 || worker_ready(r, w, e) != 0
        ? -1
        : entries_try(r, w->conn, &part->entries, &part->failed, e);
}

/* True: it is worth it. */
static bool
cut(struct parts *p)
{
    const struct entry_list *pre = &p->r->pre;
    size_t                  *group = xcalloc(pre->n + 1, sizeof *group), *part_of;
    size_t n_groups = entries_apart(&p->r->archive, pre->v, pre->n, group), in_groups = 0;

    part_of = groups_share(group, pre->n, n_groups, PART_ENTRIES, &p->n);
    p->v = xcalloc(p->n + 1, sizeof *p->v);
    for (size_t i = 0; i < pre->n; i++) {
        if (group[i] == APART_BEFORE) {
            entry_list_add(&p->before, pre->v[i]);
        } else if (group[i] == APART_AFTER) {
            entry_list_add(&p->after, pre->v[i]);
        } else {
            entry_list_add(&p->v[part_of[group[i]]].entries, pre->v[i]);
            in_groups++;
        }
    }
    free(part_of);
    free(group);
    return p->n > 1 && in_groups >= WORTH_IT;
}

static int
by_order(const void *a, const void *b)
{
    const struct archive_entry *x = *(const struct archive_entry *const *)a;
    const struct archive_entry *y = *(const struct archive_entry *const *)b;

    return x < y ? -1 : x > y;
}

/* What failed goes to its place among the rest. */
static void
take_failed(struct parts *p)
{
    size_t before = p->after.n;

    for (size_t i = 0; i < p->n; i++) {
        for (size_t k = 0; k < p->v[i].failed.n; k++) {
            entry_list_add(&p->after, p->v[i].failed.v[k]);
        }
    }
    if (p->after.n > before) {
        qsort(p->after.v, p->after.n, sizeof *p->after.v, by_order);
    }
}

static void
parts_free(struct parts *p)
{
    for (size_t i = 0; i < p->n; i++) {
        entry_list_free(&p->v[i].entries);
        entry_list_free(&p->v[i].failed);
    }
    free(p->v);
    entry_list_free(&p->before);
    entry_list_free(&p->after);
}

int
define_run(struct restore *r, struct err *e)
{
    struct parts p = {.r = r};
    int          rc;

    if (r->o->jobs < 2 || !cut(&p)) {
        rc = entries_run(r, r->conn, &r->pre, e);
    } else {
        rc = entries_run(r, r->conn, &p.before, e) != 0
            ? -1
            : pool_each(r->o->jobs, run_part, &p, p.v, sizeof *p.v, p.n, e);
        if (rc == 0) {
            take_failed(&p);
            rc = entries_run(r, r->conn, &p.after, e);
        }
    }
    parts_free(&p);
    return rc;
}
