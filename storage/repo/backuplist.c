#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "storage/format/label.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/fetch.h"
#include "storage/repo/label_load.h"
#include "storage/repo/labelcache.h"
#include "storage/repo/labeltime.h"
#include "storage/repo/runmark.h"
#include "storage/repo/settings.h"
#include "storage/repo/tombstone.h"

/* What the listing of <db>/backups/ and <db>/runs/ shows, before any label is read. */
struct object_seen {
    char    *name; /* in the backup's directory */
    uint64_t size;
};

struct listed_backup {
    char                id[BACKUP_ID_MAX];
    bool                has_label;
    struct object_info  label; /* as listed, without its key */
    struct object_seen *v;     /* everything else */
    size_t              n, cap;
};

struct listing {
    size_t                prefix; /* length of "<db>/backups/" or "<db>/runs/" */
    struct listed_backup *v;
    size_t                n, cap;
    struct strlist        revoked; /* sorted by the listing */
    struct strlist        tombstones;
};

static int
see_backup(void *ctx, const struct object_info *info, struct err *e)
{
    struct listing       *li = ctx;
    const char           *rest = info->key + li->prefix;
    size_t                n = strcspn(rest, "/");
    char                  id[BACKUP_ID_MAX];
    struct listed_backup *s;

    (void)e;
    if (rest[n] == '\0' || n >= sizeof id) {
        return 0;
    }
    memcpy(id, rest, n);
    id[n] = '\0';
    if (!backup_id_valid(id)) {
        return 0;
    }
    if (li->n == 0 || strcmp(li->v[li->n - 1].id, id) != 0) {
        VEC_GROW(li->v, li->n, li->cap);
        s = &li->v[li->n++];
        *s = (struct listed_backup){0};
        memcpy(s->id, id, n + 1);
    }
    s = &li->v[li->n - 1];
    rest += n + 1;
    if (strcmp(rest, "label.json") == 0) {
        s->has_label = true;
        s->label = *info;
        s->label.key = NULL;
    } else {
        VEC_GROW(s->v, s->n, s->cap);
        s->v[s->n++] = (struct object_seen){xstrdup(rest), info->size};
    }
    return 0;
}

static int
see_run(void *ctx, const struct object_info *info, struct err *e)
{
    static const char suffix[] = ".revoked";
    struct listing   *li = ctx;
    const char       *name = info->key + li->prefix;
    size_t            n = strlen(name);

    (void)e;
    if (n > sizeof suffix - 1 && strcmp(name + n - (sizeof suffix - 1), suffix) == 0) {
        strlist_take(&li->revoked, xstrndup(name, n - (sizeof suffix - 1)));
    }
    return 0;
}

/* A listing may be outdated, and a prune may be running: a missing object is looked up. *size 0:
 * missing. ERR_NOT_FOUND: the label is gone too. */
static int
ask_for(struct repo *r, const char *db, const struct label *l, const char *name, uint64_t *size,
        struct err *e)
{
    struct object_info info;
    char              *key = backup_key(db, l->id, name);
    int                rc = storage_head(r->st, key, &info, e);

    free(key);
    if (rc == 0) {
        *size = info.size;
    } else if (e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        key = backup_key(db, l->id, "label.json");
        rc = storage_head(r->st, key, &info, e);
        free(key);
    }
    return rc;
}

/* *problem: NULL, or one sentence, allocated. */
static int
check_part(struct repo *r, const char *db, const struct listed_backup *s, const struct label *l,
           enum label_part part, char **problem, struct err *e)
{
    char    *name = label_part_name(l, part);
    uint64_t want = part == LABEL_CHUNKS ? l->chunks_size : l->manifest_size;
    uint64_t is = 0;
    int      rc = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(s->v[i].name, name) == 0) {
            is = s->v[i].size;
        }
    }
    if (is == 0) {
        rc = ask_for(r, db, l, name, &is, e);
    }
    if (is == 0) {
        *problem = xasprintf("%s is missing", name);
    } else if (is != want) {
        *problem = xasprintf("%s has %" PRIu64 " bytes, not %" PRIu64, name, is, want);
    }
    free(name);
    return rc;
}

