#include "restore/load/define.h"

#include "core/cancel.h"
#include "pg/archive/apart_parts.h"
#include "restore/job/entries.h"
#include "restore/load/load.h"

static int
run_part(void *ctx, void *task, int number, struct err *e)
{
    struct restore    *r = ctx;
    struct apart_part *part = task;
    struct worker     *w = &r->workers[number];

    return cancel_check(e) != 0 || worker_ready(r, w, e) != 0
        ? -1
        : entries_try(r, w->conn, &part->entries, &part->early, e);
}

int
define_run(struct restore *r, struct err *e)
{
    struct apart_parts p = apart_parts_cut(&r->archive, &r->pre, r->o->jobs);
    int                rc = -1;

    if (entries_run(r, r->conn, &p.before, e) == 0 &&
        pool_each(r->o->jobs, run_part, r, p.v, sizeof *p.v, p.n, e) == 0) {
        apart_parts_take_back(&p);
        rc = entries_run(r, r->conn, &p.after, e);
    }
    apart_parts_free(&p);
    return rc;
}
