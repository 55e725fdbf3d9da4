#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/log.h"
#include "storage/damage.h"
#include "storage/label.h"
#include "storage/tombstone.h"

/* What the listing of <db>/backups/ and <db>/runs/ shows, before any label is read. */
struct object_seen {
    char    *name;                  /* in the backup's directory */
    uint64_t size;
};

struct seen {
    char                id[BACKUP_ID_MAX];
    bool                has_label;
    struct object_seen *v;          /* everything else */
    size_t              n, cap;
};

struct listing {
    size_t         prefix;          /* length of "<db>/backups/" or "<db>/runs/" */
    struct seen   *v;
    size_t         n, cap;
    struct strlist revoked;         /* sorted by the listing */
    struct strlist tombstones;
};

static int
see_backup(void *ctx, const struct object_info *info, struct err *e)
{
    struct listing *li = ctx;
    const char     *rest = info->key + li->prefix;
    size_t          n = strcspn(rest, "/");
    char            id[BACKUP_ID_MAX];
    struct seen    *s;

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
        *s = (struct seen){0};
        memcpy(s->id, id, n + 1);
    }
    s = &li->v[li->n - 1];
    rest += n + 1;
    if (strcmp(rest, "label.json") == 0) {
        s->has_label = true;
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

/* A listing may be a moment old, and prune may be at work: what it does not show is asked for.  *size 0: missing.
 * ERR_NOT_FOUND: so is the label by now. */
static int
ask_for(struct repo *r, const char *db, const struct label *l, const char *name, uint64_t *size, struct err *e)
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
check_part(struct repo *r, const char *db, const struct seen *s, const struct label *l, enum label_part part,
           char **problem, struct err *e)
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
judge(struct repo *r, const char *db, const struct seen *s, const struct listing *li, struct backup_entry *b,
      struct err *e)
{
    memcpy(b->id, s->id, sizeof b->id);
    b->label = label_load(r, db, s->id, e);
    if (b->label == NULL) {
        if (e->kind != ERR_CORRUPT) {
            return -1;
        }
        b->state = BACKUP_DAMAGED;
        b->problem = xstrdup(e->text);
        b->newer = e->newer;
        err_clear(e);
    } else if (strlist_has(&li->revoked, b->label->run)) {
        b->state = BACKUP_VOID;
        b->problem = xasprintf("its run %s was revoked before it had ended", b->label->run);
    } else {
        if (check_part(r, db, s, b->label, LABEL_MANIFEST, &b->problem, e) != 0 ||
            (b->problem == NULL && check_part(r, db, s, b->label, LABEL_CHUNKS, &b->problem, e) != 0)) {
            return -1;
        }
        b->state = b->problem == NULL ? BACKUP_COMMITTED : BACKUP_DAMAGED;
    }
    return 0;
}

static int
list_below(struct repo *r, const char *db, const char *what, storage_list_fn *fn, struct listing *li, struct err *e)
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
    label_free(b->label);
}

static bool
has_part(const struct seen *s, const char *begins)
{
    for (size_t i = 0; i < s->n; i++) {
        if (strncmp(s->v[i].name, begins, strlen(begins)) == 0) {
            return true;
        }
    }
    return false;
}

/* Those are put last before the label: nearly all unfinished runs ended long before. */
static void
note_unlabelled(const struct listing *li, const struct seen *s, struct backup_list *list)
{
    bool expired = false;

    for (size_t i = 0; !expired && i < li->tombstones.n; i++) {
        expired = strncmp(li->tombstones.v[i], s->id, strlen(s->id)) == 0;
    }
    if (!expired && has_part(s, "chunks") && has_part(s, "manifest")) {
        strlist_add(&list->unlabelled, s->id);
    }
}

