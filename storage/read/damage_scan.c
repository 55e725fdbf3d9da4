/* damage_scan.c - damage, as shown by listings. */
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/enc.h"
#include "storage/read/damage_impl.h"
#include "storage/read/usedchunks.h"

/* A listing below <db>/chunks/. */
struct looking {
    struct chunkindex *set;
    size_t             prefix; /* length of "<db>/chunks/" */
};

static int
list_chunks(struct repo *r, const char *db, const char *below, storage_list_fn *fn,
            struct chunkindex *set, struct err *e)
{
    char          *enc = name_encode(db);
    char          *prefix = xasprintf("%s/chunks/%s", enc, below);
    struct looking l = {set, strlen(enc) + strlen("/chunks/")};
    int            rc = storage_list(r->st, prefix, fn, &l, e);

    free(prefix);
    free(enc);
    return rc;
}

/* ---- twins ---- */

static int
see_twin(void *ctx, const struct object_info *info, struct err *e)
{
    struct looking   *l = ctx;
    struct chunk_name name;

    (void)e;
    if (chunk_name_parse(info->key + l->prefix, &name) == 0 &&
        chunkindex_find_name(l->set, &name) == SIZE_MAX) {
        chunkindex_replaced(l->set, name.id);
    }
    return 0;
}

int
damage_find_twins(struct repo *r, const char *db, struct damage *d, struct err *e)
{
    struct strlist below = {0};
    int            rc = 0;

    for (size_t i = 0; i < d->chunks.n; i++) {
        const struct chunk_name *name = &d->chunks.v[i].ref.name;

        if (d->chunks.v[i].state == CHUNKINDEX_TRUSTED) {
            strlist_take(&below, xasprintf("%u/%02x/", name->epoch, name->id[0]));
        }
    }
    strlist_sort(&below);
    for (size_t i = 0; rc == 0 && i < below.n; i++) {
        if (i == 0 || strcmp(below.v[i], below.v[i - 1]) != 0) {
            rc = list_chunks(r, db, below.v[i], see_twin, &d->chunks, e);
        }
    }
    strlist_free(&below);
    return rc;
}

/* ---- everything ---- */

static int
see_needed(void *ctx, const struct object_info *info, struct err *e)
{
    struct looking   *l = ctx;
    struct chunk_name name;

    (void)e;
    if (chunk_name_parse(info->key + l->prefix, &name) == 0) {
        chunkindex_listed(l->set, &name, info->size);
    }
    return 0;
}

static int
add_name(void *ctx, const char *name, struct err *e)
{
    (void)e;
    strlist_add(ctx, name);
    return 0;
}

/* One listing if everything is examined; else one for each pair of first digits in the slice, in
 * each epoch. */
static int
list_slice(struct repo *r, const char *db, const struct usedchunks_slice *s, struct chunkindex *set,
           struct err *e)
{
    struct strlist epochs = {0};
    char          *enc;
    char          *prefix;
    int            rc;

    if (s->span == UINT64_MAX) {
        return list_chunks(r, db, "", see_needed, set, e);
    }
    enc = name_encode(db);
    prefix = xasprintf("%s/chunks/", enc);
    rc = storage_dirs(r->st, prefix, add_name, &epochs, e);
    for (size_t i = 0; rc == 0 && i < epochs.n; i++) {
        for (unsigned aa = (unsigned)(s->first >> 56); rc == 0 && aa <= (s->first + s->span) >> 56;
             aa++) {
            char *below = xasprintf("%s/%02x/", epochs.v[i], aa);

            rc = list_chunks(r, db, below, see_needed, set, e);
            free(below);
        }
    }
    strlist_free(&epochs);
    free(prefix);
    free(enc);
    return rc;
}

/* A chunk list that cannot be used counts as condemned. */
static int
note_bad_list(void *ctx, const struct backup_entry *b, struct err *e)
{
    struct damage *d = ctx;
    char          *object = label_part_name(b->label, LABEL_CHUNKS);
    char          *key = xasprintf("backups/%s/%s", b->id, object);

    (void)e;
    if (!strlist_has(&d->objects, key)) {
        strlist_add(&d->objects, key);
    }
    free(key);
    free(object);
    return 0;
}

static int
look_slice(struct repo *r, const char *db, const struct backup_list *list,
           const struct usedchunks_slice *s, struct damage *d, struct err *e)
{
    struct chunkindex set = {0};
    int               rc = -1;

    if (usedchunks_collect(r, list, s, &set, note_bad_list, d, e) != 0 ||
        list_slice(r, db, s, &set, e) != 0) {
        goto out;
    }
    for (size_t i = 0; i < set.n; i++) {
        if (set.v[i].state == CHUNKINDEX_TRUSTED) {
            (void)chunkindex_trust(&d->chunks, &set.v[i].ref);
        }
    }
    rc = 0;
out:
    chunkindex_free(&set);
    return rc;
}

int
damage_look(struct repo *r, const char *db, const struct backup_list *list, struct damage *d,
            struct err *e)
{
    uint64_t                span = usedchunks_span(list);
    struct usedchunks_slice s = {0, span};

    for (;;) {
        if (cancel_check(e) != 0 || look_slice(r, db, list, &s, d, e) != 0) {
            return -1;
        }
        if (s.first + s.span == UINT64_MAX) {
            break;
        }
        s.first += s.span + 1;
        s.span = UINT64_MAX - s.first < span ? UINT64_MAX - s.first : span;
    }
    return damage_find_twins(r, db, d, e);
}
