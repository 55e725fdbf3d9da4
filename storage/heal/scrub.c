/*
 * scrub.c - the round: what is read, in which order, and what follows from it.
 *
 * All needed chunks have a position on a ring of 2^64 (usedchunks.h), and so has each manifest. A
 * scrub reads from w->from, where the last one ended, up to its limit: a share of the ring, some
 * bytes, some time.  It proceeds in slices, each as large as memory allows; for each slice
 *
 *   1. every chunk list is read, and what falls into the slice is collected, each chunk once;
 *   2. condemned chunks of the slice that are gone and not needed are forgotten;
 *   3. the manifests of the slice are read;
 *   4. its chunks are read, in the order of the ring (scrub_read.c).
 *
 * Everything bad is read a second time, avoiding whatever may have corrupted the first reading.
 *
 * Findings are settled at the end, in this order: which backups need them is checked again, as a
 * prune may have been at work (scrub_confirm()); the affected tables are looked up (scrub_trace());
 * bad objects are condemned, and condemned ones that are good are acquitted; then the position
 * where the next scrub begins is recorded.  A scrub that dies before that finds the same again.
 */
#include "storage/heal/scrub.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/progress.h"
#include "storage/heal/scrub_impl.h"
#include "storage/read/damage.h"
#include "storage/read/missing.h"
#include "storage/read/parts.h"
#include "storage/repo/backuplist.h"

/* ---- chunk lists and manifests ---- */

/* Chunk lists are read with every slice, hence by every scrub; manifests once a round. */

static void
note_bad_list(struct scrub *s, const char *backup, const char *object, const char *problem)
{
    struct scrub_work *w = s->work;
    struct bad_list   *b;

    for (size_t i = 0; i < w->n_bad_lists; i++) {
        if (strcmp(w->bad_lists[i].backup, backup) == 0 &&
            strcmp(w->bad_lists[i].object, object) == 0) {
            return;
        }
    }
    VEC_GROW(w->bad_lists, w->n_bad_lists, w->cap_bad_lists);
    b = &w->bad_lists[w->n_bad_lists++];
    *b = (struct bad_list){.object = xstrdup(object), .problem = xstrdup(problem)};
    memcpy(b->backup, backup, strlen(backup) + 1);
}

/* Rereads an object that was bad once.  0 also when it is bad again: that is a finding, not an
 * error. */
static int
second_opinion(struct scrub *s, const struct label *l, enum label_part part, struct err *e)
{
    char *object = label_part_name(l, part);
    int   rc = -1;

    if (e->newer) { /* it may be intact: see the backup's state */
        err_clear(e);
        free(object);
        return 0;
    }
    if (e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = part_check_anew(s->repo, l, part, e);
    }
    if (rc != 0 && (e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND)) {
        note_bad_list(s, l->id, object, e->text);
        err_clear(e);
        rc = 0;
    }
    free(object);
    return rc;
}

static int
bad_chunk_list(void *ctx, const struct backup_entry *b, struct err *e)
{
    return second_opinion(ctx, b->label, LABEL_CHUNKS, e);
}

/* A backup has a position on the ring like its chunks: its manifest is read once a round. */
static uint64_t
backup_place(const char *id)
{
    uint8_t hash[SHA256_BYTES];

    sha256(id, strlen(id), hash);
    return usedchunks_position(hash);
}

static int
read_manifests(struct scrub *s, const struct usedchunks_slice *slice, struct err *e)
{
    for (size_t i = 0; i < s->backups.n; i++) {
        const struct backup_entry *b = &s->backups.v[i];
        char                      *object;

        if (b->label == NULL || b->state == BACKUP_VOID ||
            !usedchunks_slice_holds(slice, backup_place(b->id))) {
            continue;
        }
        if (cancel_check(e) != 0) {
            return -1;
        }
        if (part_check(s->repo, b->label, LABEL_MANIFEST, e) != 0) {
            if (second_opinion(s, b->label, LABEL_MANIFEST, e) != 0) {
                return -1;
            }
            continue;
        }
        object = label_part_name(b->label, LABEL_MANIFEST);
        strlist_take(&s->work->good_lists, xasprintf("backups/%s/%s", b->id, object));
        free(object);
    }
    return 0;
}

