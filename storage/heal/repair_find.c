/*
 * repair_find.c - what is lost here, and which object of the other repository holds it.
 *
 *   same bytes   Every chunk list there is read.  An object with the SHA-256 and the sizes of a
 *                lost one is identical.  If both repositories have the epoch's keys the same id is
 *                enough: contents sealed twice have different bytes.
 *   same place   For what is still not found: the manifests of the same backup, here and there.  If
 *                their tables of chunks are equally long, the chunk at the same place with the same
 *                raw size probably holds the same rows, stored in another way.  Its id shows
 *                whether it does (repair.c).  Needs keys to both manifests if they are encrypted.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/heal/repair_impl.h"
#include "storage/read/parts.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/label_load.h"

/* A damaged object is passed over: -1 only if nothing could be tried. */
static int
pass_over(struct err *e)
{
    if (e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    err_clear(e);
    return 0;
}

/* ---- here ---- */

struct finding {
    struct repairing    *repairing;
    const struct damage *damage;
    const char          *backup;
};

static int
find_lost(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct finding   *f = ctx;
    struct repairing *r = f->repairing;
    size_t            n = r->names.n;
    size_t            at = chunkindex_find_name(&f->damage->chunks, &line->name);

    (void)e;
    if (at == SIZE_MAX || f->damage->chunks.v[at].state != CHUNKINDEX_TRUSTED) {
        return 0;
    }
    if (chunkindex_trust(&r->names, line)) {
        VEC_GROW(r->v, n, r->cap);
        r->v[n] = (struct repair_lost){.healed = false};
        memcpy(r->v[n].backup, f->backup, strlen(f->backup) + 1);
        r->names.v[n].state = CHUNKINDEX_REUSABLE;
    }
    return 0;
}

int
repair_find_lost(struct repairing *r, const struct damage *d, const struct backup_list *list,
                 struct err *e)
{
    struct finding f = {r, d, NULL};

    for (size_t i = list->n; i-- > 0;) {
        f.backup = list->v[i].id;
        if (list->v[i].label != NULL && list->v[i].state != BACKUP_VOID &&
            chunk_list_read(r->to, list->v[i].label, find_lost, &f, e) != 0 && pass_over(e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- there: the same stored bytes ---- */

static void
take(struct repairing *r, size_t i, const struct chunk_ref *there)
{
    if (!r->v[i].found) {
        r->v[i].found = true;
        r->v[i].there = *there;
    }
}

static int
same_bytes(void *ctx, const struct chunk_ref *line, struct err *e)
{
    const struct chunk_name *name = &line->name;
    struct repairing        *r = ctx;
    size_t                   i = chunkindex_find_stored(&r->names, line);

    (void)e;
    /* Encrypted twice for the same keys, the bytes differ, and the id tells what they are. */
    if (i == SIZE_MAX && keyring_same(r->from->keys, r->to->keys, name->epoch)) {
        i = chunkindex_find(&r->names, name->id);
        i = i != SIZE_MAX && r->names.v[i].ref.name.epoch == name->epoch ? i : SIZE_MAX;
    }
    if (i != SIZE_MAX) {
        take(r, i, line);
    }
    return 0;
}

/* ---- there: the same place in the same backup ---- */

static void
same_places(struct repairing *r, const struct manifest *here, const struct manifest *there)
{
    for (size_t i = 0; here->n_chunks == there->n_chunks && i < here->n_chunks; i++) {
        size_t at = chunkindex_find_name(&r->names, &here->chunks[i].name);

        if (at != SIZE_MAX && here->chunks[i].raw_size == there->chunks[i].raw_size) {
            take(r, at, &there->chunks[i]);
        }
    }
}

static int
same_backup(struct repairing *r, const char *id, struct err *e)
{
    struct label *here = label_load(r->to, r->db, id, e);
    struct label *there = here == NULL ? NULL : label_load(r->from, r->db, id, e);
    bool          closed = there != NULL &&
        (!keyring_reads(r->to->keys, here->epoch) || !keyring_reads(r->from->keys, there->epoch));
    struct manifest *m = there == NULL || closed ? NULL : manifest_load(r->to, here, e);
    struct manifest *n = m == NULL ? NULL : manifest_load(r->from, there, e);

    if (n != NULL) {
        same_places(r, m, n);
    }
    label_free(here);
    label_free(there);
    manifest_free(m);
    manifest_free(n);
    return n != NULL || closed ? 0 : pass_over(e);
}

int
repair_find_there(struct repairing *r, struct err *e)
{
    struct backup_list list;
    struct strlist     asked = {0};
    int                rc = backup_list_load(r->from, r->db, &list, e);

    for (size_t i = list.n; rc == 0 && i-- > 0;) {
        if (list.v[i].label != NULL && list.v[i].state != BACKUP_VOID &&
            chunk_list_read(r->from, list.v[i].label, same_bytes, r, e) != 0) {
            rc = pass_over(e);
        }
    }
    for (size_t i = 0; rc == 0 && i < r->names.n; i++) {
        if (!r->v[i].found && !strlist_has(&asked, r->v[i].backup)) {
            strlist_add(&asked, r->v[i].backup);
            rc = same_backup(r, r->v[i].backup, e);
        }
    }
    strlist_free(&asked);
    backup_list_free(&list);
    return rc;
}
