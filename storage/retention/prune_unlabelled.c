/*
 * prune_unlabelled.c - directories of backups without a visible label (prune_impl.h).
 *
 * Most were left by a run that died just before its label.  But a label can also be hidden: by an
 * outdated listing, by somebody who moved it, by a store that lost it.  Then the directory and its
 * chunks are a whole backup, and their removal could not be undone.  So none is removed before:
 *
 *   - its label was looked up by its key.  If it exists, the listing is read again; a listing that
 *     still does not show it is outdated, and stops the run.
 *   - the backup has no witness.  A label that names it, or this host's memory, stops the run: the
 *     backup is damaged, and a user decides (`storage forget`).
 *   - it has been seen without a label for the grace time.  Since its objects' age does not show
 *     this, the first prune to see it puts a mark, <db>/unlabelled/<backup>.json, whose modified
 *     time is the store's; the mark is removed when the label is back, so that the time starts
 *     again.  Until then the chunks of its chunk list count as needed.
 *
 * A directory with a trusted tombstone was expired: prune_expire.c removes what is left of
 * it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/human.h"
#include "core/log.h"
#include "storage/format/object.h"
#include "storage/keys/signed.h"
#include "storage/read/missing.h"
#include "storage/read/parts.h"
#include "storage/repo/label_load.h"
#include "storage/retention/prune_impl.h"

static char *
mark_key(const struct prune *p, const char *id)
{
    return xasprintf("%s/unlabelled/%s.json", p->enc, id);
}

/* ---- the marks ---- */

struct mark {
    char   id[BACKUP_ID_MAX];
    time_t since;
};

struct marks {
    size_t       prefix; /* length of "<db>/unlabelled/" */
    struct mark *v;      /* ascending by id */
    size_t       n, cap;
};

static int
see_mark(void *ctx, const struct object_info *info, struct err *e)
{
    struct marks *m = ctx;
    const char   *name = info->key + m->prefix;
    size_t        n = strcspn(name, ".");
    char          id[BACKUP_ID_MAX];

    (void)e;
    if (n < sizeof id && strcmp(name + n, ".json") == 0) {
        memcpy(id, name, n);
        id[n] = '\0';
        if (backup_id_valid(id)) {
            VEC_GROW(m->v, m->n, m->cap);
            m->v[m->n] = (struct mark){.since = info->modified};
            memcpy(m->v[m->n++].id, id, n + 1);
        }
    }
    return 0;
}

static int
list_marks(struct prune *p, struct marks *m, struct err *e)
{
    char *prefix = xasprintf("%s/unlabelled/", p->enc);
    int   rc;

    m->prefix = strlen(prefix);
    rc = storage_list(p->repo->st, prefix, see_mark, m, e);
    free(prefix);
    return rc;
}

/* A mark without a trusted signature does not count, and another cannot be put while it is there.
 * *believed false: it was removed, and the directory is treated as just seen. */
static int
ask_mark(struct prune *p, const char *id, bool *believed, struct err *e)
{
    char   *key = mark_key(p, id);
    json_t *o = object_get(repo_signed(p->repo), key, "unlabelled", OBJECT_BYTES_MAX, e);
    int     rc = 0;

    *believed = o != NULL;
    if (o == NULL && e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
        rc = -1;
    } else if (o == NULL) {
        log_warn("\"%s\" is passed over: %s", key, e->text);
        err_clear(e);
        rc = p->req->dry_run ? 0 : storage_remove(p->repo->st, (const char *const *)&key, 1, e);
    }
    json_decref(o);
    free(key);
    return rc;
}

static int
put_mark(struct prune *p, const char *id, struct err *e)
{
    char    at[32];
    char   *key = mark_key(p, id);
    json_t *o = object_new("unlabelled");
    int     rc;

    object_set_text(o, "backup", id);
    object_set_text(o, "seen", time_rfc3339(prune_now(p), at, sizeof at));
    object_set_text(o, "by", p->mark.run);
    rc = object_put(repo_signed(p->repo), key, o, e);
    if (rc != 0 && e->kind == ERR_EXISTS) {
        err_clear(e); /* another prune was faster */
        rc = 0;
    }
    json_decref(o);
    free(key);
    return rc;
}

/* Removes marks of backups that have a label again, or whose directory is gone. */
static int
remove_stale(struct prune *p, const struct marks *m, struct err *e)
{
    struct strlist keys = {0};
    int            rc = 0;

    for (size_t i = 0; i < m->n; i++) {
        if (!strlist_has(&p->backups.unlabelled, m->v[i].id)) {
            strlist_take(&keys, mark_key(p, m->v[i].id));
        }
    }
    if (keys.n > 0 && !p->req->dry_run) {
        rc = storage_remove(p->repo->st, (const char *const *)keys.v, keys.n, e);
    }
    strlist_free(&keys);
    return rc;
}

/* ---- one directory ---- */

bool
prune_label_stands(struct prune *p, const char *id, struct err *e)
{
    bool stands = true;

    if (label_stands(p->repo, p->req->db, id, &stands, e) != 0) {
        log_warn("what is left of backup %s stays: %s", id, e->text);
        err_clear(e);
        return true;
    }
    return stands;
}

static int
see_part(void *ctx, const struct object_info *info, struct err *e)
{
    const char *name = strrchr(info->key, '/') + 1;

    (void)e;
    if (strncmp(name, "chunks", strlen("chunks")) == 0) {
        strlist_add(ctx, info->key);
    }
    return 0;
}

