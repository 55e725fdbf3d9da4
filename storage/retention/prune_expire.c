/*
 * prune_expire.c - labels that expire (P1), and what is left in the directories of backups (P2,
 * P8).
 */
#include <stdlib.h>
#include <string.h>

#include "storage/repo/label_load.h"
#include "storage/repo/tombstone.h"
#include "storage/retention/prune_impl.h"

/* ---- P1 ---- */

/*
 * The tombstone first, then the label.  A label with a tombstone is not a backup, so the backup
 * ends with the put of the tombstone.  The label's removal can then be late, or be undone by a
 * repeated PUT that arrives late: this does not bring back a backup whose chunks may be gone.  In
 * the other order, a prune that died in between would leave nothing that says why the backup is
 * missing.  Void backups (their run was revoked) are removed the same way, whether or not they were
 * named.
 */

static int
remove_label(struct prune *p, const char *id, struct err *e)
{
    char *key = backup_key(p->req->db, id, "label.json");
    int   rc;

    p->changed = true;
    rc = storage_remove(p->repo->st, (const char *const *)&key, 1, e);
    free(key);
    return rc;
}

static int
expire(struct prune *p, const struct backup_entry *b, struct err *e)
{
    strlist_add(&p->out->expired, b->id);
    if (b->state == BACKUP_VOID) {
        strlist_add(&p->out->dead, b->id);
    }
    if (p->req->dry_run) {
        return 0;
    }
    if (prune_tick(p, e) != 0 ||
        tombstone_put(p->repo, p->req->db, b->id, b->label, prune_now(p), p->mark.run, e) != 0 ||
        remove_label(p, b->id, e) != 0) {
        return err_wrap(e, "could not expire backup %s", b->id);
    }
    return 0;
}

