/*
 * prune_trash.c - trash lists: reading all of them (P0), writing new ones (P3), and removing those
 * whose objects are gone (the end of P7).
 */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/json.h"
#include "storage/format/object.h"
#include "storage/keys/signed.h"
#include "storage/repo/blocklist.h"
#include "storage/retention/prune_impl.h"

enum {
    TRASH_NAMES_MAX = 20000, /* in one list: 3 MB of JSON */
    STRAY_SECONDS = 24 * 3600,
};

void
trash_list_free(struct trash_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        struct trash *t = &list->v[i];

        free(t->name);
        free(t->why);
        strlist_free(&t->runs);
        strlist_free(&t->run_keys);
    }
    free(list->v);
    *list = (struct trash_list){0};
}

static struct trash *
add_trash(struct prune *p, const char *name, time_t written)
{
    struct trash_list *list = &p->trash;

    VEC_GROW(list->v, list->n, list->cap);
    list->v[list->n] = (struct trash){
        .name = xstrdup(name), .written = written, .state = PRUNE_WAITS_GRACE};
    return &list->v[list->n++];
}

static char *
trash_key(const struct prune *p, const char *name)
{
    return xasprintf("%s/trash/%s", p->enc, name);
}

/* ---- reading ---- */

/*
 * <db>/trash/<t> are the lists, <db>/trash-runs/<t>.<run> the R(t) recorded by prunes.  All
 * names of all lists are in p->trashed, so that nothing is named twice, and those of ready lists in
 * p->ready.  There may be several R(t) of one list, when two prunes did P4 for it: each of them is
 * valid, and the last one read counts.  The lists are listed before the R(t): an R(t) whose list is
 * not known belongs to one that was written in between, or to one that is gone; after a day it can
 * only be the second, and is removed.
 *
 * A list that cannot be read ends the run; one that is gone was swept by another prune.
 */

static int
see_trash(void *ctx, const struct object_info *info, struct err *e)
{
    struct prune *p = ctx;

    (void)e;
    (void)add_trash(p, info->key + strlen(p->enc) + strlen("/trash/"), info->modified);
    return 0;
}

static int
add_name(void *ctx, const char *name, struct err *e)
{
    struct chunk_name parsed;

    return chunk_name_parse(name, &parsed) != 0
        ? err_set(e, ERR_CORRUPT, "\"%s\" is not the name of a chunk", name)
        : chunkspool_add(ctx, name, 0, e);
}

/* A list's names, added to a union.  One that is gone meanwhile adds nothing: another prune
 * swept it. */
static int
read_list(struct prune *p, const struct trash *t, struct chunkspool_union *u, struct err *e)
{
    struct chunkspool *names = chunkspool_new(e);
    char              *key = trash_key(p, t->name);
    int                rc = -1;

    if (names != NULL && prune_tick(p, e) == 0) {
        rc = blocklist_read(p->repo, key, "trash", add_name, names, e);
    }
    if (rc == 0) {
        rc = chunkspool_union_add(u, names, e);
        names = NULL;
    } else if (e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = 0;
    }
    chunkspool_free(names);
    free(key);
    return rc;
}

static int
condemn(void *ctx, const char *text, struct err *e)
{
    struct prune     *p = ctx;
    struct chunk_name name;

    (void)e;
    if (chunk_name_parse(text, &name) == 0) {
        (void)chunkindex_trust_name(&p->condemned, &name);
    }
    return 0;
}

static struct trash *
find_trash(struct prune *p, const char *name, size_t n)
{
    for (size_t i = 0; i < p->trash.n; i++) {
        if (strlen(p->trash.v[i].name) == n && strncmp(p->trash.v[i].name, name, n) == 0) {
            return &p->trash.v[i];
        }
    }
    return NULL;
}

/* "<t>.<prune's run>" */
static int
see_runs(void *ctx, const struct object_info *info, struct err *e)
{
    struct prune *p = ctx;
    const char   *name = info->key + strlen(p->enc) + strlen("/trash-runs/");
    const char   *dot = strrchr(name, '.');
    struct trash *t = dot == NULL ? NULL : find_trash(p, name, (size_t)(dot - name));

    (void)e;
    if (t != NULL) {
        strlist_add(&t->run_keys, info->key);
    } else if (prune_now(p) - info->modified > STRAY_SECONDS) {
        strlist_add(&p->stray_runs, info->key);
    }
    return 0;
}

static int
read_runs(struct prune *p, struct trash *t, const char *key, struct err *e)
{
    json_t *o = object_get(repo_signed(p->repo), key, "trash-runs", OBJECT_BYTES_MAX, e);
    json_t *runs;
    int     rc = o == NULL || json_get_array(o, "runs", &runs, e) != 0 ? -1 : 0;

    if (o == NULL && e->kind == ERR_NOT_FOUND) {
        err_clear(e); /* another prune has just swept t */
        return 0;
    }
    strlist_free(&t->runs);
    for (size_t i = 0; rc == 0 && i < json_array_size(runs); i++) {
        const char *run = json_string_value(json_array_get(runs, i));

        if (run == NULL) {
            rc = err_set(e, ERR_CORRUPT, "\"%s\": run %zu is not a string", key, i);
        } else {
            strlist_add(&t->runs, run);
        }
    }
    t->has_runs = rc == 0;
    json_decref(o);
    return rc;
}