int
backup_list_load(struct repo *r, const char *db, struct backup_list *list, struct err *e)
{
    struct listing li = {0};
    int            rc = -1;

    *list = (struct backup_list){0};
    /* Labels first: a run revoked after this look counts at the next. */
    if (list_below(r, db, "backups", see_backup, &li, e) != 0 || list_below(r, db, "runs", see_run, &li, e) != 0 ||
        tombstones_load(r, db, &li.tombstones, e) != 0) {
        goto out;
    }
    for (size_t i = 0; i < li.n; i++) {
        struct backup_entry b = {0};

        if (!li.v[i].has_label) {
            note_unlabelled(&li, &li.v[i], list);
            continue;
        }
        if (judge(r, db, &li.v[i], &li, &b, e) != 0) {
            entry_free(&b);
            if (e->kind == ERR_NOT_FOUND) {
                err_clear(e);       /* expired since the listing */
                continue;
            }
            goto out;
        }
        if (tombstones_have(&li.tombstones, b.id, b.label == NULL ? NULL : b.label->run)) {
            entry_free(&b);         /* expired: the prune that said so has not removed its label yet */
            continue;
        }
        VEC_GROW(list->v, list->n, list->cap);
        list->v[list->n++] = b;
    }
    rc = 0;
out:
    if (rc != 0) {
        backup_list_free(list);
        err_wrap(e, "could not list the backups of \"%s\"", db);
    }
    listing_free(&li);
    return rc;
}

void
backup_list_free(struct backup_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        entry_free(&list->v[i]);
    }
    free(list->v);
    strlist_free(&list->unlabelled);
    *list = (struct backup_list){0};
}

const char *
backup_state_text(enum backup_state state)
{
    return state == BACKUP_COMMITTED ? "committed" : state == BACKUP_VOID ? "void" : "damaged";
}

/* ---- which one is meant ---- */

static int
no_such_database(struct repo *r, const char *db, struct err *e)
{
    struct strlist names = {0};
    struct buf     text = BUF_INIT(400);
    struct err     ignored = ERR_INIT;

    if (repo_databases(r, &names, e) != 0) {
        strlist_free(&names);
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        if (buf_printf(&text, &ignored, "%s\"%s\"", i == 0 ? "" : ", ", names.v[i]) != 0) {
            break;
        }
    }
    err_set(e, ERR_NOT_FOUND, "no backup of \"%s\" in repository \"%s\"", db, r->st->location);
    err_hint(e, names.n == 0 ? "the repository is empty%s" : "it holds backups of %s", buf_str(&text));
    strlist_free(&names);
    buf_free(&text);
    return -1;
}

static struct backup_entry *
find_id(struct repo *r, const struct damage *d, const struct backup_list *list, const char *id, struct err *e)
{
    for (size_t i = 0; i < list->n; i++) {
        struct backup_entry *b = &list->v[i];

        if (strcmp(b->id, id) != 0) {
            continue;
        }
        if (damage_judge(r, d, b, e) != 0) {
            return NULL;
        }
        if (b->state == BACKUP_DAMAGED && b->label != NULL) {
            log_warn("backup %s is damaged: %s", id, b->problem);       /* what needs the bad object will say so */
        } else if (b->state != BACKUP_COMMITTED) {
            err_set(e, ERR_CORRUPT, "backup %s is %s: %s", id, backup_state_text(b->state), b->problem);
            return NULL;
        }
        return b;
    }
    err_set(e, ERR_NOT_FOUND, "no backup \"%s\"", id);
    return NULL;
}

/* Could "the newest (as old as that)" mean it?  A label that cannot be read may have been the one that is meant. */
static bool
eligible(const struct backup_entry *b, time_t at)
{
    char text[32];

    if (b->state == BACKUP_VOID) {
        return false;
    }
    if (b->label == NULL) {
        return at == 0 || strncmp(b->id, time_compact(at, text, sizeof text), strlen("20261121T021500Z")) <= 0;
    }
    return strcmp(b->label->scope, "full") == 0 && (at == 0 || b->label->snapshot <= at);
}