/* ---- a slice ---- */

/* In the order of the ring, from w->slice_first. */
static int
by_place(const void *a, const void *b, void *ctx)
{
    const struct chunkindex_entry *const *x = a;
    const struct chunkindex_entry *const *y = b;
    uint64_t                              first = *(const uint64_t *)ctx;
    uint64_t                              px = usedchunks_position((*x)->ref.name.id) - first;
    uint64_t                              py = usedchunks_position((*y)->ref.name.id) - first;

    return (px > py) - (px < py);
}

/* The items to read: as many as --max-bytes allows.  Returns their number. */
static uint64_t
choose(struct scrub *s, struct chunkindex *set)
{
    struct scrub_work *w = s->work;
    uint64_t           max = w->request->max_bytes;
    uint64_t           bytes = 0;

    w->item = xcalloc(set->n + 1, sizeof *w->item);
    for (size_t i = 0; i < set->n; i++) {
        w->item[i] = &set->v[i];
    }
    qsort_r(w->item, set->n, sizeof *w->item, by_place, &w->slice_first);
    for (w->n_items = 0; w->n_items < set->n && (max == 0 || s->bytes + bytes < max);
         w->n_items++) {
        bytes += w->item[w->n_items]->ref.size;
    }
    return bytes;
}

/* Condemned objects that no backup needs and that are gone may be forgotten. */
static int
forget_gone(struct scrub *s, const struct usedchunks_slice *slice, const struct chunkindex *needed,
            struct err *e)
{
    struct scrub_work *w = s->work;

    for (size_t i = 0; i < w->condemned.chunks.n; i++) {
        const struct chunk_name *name = &w->condemned.chunks.v[i].ref.name;
        struct object_info       info;
        char                    *key;

        if (!usedchunks_slice_holds(slice, usedchunks_position(name->id)) ||
            chunkindex_find_name(needed, name) != SIZE_MAX) {
            continue;
        }
        key = chunk_key(s->db, name);
        if (storage_head(s->repo->st, key, &info, e) != 0) {
            if (e->kind != ERR_NOT_FOUND) {
                free(key);
                return -1;
            }
            err_clear(e);
            (void)chunkindex_trust_name(&w->acquitted, name);
        }
        free(key);
    }
    return 0;
}

/* *next: where the following slice begins, or what was left off. */
static int
scrub_slice(struct scrub *s, const struct usedchunks_slice *slice, uint64_t *next, struct err *e)
{
    struct scrub_work *w = s->work;
    struct chunkindex  set = {0};
    size_t             done = 0;
    int                rc = -1;

    w->slice_first = slice->first;
    if (usedchunks_collect(s->repo, &s->backups, slice, &set, bad_chunk_list, s, e) != 0 ||
        forget_gone(s, slice, &set, e) != 0 || read_manifests(s, slice, e) != 0) {
        goto out;
    }
    w->all_lists = true;
    progress_grow(choose(s, &set));
    rc = scrub_read(s, &done, e);
    if (done < set.n) {
        *next = usedchunks_position(w->item[done]->ref.name.id);
        if (rc == 0 && s->end == SCRUB_COMPLETE) {
            s->end = SCRUB_BYTES;
        }
    } else {
        *next = slice->first + slice->span + 1;
    }
out:
    free(w->item);
    w->item = NULL;
    w->n_items = 0;
    chunkindex_free(&set);
    return rc;
}

/* ---- the round ---- */