/* What its chunk lists name counts as needed.  An unreadable one is skipped: even with its label
 * back, the backup could not be restored. */
static int
count_needed(struct prune *p, const char *id, struct err *e)
{
    struct strlist keys = {0};
    char          *prefix = backup_key(p->req->db, id, "");
    int            rc = storage_list(p->repo->st, prefix, see_part, &keys, e);

    for (size_t i = 0; rc == 0 && i < keys.n; i++) {
        struct chunkspool *names = chunkspool_new(e);

        if (names == NULL || prune_tick(p, e) != 0) {
            rc = -1;
        } else if (chunk_list_read_unlabelled(p->repo, keys.v[i], chunkspool_add_line, names, e) ==
                   0) {
            rc = chunkspool_union_add(&p->refs, names, e);
            names = NULL;
        } else if (e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND) {
            log_warn("%s; what it names is not protected", e->text);
            err_clear(e);
        } else {
            rc = -1;
        }
        chunkspool_free(names);
    }
    strlist_free(&keys);
    free(prefix);
    return rc;
}

/* 0: nobody knows it as a backup.  1: it has its label by now: a run of this host has ended, and
 * remembered it, since the label was looked up. */
static int
refuse_known(struct prune *p, const char *id, struct err *e)
{
    char *who = missing_witness(p->repo, p->req->db, &p->backups, id);
    bool  there = false;
    int   rc = 0;

    if (who != NULL && (rc = label_stands(p->repo, p->req->db, id, &there, e)) == 0) {
        rc = there ? 1
                   : err_set(e, ERR_CORRUPT,
                             "backup %s has lost its label: %s, and no prune says that it expired",
                             id, who);
    }
    if (rc < 0 && e->kind == ERR_CORRUPT) {
        err_hint(e,
                 "heal it from another repository (scrub --repair-from), or give it up: pgassay "
                 "storage "
                 "forget %s %s --reason TEXT",
                 p->req->db, id);
    }
    free(who);
    return rc;
}

static int
judge(struct prune *p, const struct marks *marks, const char *id, struct err *e)
{
    time_t since = 0;
    bool   over = p->req->grace_seconds == 0, marked;
    char   text[32];
    int    known = refuse_known(p, id, e);

    if (known != 0) {
        return known > 0 ? count_needed(p, id, e) : -1;
    }
    for (size_t i = 0; i < marks->n; i++) {
        if (strcmp(marks->v[i].id, id) == 0) {
            since = marks->v[i].since;
        }
    }
    marked = since != 0;
    if (!over && marked && prune_now(p) - since >= (time_t)p->req->grace_seconds) {
        if (ask_mark(p, id, &marked, e) != 0) {
            return -1;
        }
        over = marked;
    }
    if (over) {
        strlist_add(&p->abandoned, id);
        return 0;
    }
    if (!marked && !p->req->dry_run && put_mark(p, id, e) != 0) {
        return -1;
    }
    log_info("backup %s has no label: what is left of it stays for %s after it was first seen so",
             id, duration_human((double)p->req->grace_seconds, text, sizeof text));
    return count_needed(p, id, e);
}

static int
relist(struct prune *p, struct err *e)
{
    backup_list_free(&p->backups);
    return backup_list_load(p->repo, p->req->db, &p->backups, e);
}

/* The listing, read until it shows each label that can be read by its key. */
static int
settle_listing(struct prune *p, struct err *e)
{
    enum { TRIES = 3 };

    for (int i = 0;; i++) {
        const struct strlist *ids = &p->backups.unlabelled;
        size_t                k = 0;
        bool                  there = false;

        while (k < ids->n && !there) {
            if (label_stands(p->repo, p->req->db, ids->v[k], &there, e) != 0) {
                return -1;
            }
            k += !there;
        }
        if (!there) {
            return 0;
        }
        if (i == TRIES) {
            return label_not_shown(ids->v[k], e);
        }
        if (prune_wait(p, e) != 0 || relist(p, e) != 0) {
            return -1;
        }
    }
}

int
prune_judge_unlabelled(struct prune *p, struct err *e)
{
    struct marks marks = {0};
    int          rc = -1;

    if (list_marks(p, &marks, e) == 0 && remove_stale(p, &marks, e) == 0) {
        rc = 0;
    }
    for (size_t i = 0; rc == 0 && i < p->backups.unlabelled.n; i++) {
        rc = judge(p, &marks, p->backups.unlabelled.v[i], e);
    }
    strlist_sort(&p->abandoned);
    free(marks.v);
    return rc;
}

int
prune_list_labels(struct prune *p, struct err *e)
{
    struct strlist missing = {0};
    int            rc;

    if (relist(p, e) != 0 || settle_listing(p, e) != 0) {
        return -1;
    }
    if (p->backups.n > 0) {
        return 0;
    }
    /* Retention always keeps one: a database without any has lost them. */
    rc = missing_find(p->repo, p->req->db, &p->backups, &missing, e);
    if (rc == 0 && missing.n > 0) {
        err_set(e, ERR_CORRUPT, "%s", missing.v[missing.n - 1]);
        rc = err_hint(e,
                      "if a first backup failed and left them, a prune can remove them after the "
                      "next successful one; if not, find out where the labels are");
    }
    strlist_free(&missing);
    return rc;
}