static struct backup_entry *
none(const struct backup_entry *damaged, time_t at, struct err *e)
{
    char text[32];

    if (damaged != NULL) {
        err_set(e, ERR_CORRUPT, "no whole backup: the newest, %s, is damaged: %s", damaged->id, damaged->problem);
        err_hint(e, "another repository may hold it whole (--repo NAME), and heal this one: pgassay storage scrub --repair-from NAME");
    } else if (at == 0) {
        err_set(e, ERR_NOT_FOUND, "no whole backup");
    } else {
        err_set(e, ERR_NOT_FOUND, "no whole backup as old as %s", time_rfc3339(at, text, sizeof text));
    }
    return NULL;
}

static void
warn_unlabelled(const struct backup_list *list, const struct backup_entry *b, time_t at)
{
    const struct strlist *ids = &list->unlabelled;

    if (at == 0 && ids->n > 0 && strcmp(ids->v[ids->n - 1], b->id) > 0) {
        log_warn("something newer than backup %s has no label: %s is being written, was never finished, or its label was lost",
                 b->id, ids->v[ids->n - 1]);
    }
}

/* Nobody gets older data than he asked for without having said so: a damaged newest backup is refused, not passed over. */
static struct backup_entry *
find_newest(struct repo *r, const struct damage *d, const struct backup_list *list, time_t at, struct err *e)
{
    const struct backup_entry *damaged = NULL;
    char                       text[32];

    for (size_t i = list->n; i-- > 0;) {
        struct backup_entry *b = &list->v[i];

        if (!eligible(b, at)) {
            continue;
        }
        if (damage_judge(r, d, b, e) != 0) {
            return NULL;
        }
        if (b->state == BACKUP_COMMITTED && damaged == NULL) {
            warn_unlabelled(list, b, at);
            return b;
        }
        if (b->state == BACKUP_COMMITTED) {
            err_set(e, ERR_CORRUPT, "the newest backup, %s, is damaged: %s", damaged->id, damaged->problem);
            err_hint(e, "the newest good one is of %s: --backup %s; or heal the damaged one from another repository: "
                     "pgassay storage scrub %s --repair-from REPO",
                     time_rfc3339(b->label->snapshot, text, sizeof text), b->id, b->label->db);
            return NULL;
        }
        damaged = damaged == NULL ? b : damaged;
    }
    return none(damaged, at, e);
}

/* The newest ten, so that the operator need not call `list`. */
static void
hint_backups(const struct backup_list *list, struct err *e)
{
    struct buf text = BUF_INIT(480);
    struct err full = ERR_INIT;

    for (size_t i = list->n; i-- > 0 && list->n - i <= 10;) {
        const struct backup_entry *b = &list->v[i];
        const char *what = b->state == BACKUP_VOID ? " (void)" : b->state == BACKUP_DAMAGED ? " (damaged)" :
                           strcmp(b->label->scope, "full") != 0 ? " (partial)" : "";

        if (buf_printf(&text, &full, "%s%s%s", text.len == 0 ? "" : ", ", b->id, what) != 0) {
            break;
        }
    }
    err_hint(e, "newest first, there are: %s", buf_str(&text));
    buf_free(&text);
}

struct label *
backup_find(struct repo *r, const char *db, const char *which, time_t at, struct err *e)
{
    bool                 by_id = which != NULL && strcmp(which, "latest") != 0;
    struct backup_list   list;
    struct backup_entry *b = NULL;
    struct label        *l = NULL;
    struct damage        d = {0};

    if (backup_list_load(r, db, &list, e) != 0) {
        return NULL;
    }
    if (list.n == 0) {
        no_such_database(r, db, e);
    } else if (damage_load(r, db, &d, e) == 0 &&
               (b = by_id ? find_id(r, &d, &list, which, e) : find_newest(r, &d, &list, at, e)) == NULL) {
        if (e->hint[0] == '\0') {
            hint_backups(&list, e);
        }
        err_wrap(e, "\"%s\" in repository \"%s\"", db, r->st->location);
    } else if (b != NULL) {
        l = b->label;
        b->label = NULL;
    }
    damage_free(&d);
    backup_list_free(&list);
    return l;
}
