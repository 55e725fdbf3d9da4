/*
 * prune_runs.c - which runs the trash lists wait for: those that were at work when all could read a
 * list (P4), and what became of them (P5).
 */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "storage/format/object.h"
#include "storage/keys/signed.h"
#include "storage/retention/prune_impl.h"

enum { DEAD_SECONDS = 72 * 3600 }; /* mark not renewed */

/* ---- P4 ---- */

/*
 * R(t): the runs that may still write a label, as listed after every writer that begins can read
 * the list t.  A run that began before that and is still at work is in this listing; one that has
 * ended put its label, if any, before its mark was removed, and P6 reads that.  So a list without
 * an R(t), of a prune that died here, gets one now: a later listing misses no run.  Stored under
 * this prune's run, as another prune may be doing the same.
 */

static int
put_runs(struct prune *p, struct trash *t, struct err *e)
{
    json_t *o = object_new("trash-runs");
    json_t *runs = json_array();
    char   *key = xasprintf("%s/trash-runs/%s.%s", p->enc, t->name, p->mark.run);
    int     rc;

    for (size_t i = 0; i < t->runs.n; i++) {
        (void)json_array_append_new(runs, json_string(t->runs.v[i]));
    }
    (void)json_object_set_new(o, "trash", json_string(t->name));
    (void)json_object_set_new(o, "runs", runs);
    rc = object_put(repo_signed(p->repo), key, o, e);
    strlist_take(&t->run_keys, key);
    json_decref(o);
    return rc;
}

int
prune_store_runs(struct prune *p, struct err *e)
{
    for (size_t i = 0; i < p->trash.n; i++) {
        struct trash *t = &p->trash.v[i];

        if (t->has_runs) {
            continue;
        }
        for (size_t k = 0; k < p->runs.n; k++) {
            if (prune_live(p, &p->runs.v[k])) {
                strlist_add(&t->runs, p->runs.v[k].run);
            }
        }
        if (!p->req->dry_run && put_runs(p, t, e) != 0) {
            return -1;
        }
        t->has_runs = true;
    }
    return 0;
}

/* ---- P5 ---- */

/*
 * A list is ready when each run of R(t) has ended: its mark is gone, its label exists, or it is
 * revoked.  A run that died and left its mark would keep its lists for ever, so one that has not
 * renewed its mark for 72 hours, by the store's clock, and has no label, is revoked: the object
 * .revoked is put, and any label that it may still put is void.  The writer looks for .revoked
 * before and after its label, so it learns of it too.
 *
 * The grace time is added for readers: a restore that has begun still reads what its label named,
 * even if the label has expired.
 */

/* Its mark is still as old as listed, and it has no label: both are read again. */
static int
is_dead(struct prune *p, const struct run_entry *r, bool *dead, struct err *e)
{
    char              *key = run_key(p->req->db, r->run, "");
    struct object_info info;
    struct backup_list list;
    int                rc = storage_head(p->repo->st, key, &info, e);

    free(key);
    *dead = rc == 0 && prune_now(p) - info.modified >= DEAD_SECONDS;
    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        return 0;
    }
    if (rc != 0 || !*dead) {
        return rc;
    }
    if (backup_list_load(p->repo, p->req->db, &list, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        *dead = *dead && list.v[i].label != NULL && strcmp(list.v[i].label->run, r->run) != 0;
    }
    backup_list_free(&list);
    return 0;
}

static int
revoke(struct prune *p, struct run_entry *r, struct err *e)
{
    json_t *o;
    char   *key;
    char    at[32];
    int     rc;

    strlist_add(&p->out->revoked, r->run);
    r->revoked = true;
    if (p->req->dry_run) {
        return 0;
    }
    o = object_new("revoked");
    key = run_key(p->req->db, r->run, ".revoked");
    (void)json_object_set_new(o, "run", json_string(r->run));
    (void)json_object_set_new(o, "by", json_string(p->mark.run));
    (void)json_object_set_new(o, "revoked", json_string(time_rfc3339(prune_now(p), at, sizeof at)));
    rc = object_put(repo_signed(p->repo), key, o, e);
    if (rc != 0 && e->kind == ERR_EXISTS) {
        err_clear(e); /* another prune was faster */
        rc = 0;
    }
    free(key);
    json_decref(o);
    return rc;
}

static int
revoke_dead(struct prune *p, struct err *e)
{
    for (size_t i = 0; i < p->runs.n; i++) {
        struct run_entry *r = &p->runs.v[i];
        bool              dead = prune_live(p, r) && prune_now(p) - r->modified >= DEAD_SECONDS;

        if (dead && (is_dead(p, r, &dead, e) != 0 || (dead && revoke(p, r, e) != 0))) {
            return -1;
        }
    }
    return 0;
}

static void
judge(struct prune *p, struct trash *t)
{
    time_t age = prune_now(p) - t->written;
    char   left[32];

    t->state = PRUNE_SWEPT;
    for (size_t i = 0; i < t->runs.n && t->state == PRUNE_SWEPT; i++) {
        const struct run_entry *r = run_list_find(&p->runs, t->runs.v[i]);

        if (r != NULL && prune_live(p, r)) {
            t->state = PRUNE_WAITS_RUNS;
            t->why = xasprintf("run %s, which may not have seen it, has not ended", r->run);
        }
    }
    if (t->state == PRUNE_SWEPT && age < (time_t)p->req->grace_seconds) {
        t->state = PRUNE_WAITS_GRACE;
        t->why = xasprintf(
            "its grace time has %s to go",
            duration_human((double)((time_t)p->req->grace_seconds - age), left, sizeof left));
    }
}

int
prune_judge_trash(struct prune *p, struct err *e)
{
    if (revoke_dead(p, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < p->trash.n; i++) {
        judge(p, &p->trash.v[i]);
    }
    return 0;
}
