/* prune_clock.c - the run of a prune: its clock, its mark, and the other runs at work
 * (prune_impl.h). */
#include <unistd.h>

#include "core/cancel.h"
#include "core/human.h"
#include "core/log.h"
#include "storage/retention/prune_impl.h"

/* The store's time when the mark was put, and the seconds that have passed since by the monotonic
 * clock. */
time_t
prune_now(const struct prune *p)
{
    return p->out->now + (time_t)(clock_seconds() - p->began);
}

int
prune_tick(struct prune *p, struct err *e)
{
    return cancel_check(e) != 0 || (!p->req->dry_run && run_mark_renew(&p->mark, false, e) != 0)
        ? -1
        : 0;
}

/* Twice Δ: a writer may miss what was put for Δ, and the listing that must show this writer's mark
 * may itself be Δ old.  Where one Δ is enough, both are waited for too. */
int
prune_wait(struct prune *p, struct err *e)
{
    double until = clock_seconds() + 2.0 * p->repo->st->stale_seconds + 1;

    if (p->repo->st->stale_seconds == 0 || p->req->dry_run) {
        return 0;
    }
    log_info("waiting %u s: listings may be %u s old", 2 * p->repo->st->stale_seconds + 1,
             p->repo->st->stale_seconds);
    while (clock_seconds() < until) {
        if (prune_tick(p, e) != 0) {
            return -1;
        }
        (void)usleep(200000);
    }
    return 0;
}

bool
prune_live(const struct prune *p, const struct run_entry *r)
{
    return r->writer && !r->revoked && !strlist_find(&p->ended, r->run);
}
