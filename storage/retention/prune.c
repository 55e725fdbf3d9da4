/*
 * prune.c - the order of a prune's steps, P0 to P8 of docs/prune-protocol.md.
 *
 * The problem.  A writer decides what it reuses when it begins, and nothing in the store shows this
 * until its label is stored, hours later.  There are no locks, a listing may be old (by up to Δ),
 * and any process may be delayed for days, or die, at any call.  So what looks like garbage may be
 * in use, and a run must not remove it on its own observation alone.
 *
 * The solution, in two phases:
 *
 *   naming     Garbage is named in a trash list (P2, P3).  A writer reads all trash lists before it
 *              decides, and reuses nothing that they name.  So once all can read a list, only
 *              runs that were already at work can still need what it names: these are recorded
 *              beside it, as R(t) (P4).
 *   removing   When each run of R(t) has its label, has given up or is revoked (P5), only existing
 *              labels can need these objects.  They are read once more (P6), and what none of them
 *              needs is removed (P7).  The list is removed after its objects, and stays as long as
 *              one of them does, so that no run reuses an object which a delayed prune may still
 *              remove.
 *
 * Every prune does both: it names the current garbage, and removes what earlier lists name.  It
 * removes its own list only when no run is writing and no grace time is set.  Backups expire before
 * garbage is searched (P1), so that what only they needed is named in the same run.
 *
 * Everything that could make a needed object look like garbage is read before the first removal,
 * and any doubt ends the run there (P0).
 */
#include "storage/retention/prune.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/enc.h"
#include "core/human.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/settings.h"
#include "storage/retention/prune_impl.h"

/* ---- P0 ---- */

/*
 * The mark is put first, for two reasons.  Other prunes see it.  And it is a clock: the modified
 * time of an object just put is the store's current time.  All ages (of marks, lists, tombstones)
 * are differences between times of the store; this host's clock counts the seconds since
 * (prune_now()).  If the two clocks differ by minutes one of them is wrong, and it is not known
 * which: then nothing is removed.  A dry run puts nothing, and uses this host's clock.
 */

static int
check_clock(struct prune *p, struct err *e)
{
    struct object_info info;
    time_t             own = time(NULL);
    double             off;
    char               text[32];

    if (storage_head(p->repo->st, p->mark.key, &info, e) != 0) {
        return err_wrap(e, "could not ask the store for its time");
    }
    p->out->now = info.modified;
    p->began = clock_seconds();
    off = difftime(own, info.modified);
    if (off > PRUNE_CLOCK_OFF_MAX || off < -PRUNE_CLOCK_OFF_MAX) {
        err_set(e, ERR_IO, "this host's clock is %s %s the store's",
                duration_human(off < 0 ? -off : off, text, sizeof text),
                off < 0 ? "behind" : "ahead of");
        return err_hint(e, "set the clock: ages that are wrong would remove what should stay");
    }
    return 0;
}

static int
list_runs(struct prune *p, struct err *e)
{
    run_list_free(&p->runs);
    return run_list_load(p->repo, p->req->db, &p->runs, e);
}

/* Which of two prunes goes on: the one that began first, else the one that has the smaller name.
 * If both gave way, two hosts that prune at the same minute every night would never remove
 * anything. */
static bool
comes_first(const struct prune *p, const struct run_entry *r)
{
    return r->modified < p->out->now ||
        (r->modified == p->out->now && strcmp(r->run, p->mark.run) < 0);
}

/* Two prunes at once are harmless, but do the work twice. */
static int
check_alone(struct prune *p, struct err *e)
{
    char at[32];

    for (size_t i = 0; i < p->runs.n; i++) {
        const struct run_entry *r = &p->runs.v[i];

        if (r->prune && comes_first(p, r) && prune_works(p->repo, p->req->db, r, prune_now(p))) {
            err_set(e, ERR_BUSY, "another prune is at work, run %s, last sign of life %s", r->run,
                    time_rfc3339(r->modified, at, sizeof at));
            return err_hint(e, "one that was killed is passed over %d minutes after that",
                            PRUNE_DEAD_SECONDS / 60);
        }
    }
    return 0;
}

static int
announce(struct prune *p, struct err *e)
{
    if (p->req->dry_run) {
        p->out->now = time(NULL);
        p->began = clock_seconds();
        return list_runs(p, e);
    }
    if (run_mark_begin(&p->mark, p->repo, p->req->db, ".prune", e) != 0) {
        return -1;
    }
    memcpy(p->out->run, p->mark.run, sizeof p->out->run);
    return check_clock(p, e) != 0 || prune_wait(p, e) != 0 || list_runs(p, e) != 0 ||
            check_alone(p, e) != 0
        ? -1
        : 0;
}

/* ---- P2, P3 ---- */

/* Garbage is what the listing of chunks shows and no remaining label needs, no trash list names
 * yet, and no run at work has written (its label is going to need it).  In a spool, since there may
 * be millions; from there into lists of bounded size. */