static int
list_below(struct prune *p, const char *dir, storage_list_fn *fn, struct err *e)
{
    char *prefix = xasprintf("%s/%s/", p->enc, dir);
    int   rc = storage_list(p->repo->st, prefix, fn, p, e);

    free(prefix);
    return rc;
}

int
prune_read_condemned(struct prune *p, struct err *e)
{
    unsigned unreadable = 0;

    if (blocklist_each(p->repo, p->req->db, "condemned", condemn, p, &unreadable, e) != 0) {
        return -1;
    }
    if (unreadable > 0) {
        err_set(e, ERR_CORRUPT, "a list of condemned objects cannot be read");
        return err_hint(e, "the warning names it: remove it, and scrub again");
    }
    return 0;
}

int
prune_read_trash(struct prune *p, struct err *e)
{
    if (list_below(p, "trash", see_trash, e) != 0 ||
        list_below(p, "trash-runs", see_runs, e) != 0 || prune_read_condemned(p, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < p->trash.n; i++) {
        struct trash *t = &p->trash.v[i];

        if (read_list(p, t, &p->trashed, e) != 0) {
            return -1;
        }
        for (size_t k = 0; k < t->run_keys.n; k++) {
            if (read_runs(p, t, t->run_keys.v[k], e) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

int
prune_read_ready(struct prune *p, struct err *e)
{
    for (size_t i = 0; i < p->trash.n; i++) {
        if (p->trash.v[i].state == PRUNE_SWEPT && read_list(p, &p->trash.v[i], &p->ready, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- P3 ---- */

/* Names come sorted out of the spool, and are cut into lists of TRASH_NAMES_MAX.  A list's name
 * sorts by time.  A prune that dies between two of them does no harm: what the others would have
 * named is still garbage. */

/* The run in the name makes it unique: on a store where a PUT replaces, two prunes must not use the
 * same name. */
static int
write_list(struct prune *p, const struct strlist *names, unsigned number, struct err *e)
{
    char  at[20];
    char *name = xasprintf("%s-%s-%04u", time_compact(prune_now(p), at, sizeof at), p->mark.run,
                           number);
    char *key = trash_key(p, name);
    int   rc = blocklist_write(p->repo, key, "trash", names, e);

    if (rc == 0) {
        add_trash(p, name, prune_now(p))->ours = true;
    }
    free(key);
    free(name);
    return rc;
}

int
prune_write_trash(struct prune *p, struct chunkspool *names, struct err *e)
{
    struct strlist piece = {0};
    unsigned       number = 0;
    int            rc = 0;

    while (rc == 0 && !names->end) {
        strlist_add(&piece, names->name);
        rc = chunkspool_next(names, e);
        if (rc == 0 && (names->end || piece.n == TRASH_NAMES_MAX)) {
            rc = prune_tick(p, e) != 0 ? -1 : write_list(p, &piece, number++, e);
            strlist_free(&piece);
        }
    }
    strlist_free(&piece);
    return rc;
}

/* ---- the end of P7 ---- */

/*
 * After the objects, and after the wait: a writer that finds no list must not find its objects in
 * an old listing, and reuse them.  Each list is read once more and matched with what the sweep
 * kept.  If nothing of it is stored any more it is removed, and then its R(t).  Otherwise it stays
 * as it is; the next prune tries again.
 */

static int
count_stored(struct chunkspool *kept, struct chunkspool *names, uint64_t *n, struct err *e)
{
    bool there;

    *n = 0;
    if (chunkspool_rewind(kept, e) != 0) {
        return -1;
    }
    for (; !names->end; *n += there) {
        if (chunkspool_seek(kept, names->name, &there, e) != 0 || chunkspool_next(names, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
forget(struct prune *p, struct trash *t, struct chunkspool *kept, struct err *e)
{
    struct chunkspool_union one = {0};
    struct chunkspool      *names;
    char                   *key = trash_key(p, t->name);
    char                    text[48];
    uint64_t                stored;
    int                     rc = -1;

    if (read_list(p, t, &one, e) != 0 || (names = chunkspool_union_all(&one, e)) == NULL ||
        count_stored(kept, names, &stored, e) != 0) {
        goto out;
    }
    rc = 0;
    if (stored > 0) {
        t->state = PRUNE_WAITS_OBJECTS;
        t->why = xasprintf("%s still needed, protected or locked",
                           count_human(stored, "object", text, sizeof text));
    } else if (!p->req->dry_run) {
        rc = storage_remove(p->repo->st, (const char *const *)&key, 1, e);
        if (rc == 0 && t->run_keys.n > 0) {
            rc = storage_remove(p->repo->st, (const char *const *)t->run_keys.v, t->run_keys.n, e);
        }
    }
out:
    chunkspool_union_free(&one);
    free(key);
    return rc;
}

int
prune_forget_trash(struct prune *p, struct chunkspool *kept, struct err *e)
{
    for (size_t i = 0; i < p->trash.n; i++) {
        struct trash *t = &p->trash.v[i];

        if (t->state == PRUNE_SWEPT && (prune_tick(p, e) != 0 || forget(p, t, kept, e) != 0)) {
            return -1;
        }
    }
    return p->req->dry_run || p->stray_runs.n == 0
        ? 0
        : storage_remove(p->repo->st, (const char *const *)p->stray_runs.v, p->stray_runs.n, e);
}