static int
judge(struct repo *r, const char *db, const struct listed_backup *s, const struct fetch *label,
      const struct listing *li, struct backup_entry *b, struct err *e)
{
    bool is_void = false;

    memcpy(b->id, s->id, sizeof b->id);
    b->label = label_read(r, db, s->id, label, e);
    if (b->label != NULL && strlist_has(&li->revoked, b->label->run) &&
        run_revoked(r, db, b->label->run, &is_void, e) != 0) {
        return -1;
    }
    if (b->label == NULL) {
        if (e->kind != ERR_CORRUPT) {
            return -1;
        }
        b->state = BACKUP_DAMAGED;
        b->problem = xstrdup(e->text);
        b->newer = e->newer;
        b->untrusted = e->untrusted;
        err_clear(e);
    } else if (is_void) {
        b->state = BACKUP_VOID;
        b->problem = xasprintf("its run %s was revoked before it had ended", b->label->run);
    } else {
        if (check_part(r, db, s, b->label, LABEL_MANIFEST, &b->problem, e) != 0 ||
            (b->problem == NULL &&
             check_part(r, db, s, b->label, LABEL_CHUNKS, &b->problem, e) != 0)) {
            return -1;
        }
        b->state = b->problem == NULL ? BACKUP_COMMITTED : BACKUP_DAMAGED;
    }
    return 0;
}

static int
list_below(struct repo *r, const char *db, const char *what, storage_list_fn *fn,
           struct listing *li, struct err *e)
{
    char *enc = name_encode(db);
    char *prefix = xasprintf("%s/%s/", enc, what);
    int   rc;

    li->prefix = strlen(prefix);
    rc = storage_list(r->st, prefix, fn, li, e);
    free(prefix);
    free(enc);
    return rc;
}

static void
listing_free(struct listing *li)
{
    for (size_t i = 0; i < li->n; i++) {
        for (size_t k = 0; k < li->v[i].n; k++) {
            free(li->v[i].v[k].name);
        }
        free(li->v[i].v);
    }
    free(li->v);
    strlist_free(&li->revoked);
    strlist_free(&li->tombstones);
}

static void
entry_free(struct backup_entry *b)
{
    free(b->problem);
    free(b->doubt);
    label_free(b->label);
}

static bool
has_part(const struct listed_backup *s, const char *begins)
{
    for (size_t i = 0; i < s->n; i++) {
        if (strncmp(s->v[i].name, begins, strlen(begins)) == 0) {
            return true;
        }
    }
    return false;
}

/* These are put just before the label: most unfinished runs ended long before that. */
static void
note_unlabelled(struct repo *r, const char *db, const struct listing *li,
                const struct listed_backup *s, struct backup_list *list)
{
    if (has_part(s, "chunks") && has_part(s, "manifest") &&
        !tombstones_bury(r, db, &li->tombstones, s->id)) {
        strlist_add(&list->unlabelled, s->id);
    }
}

/* ---- labels ---- */

struct loading {
    struct repo        *repo;
    const char         *db;
    struct listing      li;
    struct labelcache  *cache; /* NULL: every label is read */
    struct backup_list *list;
};

/* One backup; its label was read, or could not be. */
static int
add_backup(struct loading *l, const struct listed_backup *s, const struct fetch *label,
           struct err *e)
{
    struct backup_list *list = l->list;
    struct backup_entry b = {.remembered = label->key == NULL, .stored = s->label.modified};

    if (judge(l->repo, l->db, s, label, &l->li, &b, e) != 0) {
        entry_free(&b);
        if (e->kind != ERR_NOT_FOUND) {
            return -1;
        }
        err_clear(e); /* expired since the listing */
        return 0;
    }
    if (l->cache != NULL && b.label != NULL && !b.remembered) {
        labelcache_keep(l->cache, s->id, &s->label, &label->raw);
    }
    if (tombstones_stand(l->repo, l->db, &l->li.tombstones, b.id,
                         b.label == NULL ? NULL : b.label->run)) {
        entry_free(&b); /* expired: the prune has not removed its label yet */
        return 0;
    }
    VEC_GROW(list->v, list->n, list->cap);
    list->v[list->n++] = b;
    return 0;
}