/* request->span + 1 places from w->from on, cut into slices; all arithmetic is modulo 2^64, where
 * UINT64_MAX as a span is the whole ring.  Slices until all that was asked for is read, or
 * something stops it.  w->next: how far it came. */
static int
go_round(struct scrub *s, struct err *e)
{
    struct scrub_work      *w = s->work;
    uint64_t                most = usedchunks_span(&s->backups);
    uint64_t                left = w->request->span;
    struct usedchunks_slice slice = {.first = w->from};

    w->next = w->from;
    for (;;) {
        uint64_t next = slice.first;
        int      rc;

        slice.span = left < most ? left : most;
        rc = scrub_slice(s, &slice, &next, e);
        w->next = next;
        if (rc != 0 || s->end != SCRUB_COMPLETE) {
            return rc;
        }
        if (slice.span == left) {
            break;
        }
        left -= slice.span + 1;
        slice.first = next;
    }
    w->round = w->request->span == UINT64_MAX;
    s->end = w->round ? SCRUB_COMPLETE : SCRUB_SHARE;
    return 0;
}

/* What was found is condemned before anything is remembered: a scrub that dies in between finds
 * it again. */
static int
settle(struct scrub *s, struct err *e)
{
    if ((s->bad_names.n > 0 && (scrub_confirm(s, 0, e) != 0 || scrub_trace(s, e) != 0)) ||
        scrub_condemn(s, e) != 0) {
        return -1;
    }
    scrub_remember(s, s->work->next);
    return scrub_judge(s, e);
}

static int
run(struct scrub *s, struct err *e)
{
    struct scrub_work *w = s->work;
    struct err         trouble = ERR_INIT;
    int                rc;

    if (backup_list_load(s->repo, s->db, &s->backups, e) != 0 ||
        condemned_load(s->repo, s->db, &w->condemned, e) != 0 || scrub_recall(s, e) != 0) {
        return -1;
    }
    progress_start("reading", 0, w->request->quiet);
    rc = go_round(s, e);
    progress_end();
    if (rc != 0 && e->kind == ERR_INTERRUPTED) {
        s->end = SCRUB_INTERRUPTED;
        err_clear(e);
        rc = 0;
    }
    if (settle(s, rc == 0 ? e : &trouble) != 0 && rc == 0) {
        rc = -1;
    }
    return rc != 0 ? -1 : scrub_recall(s, e);
}

int
scrub_run(struct scrub *s, const struct scrub_request *request, struct err *e)
{
    struct scrub_work w = {.request = request, .started = time(NULL)};
    int               rc;

    (void)pthread_mutex_init(&w.lock, NULL);
    s->work = &w;
    rc = run(s, e);
    s->work = NULL;
    (void)pthread_mutex_destroy(&w.lock);
    condemned_free(&w.condemned);
    chunkindex_free(&w.acquitted);
    strlist_free(&w.good_lists);
    strlist_free(&w.records);
    for (size_t i = 0; i < w.n_bad_lists; i++) {
        free(w.bad_lists[i].object);
        free(w.bad_lists[i].problem);
    }
    free(w.bad_lists);
    free(w.record);
    return rc;
}

int
scrub_judge(struct scrub *s, struct err *e)
{
    backup_list_free(&s->backups);
    strlist_free(&s->missing);
    return backup_list_load(s->repo, s->db, &s->backups, e) != 0 ||
            backup_list_check(s->repo, s->db, &s->backups, false, e) != 0 ||
            missing_find(s->repo, s->db, &s->backups, &s->missing, e) != 0
        ? -1
        : 0;
}

bool
scrub_good(const struct scrub *s)
{
    for (size_t i = 0; i < s->backups.n; i++) {
        if (s->backups.v[i].state == BACKUP_DAMAGED) {
            return false;
        }
    }
    return s->missing.n == 0;
}

const char *
scrub_end_text(enum scrub_end end)
{
    static const char *const text[] = {"complete", "share", "bytes", "time", "interrupted"};

    return text[end];
}