static int
trash_garbage(struct prune *p, struct err *e)
{
    struct chunkspool *garbage = chunkspool_new(e);
    int                rc = -1;

    /* The runs are listed once more: what a run that has just begun stores would be named, and
     * never be reused. */
    if (garbage != NULL && list_runs(p, e) == 0 && prune_find_garbage(p, garbage, e) == 0 &&
        chunkspool_rewind(garbage, e) == 0 &&
        (p->req->dry_run || prune_write_trash(p, garbage, e) == 0)) {
        rc = 0;
    }
    chunkspool_free(garbage);
    return rc;
}

/* ---- P6, P7 ---- */

/* p->ready: the names of all lists that P5 found ready; p->refs: what labels need, new ones
 * included.  What is in the first, not in the second, and in the listing, is removed. kept: what is
 * in the first and remains stored, as it is needed again, protected or locked.  A list of which
 * some name is kept stays whole. */
static int
sweep_trash(struct prune *p, struct err *e)
{
    struct chunkspool *kept = chunkspool_new(e);
    int                rc = -1;

    /* Waits between objects and lists: a run that finds no list must not find the objects in an old
     * listing. */
    if (kept != NULL && prune_read_ready(p, e) == 0 && prune_sweep(p, kept, e) == 0 &&
        prune_wait(p, e) == 0 && prune_forget_trash(p, kept, e) == 0) {
        rc = 0;
    }
    chunkspool_free(kept);
    return rc;
}

static void
report(struct prune *p)
{
    struct prune_result *out = p->out;

    for (size_t i = 0; i < p->trash.n; i++) {
        const struct trash *t = &p->trash.v[i];

        VEC_GROW(out->lists, out->n_lists, out->cap_lists);
        out->lists[out->n_lists++] = (struct prune_list){.name = xstrdup(t->name),
                                                         .written = t->written,
                                                         .state = t->state,
                                                         .why = t->why == NULL ? NULL
                                                                               : xstrdup(t->why)};
    }
    for (size_t i = 0; i < p->runs.n; i++) {
        if (prune_live(p, &p->runs.v[i])) {
            strlist_add(&out->live, p->runs.v[i].run);
        }
    }
}

/* The order is the protocol's. */
static int
run(struct prune *p, struct err *e)
{
    if (announce(p, e) != 0 || prune_list_labels(p, e) != 0 || settings_check(p->repo, e) != 0 ||
        prune_read_labels(p, e) != 0 || prune_judge_unlabelled(p, e) != 0 ||
        prune_read_trash(p, e) != 0 || prune_try_listing(p, e) != 0 || /* P0; any doubt */
        prune_expire(p, e) != 0 || prune_find_leftovers(p, e) != 0 ||  /* P1, P2 */
        trash_garbage(p, e) != 0 || prune_wait(p, e) != 0 ||           /* P2, P3 */
        list_runs(p, e) != 0 || prune_store_runs(p, e) != 0 ||
        prune_judge_trash(p, e) != 0 || /* P4, P5 */
        prune_wait(p, e) != 0 || prune_read_new_labels(p, e) != 0 ||
        prune_read_condemned(p, e) != 0 ||                                  /* P5, P6 */
        sweep_trash(p, e) != 0 ||                                           /* P7 */
        prune_remove_leftovers(p, e) != 0 || prune_tidy_marks(p, e) != 0) { /* P8 */
        return -1;
    }
    report(p);
    return 0;
}

int
prune_run(struct repo *r, const struct prune_request *req, struct prune_result *out, struct err *e)
{
    struct prune p = {.repo = r, .req = req, .out = out, .enc = name_encode(req->db)};
    int          rc;

    *out = (struct prune_result){0};
    rc = run(&p, e);
    if (rc != 0) {
        err_wrap(e, "could not prune \"%s\"%s", req->db,
                 p.changed || req->dry_run ? "" : "; nothing was removed");
    }
    run_mark_remove(&p.mark);
    run_mark_free(&p.mark);
    backup_list_free(&p.backups);
    strlist_free(&p.gone);
    strlist_free(&p.abandoned);
    chunkspool_union_free(&p.refs);
    strlist_free(&p.counted);
    strlist_free(&p.leftovers);
    trash_list_free(&p.trash);
    chunkspool_union_free(&p.trashed);
    chunkspool_union_free(&p.ready);
    strlist_free(&p.stray_runs);
    chunkindex_free(&p.condemned);
    run_list_free(&p.runs);
    strlist_free(&p.ended);
    free(p.enc);
    return rc;
}

void
prune_result_free(struct prune_result *r)
{
    strlist_free(&r->expired);
    strlist_free(&r->dead);
    strlist_free(&r->revoked);
    strlist_free(&r->live);
    for (size_t i = 0; i < r->n_lists; i++) {
        free(r->lists[i].name);
        free(r->lists[i].why);
    }
    free(r->lists);
    *r = (struct prune_result){0};
}