/* Some backups: their labels side by side, then one after another what they say. */
static int
add_backups(struct loading *l, const struct listed_backup *s, size_t n, struct err *e)
{
    struct fetch *labels = xcalloc(n, sizeof *labels);
    int           rc = 0;

    for (size_t i = 0; i < n; i++) {
        labels[i].raw = (struct buf)BUF_INIT(LABEL_BYTES_MAX);
        if (s[i].has_label &&
            (l->cache == NULL || !labelcache_get(l->cache, s[i].id, &s[i].label, &labels[i].raw))) {
            labels[i].key = backup_key(l->db, s[i].id, "label.json");
        }
    }
    fetch_all(l->repo->st, labels, n);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (s[i].has_label) {
            rc = add_backup(l, &s[i], &labels[i], e);
        } else {
            note_unlabelled(l->repo, l->db, &l->li, &s[i], l->list);
        }
    }
    for (size_t i = 0; i < n; i++) {
        buf_free(&labels[i].raw);
        free(labels[i].key);
    }
    free(labels);
    return rc;
}

/* So many at a time that what is held of their bytes stays bounded. */
static size_t
batch(const struct listing *li, size_t from)
{
    enum { COUNT = 512, BYTES = 16 << 20 };
    uint64_t bytes = 0;
    size_t   to = from;

    while (to < li->n && to - from < COUNT && bytes < BYTES) {
        bytes += li->v[to++].label.size;
    }
    return to - from;
}

static int
load(struct loading *l, struct err *e)
{
    struct listing *li = &l->li;
    int             rc = 0;

    /* Labels first: a run revoked after this is seen the next time. */
    if (list_below(l->repo, l->db, "backups", see_backup, li, e) != 0 ||
        list_below(l->repo, l->db, "runs", see_run, li, e) != 0 ||
        tombstones_load(l->repo, l->db, &li->tombstones, e) != 0) {
        return -1;
    }
    for (size_t i = 0, n; rc == 0 && i < li->n; i += n) {
        n = batch(li, i);
        rc = add_backups(l, &li->v[i], n, e);
    }
    return rc;
}

static int
load_list(struct repo *r, const char *db, struct backup_list *list, bool cached, struct err *e)
{
    struct loading l = {.repo = r, .db = db, .list = list};
    int            rc;

    *list = (struct backup_list){0};
    l.cache = cached && r->st->distant ? labelcache_open(r, db) : NULL;
    rc = load(&l, e);
    for (size_t i = 0; rc == 0 && i < list->n; i++) {
        const struct label *label = list->v[i].label;

        if (label != NULL) {
            settings_noted(r, label->settings);
            settings_noted_keys(r, label->epoch, label->keys);
        }
    }
    if (rc == 0) {
        rc = labeltime_judge(r, list, e);
    }
    labelcache_close(l.cache, rc == 0);
    if (rc != 0) {
        backup_list_free(list);
        err_wrap(e, "could not list the backups of \"%s\"", db);
    }
    if (rc == 0) {
        list->tombstones = l.li.tombstones;
        l.li.tombstones = (struct strlist){0};
    }
    listing_free(&l.li);
    return rc;
}

int
backup_list_load(struct repo *r, const char *db, struct backup_list *list, struct err *e)
{
    return load_list(r, db, list, false, e);
}

int
backup_list_look(struct repo *r, const char *db, struct backup_list *list, struct err *e)
{
    return load_list(r, db, list, true, e);
}

static int
by_id(const void *id, const void *entry)
{
    return strcmp(id, ((const struct backup_entry *)entry)->id);
}

struct backup_entry *
backup_list_find(const struct backup_list *list, const char *id)
{
    return list->n == 0 ? NULL : bsearch(id, list->v, list->n, sizeof *list->v, by_id);
}

void
backup_list_free(struct backup_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        entry_free(&list->v[i]);
    }
    free(list->v);
    strlist_free(&list->unlabelled);
    strlist_free(&list->tombstones);
    *list = (struct backup_list){0};
}

const char *
backup_state_text(enum backup_state state)
{
    return state == BACKUP_COMMITTED ? "committed" : state == BACKUP_VOID ? "void" : "damaged";
}