int
prune_expire(struct prune *p, struct err *e)
{
    for (size_t i = 0; i < p->backups.n; i++) {
        if (strlist_find(&p->gone, p->backups.v[i].id) && expire(p, &p->backups.v[i], e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- directories, as one listing shows them ---- */

struct tombs {
    const struct prune *prune;
    size_t              prefix;
    struct strlist young, all; /* ids: expired so lately that a restore may still read them; any */
};

struct walk {
    struct prune  *prune;
    size_t         prefix; /* length of "<db>/backups/" */
    char           id[BACKUP_ID_MAX];
    bool           label;
    struct strlist keys; /* of this directory */
    int (*dir)(struct walk *, struct err *);
    struct strlist      found; /* what dir() collects */
    const struct tombs *tombs;
};

static int
end_dir(struct walk *w, struct err *e)
{
    int rc = w->id[0] == '\0' ? 0 : w->dir(w, e);

    w->id[0] = '\0';
    w->label = false;
    strlist_free(&w->keys);
    return rc;
}

static int
see_object(void *ctx, const struct object_info *info, struct err *e)
{
    struct walk *w = ctx;
    const char  *name = info->key + w->prefix;
    size_t       n = strcspn(name, "/");
    char         id[BACKUP_ID_MAX];

    if (name[n] == '\0' || n >= sizeof id) {
        return 0; /* not ours */
    }
    memcpy(id, name, n);
    id[n] = '\0';
    if (!backup_id_valid(id)) {
        return 0;
    }
    if (strcmp(id, w->id) != 0) {
        if (end_dir(w, e) != 0) {
            return -1;
        }
        memcpy(w->id, id, n + 1);
    }
    w->label |= strcmp(name + n, "/label.json") == 0;
    strlist_add(&w->keys, info->key);
    return 0;
}

static int
walk(struct prune *p, struct walk *w, struct err *e)
{
    char *prefix = xasprintf("%s/backups/", p->enc);
    int   rc;

    w->prune = p;
    w->prefix = strlen(prefix);
    rc = storage_list(p->repo->st, prefix, see_object, w, e);
    if (rc == 0) {
        rc = end_dir(w, e);
    }
    strlist_free(&w->keys);
    free(prefix);
    return rc;
}

/* ---- P2: what is left of backups ---- */

/*
 * Objects below <db>/backups/<id>/ without a label.  They are from backups that expired, runs that
 * died before their label, or runs that are about to write it; the objects do not show which.  So
 * they are only noted here, by key, and removed in P8 if no run is writing by then.  What belongs
 * to a backup that expired within the grace time is not noted: a restore may still be reading its
 * manifest.  A directory that could be a backup whose label is hidden is noted only once
 * prune_unlabelled.c says so.
 *
 * A label with a tombstone was left by a prune that was killed inside P1: it is removed now.
 */

static int
see_tombstone(void *ctx, const struct object_info *info, struct err *e)
{
    struct tombs *t = ctx;
    char         *id = xstrndup(info->key + t->prefix, strcspn(info->key + t->prefix, "."));

    (void)e;
    if (prune_now(t->prune) - info->modified < (time_t)t->prune->req->grace_seconds) {
        strlist_add(&t->young, id);
    }
    strlist_take(&t->all, id);
    return 0;
}

static int
list_tombstones(struct prune *p, struct tombs *t, struct err *e)
{
    char *prefix = xasprintf("%s/tombstones/", p->enc);
    int   rc;

    t->prune = p;
    t->prefix = strlen(prefix);
    rc = storage_list(p->repo->st, prefix, see_tombstone, t, e);
    strlist_sort(&t->young);
    strlist_sort(&t->all);
    free(prefix);
    return rc;
}

static void
add_keys(struct strlist *list, const struct strlist *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        strlist_add(list, keys->v[i]);
    }
}

static bool
has_part(const struct strlist *keys, const char *begins)
{
    for (size_t i = 0; i < keys->n; i++) {
        if (strncmp(strrchr(keys->v[i], '/') + 1, begins, strlen(begins)) == 0) {
            return true;
        }
    }
    return false;
}

/* May what is left of this backup be removed?  Expired by this run or, long enough ago, by another;
 * abandoned (prune_unlabelled.c); or too little to be a backup. */
static bool
may_go(const struct walk *w)
{
    struct prune *p = w->prune;

    if (strlist_find(&p->gone, w->id)) {
        return !strlist_find(&w->tombs->young, w->id);
    }
    if (backup_list_find(&p->backups, w->id) != NULL) {
        return false; /* its label was there just before */
    }
    if (tombstones_bury(p->repo, p->req->db, &p->backups.tombstones, w->id)) {
        return !strlist_find(&w->tombs->young, w->id);
    }
    return strlist_find(&p->abandoned, w->id) ||
        !(has_part(&w->keys, "chunks") && has_part(&w->keys, "manifest"));
}

/* Notes objects, not directories: a copy may write into a directory that an earlier one left; its
 * objects have other names. */
static int
collect_dir(struct walk *w, struct err *e)
{
    (void)e;
    if (w->label) {
        strlist_add(&w->found, w->id);
    } else if (may_go(w)) {
        add_keys(&w->prune->leftovers, &w->keys);
    }
    return 0;
}

/* A label beside its tombstone: a prune was killed between the two, or a repeated PUT came late. */
static int
finish_expiry(struct prune *p, const char *id, struct err *e)
{
    struct label  *l = label_load(p->repo, p->req->db, id, e);
    struct strlist tombs = {0};
    int            rc = 0;

    if (l == NULL && e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    err_clear(e);
    if (tombstones_load(p->repo, p->req->db, &tombs, e) != 0) {
        rc = -1;
    } else if (!p->req->dry_run &&
               tombstones_stand(p->repo, p->req->db, &tombs, id, l == NULL ? NULL : l->run)) {
        rc = remove_label(p, id, e);
    }
    strlist_free(&tombs);
    label_free(l);
    return rc;
}

int
prune_find_leftovers(struct prune *p, struct err *e)
{
    struct tombs t = {0};
    struct walk  w = {.dir = collect_dir, .tombs = &t};
    int          rc = -1;

    if (list_tombstones(p, &t, e) != 0 || walk(p, &w, e) != 0) {
        goto out;
    }
    rc = 0;
    for (size_t i = 0; rc == 0 && i < w.found.n; i++) {
        if (strlist_find(&t.all, w.found.v[i])) {
            rc = finish_expiry(p, w.found.v[i], e);
        }
    }
out:
    strlist_free(&t.young);
    strlist_free(&t.all);
    strlist_free(&w.found);
    return rc;
}

/* ---- P8 ---- */

/*
 * What was noted in P2 is removed if no run is at work by P4's listing of the marks, a new listing
 * still shows no label beside it, and a look-up by key finds none (a listing may lag, and this is
 * the last check).  A run that began since P4 writes what was not there to be noted: a new backup
 * has a new id, and a copy, which keeps the id, has its run in the names of chunk list and
 * manifest.
 */
static int
collect_keys(struct walk *w, struct err *e)
{
    struct strlist keys = {0};

    for (size_t i = 0; !w->label && i < w->keys.n; i++) {
        if (strlist_find(&w->prune->leftovers, w->keys.v[i])) {
            strlist_add(&keys, w->keys.v[i]);
        }
    }
    if (keys.n > 0 && !prune_label_stands(w->prune, w->id, e)) {
        add_keys(&w->found, &keys);
    }
    strlist_free(&keys);
    return 0;
}

int
prune_remove_leftovers(struct prune *p, struct err *e)
{
    struct walk w = {.dir = collect_keys};
    int         rc = 0;

    for (size_t i = 0; i < p->runs.n; i++) {
        if (prune_live(p, &p->runs.v[i])) {
            return 0; /* the run they belong to is unknown: only when no run writes */
        }
    }
    if (p->leftovers.n > 0) {
        rc = walk(p, &w, e);
    }
    if (rc == 0 && w.found.n > 0 && !p->req->dry_run) {
        p->changed = true;
        rc = storage_remove(p->repo->st, (const char *const *)w.found.v, w.found.n, e);
    }
    p->out->leftovers = rc == 0 ? w.found.n : 0;
    strlist_free(&w.found);
    return rc;
}

/* Last, when nothing more depends on them.  A writer's mark is removed once its label is seen (the
 * writer died before removing it) or it is revoked; .revoked itself is never removed, since its
 * label may still arrive. */
int
prune_tidy_marks(struct prune *p, struct err *e)
{
    struct strlist keys = {0};
    int            rc = 0;

    for (size_t i = 0; i < p->runs.n; i++) {
        const struct run_entry *r = &p->runs.v[i];

        if (r->writer && !prune_live(p, r)) {
            strlist_take(&keys, run_key(p->req->db, r->run, ""));
        }
        if (r->prune && strcmp(r->run, p->mark.run) != 0 &&
            !prune_works(p->repo, p->req->db, r, prune_now(p))) {
            strlist_take(&keys, run_key(p->req->db, r->run, ".prune"));
        }
    }
    if (keys.n > 0 && !p->req->dry_run) {
        rc = storage_remove(p->repo->st, (const char *const *)keys.v, keys.n, e);
    }
    strlist_free(&keys);
    return rc;
}
