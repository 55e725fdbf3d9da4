/*
 * prune_refs.c - what the remaining backups need: every name in the chunk list of every backup that
 * does not expire.
 *
 * All labels are read, decide() names those that expire, and the chunk list of each other is read
 * whole: a backup that stays and whose needs are unknown ends the run, for whatever reason.  Names
 * go to a spool for each list, and the spools into a union that is merged on disk, so that one list
 * is in memory at a time.
 *
 * After P5 the labels are listed again, and chunk lists of those that are new are added (P6).  A
 * list is identified by "<backup>.<run>", not by the backup alone: a copy that replaced a damaged
 * backup has the same id and another list.  What a label needed that has expired since stays in the
 * union: too much is kept, which the next prune finds.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/quote.h"
#include "storage/read/parts.h"
#include "storage/retention/prune_impl.h"

/* ---- doubts ---- */

static int
check_time(const struct prune *p, const struct backup_entry *b, struct err *e)
{
    time_t              latest = prune_now(p) + PRUNE_CLOCK_OFF_MAX;
    const struct label *l = b->label;
    char                now[20];

    if (strncmp(b->id, time_compact(latest, now, sizeof now), strlen(now)) > 0 ||
        (l != NULL && (l->started > latest || l->snapshot > latest || l->finished > latest))) {
        err_set(e, ERR_CORRUPT, "backup %s is from the future", b->id);
        return quote_hint(e,
                          "the clock of the host that wrote it was wrong, or the store's is; to "
                          "give it up: ",
                          "pgassay", "storage", "forget", QUOTE_ARG(p->req->db), QUOTE_ARG(b->id),
                          "--reason", "TEXT");
    }
    return 0;
}

/* What a remaining backup needs must be known. */
static int
check_readable(const struct backup_entry *b, struct err *e)
{
    if (b->state == BACKUP_DAMAGED && b->lost_chunks == 0) {
        err_set(e, ERR_CORRUPT, "backup %s is damaged, and what it needs is not known: %s", b->id,
                b->problem);
        e->newer = b->newer;
        return err_hint(e,
                        b->untrusted   ? "if it is yours, trust its key (trust-backup); if not, "
                                         "somebody else writes here"
                            : b->newer ? "a newer pgassay wrote it: upgrade this one"
                                       : "heal it from another repository, or remove it by name");
    }
    return 0;
}

/* ---- chunk lists ---- */

/* It may have been expired by another host since it was listed: then it needs nothing. */
static bool
vanished(struct prune *p, const char *id)
{
    struct object_info info;
    struct err         none = ERR_INIT;
    char              *key = backup_key(p->req->db, id, "label.json");
    int                rc = storage_head(p->repo->st, key, &info, &none);

    free(key);
    return rc != 0 && none.kind == ERR_NOT_FOUND;
}

static char *
counted_name(const struct label *l)
{
    return xasprintf("%s.%s", l->id, l->run);
}

static int
count(struct prune *p, const struct label *l, struct err *e)
{
    struct chunkspool *names;
    char              *name = counted_name(l);
    int                rc = 0;

    if (strlist_find(&p->counted, name)) {
        free(name);
        return 0;
    }
    names = chunkspool_new(e);
    if (names == NULL || prune_tick(p, e) != 0) {
        rc = -1;
    } else if (chunk_list_read(p->repo, l, chunkspool_add_line, names, e) != 0) {
        rc = e->kind == ERR_NOT_FOUND && vanished(p, l->id) ? 1 : -1;
    }
    if (rc == 0) {
        rc = chunkspool_union_add(&p->refs, names, e);
        strlist_take(&p->counted, name);
        strlist_sort(&p->counted);
        return rc;
    }
    free(name);
    chunkspool_free(names);
    if (rc > 0) {
        err_clear(e);
    }
    return rc > 0 ? 0 : -1;
}

/* ---- P0's end: what is there, what goes ---- */

static int
decide(struct prune *p, struct err *e)
{
    struct strlist *gone = &p->gone;

    if (p->req->decide != NULL &&
        p->req->decide(p->req->ctx, &p->backups, p->out->now, gone, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < p->backups.n; i++) {
        if (p->backups.v[i].state == BACKUP_VOID && !strlist_has(gone, p->backups.v[i].id)) {
            strlist_add(gone, p->backups.v[i].id);
        }
    }
    strlist_sort(gone);
    return 0;
}

static void
note_ended(struct prune *p, const struct backup_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].label != NULL && list->v[i].state != BACKUP_VOID) {
            strlist_add(&p->ended, list->v[i].label->run);
        }
    }
    strlist_sort(&p->ended);
}

int
prune_read_labels(struct prune *p, struct err *e)
{
    note_ended(p, &p->backups);
    for (size_t i = 0; i < p->backups.n; i++) {
        if (check_time(p, &p->backups.v[i], e) != 0) {
            return -1;
        }
    }
    if (decide(p, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < p->backups.n; i++) {
        const struct backup_entry *b = &p->backups.v[i];

        if (!strlist_find(&p->gone, b->id) &&
            (check_readable(b, e) != 0 || count(p, b->label, e) != 0)) {
            return -1;
        }
    }
    return 0;
}

int
prune_read_new_labels(struct prune *p, struct err *e)
{
    struct backup_list list;
    int                rc = backup_list_load(p->repo, p->req->db, &list, e);

    if (rc != 0) {
        return -1;
    }
    note_ended(p, &list);
    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        const struct backup_entry *b = &list.v[i];

        if (b->state == BACKUP_VOID || (p->req->dry_run && strlist_find(&p->gone, b->id))) {
            continue;
        }
        rc = check_readable(b, e) != 0 || count(p, b->label, e) != 0 ? -1 : 0;
    }
    backup_list_free(&list);
    return rc;
}
