/*
 * repair.c - what is healed, in which order.
 *
 *   1. Each backup's chunk list and manifest, since they say what is needed.  Bad ones are rebuilt
 *      bit for bit, or taken from a mirror (repair_list.c); if that is impossible, or the label is
 *      bad, the whole backup is copied from the other repository (repair_label.c).
 *   2. Backups whose label is missing, if no run is writing: it could be that run's.
 *   3. Chunks: all that condemned lists and a listing show to be lost (damage.h) and a chunk list
 *      needs is searched in the other repository (repair_find.c), read there, and stored as a new
 *      object beside the bad one.  A writer for each epoch, since its keys name and seal contents.
 *   4. Backups that need a chunk which is not found: where the other repository holds the same rows
 *      in other chunks, as a copy made whole does of what are deltas here, it takes their place.
 *
 * A chunk is right when it has the id that it has here: for an opened one the id is computed from
 * the plaintext, for one that stays sealed it is in the name, and the seal is bound to it.
 * Manifests are not changed: readers find the new object by the id.
 *
 * Nothing bad is replaced before its replacement is at hand, and nothing is taken for bad after one
 * reading: labels, too, are read again.
 */
#include "storage/heal/repair.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/log.h"
#include "core/pool.h"
#include "core/progress.h"
#include "storage/heal/repair_impl.h"
#include "storage/read/parts.h"
#include "storage/read/reader.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/label_load.h"
#include "storage/write/writer.h"

/* ---- one chunk ---- */

struct hands { /* one thread's */
    struct codec *codec;
    struct buf    scratch, out;
};

struct healing { /* one epoch's */
    struct repairing *repairing;
    unsigned          epoch;
    bool           as_stored; /* it is encrypted for the same keys there: it need not be opened */
    struct writer *writer;
    struct chunkbufs *bufs;
    struct hands     *hands;
};

/* 1: the object there does not help. */
static int
no_help(struct healing *h, const struct repair_lost *lost, struct err *e)
{
    char name[CHUNK_NAME_MAX];

    if (e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    log_warn("chunk \"%s\" in repository \"%s\" does not help: %s",
             chunk_name_format(&lost->there.name, name), h->repairing->from->st->location, e->text);
    err_clear(e);
    return 1;
}

/* The object there, opened and checked there, must have the id that it has here. */
static int
fetch_opened(struct healing *h, struct hands *me, const struct repair_lost *lost,
             const struct chunk_ref *here, struct chunkbuf *b, struct err *e)
{
    struct repairing    *r = h->repairing;
    struct chunk_payload payload;
    uint8_t              id[SHA256_BYTES];

    if (chunk_read_payload(r->from, r->db, &lost->there, me->codec, &me->scratch, &me->out,
                           &payload, e) != 0) {
        return no_help(h, lost, e);
    }
    writer_chunk_id(h->writer, me->out.data, me->out.len, id);
    if (memcmp(id, here->name.id, sizeof id) != 0) {
        return 1; /* the same place, other rows */
    }
    b->codec = payload.codec;
    b->raw_size = me->out.len;
    return writer_encode(h->writer, id, payload.data, payload.n, b, e);
}

/* An unopened object is named by its id, which is the same here and there. */
static int
fetch_stored(struct healing *h, const struct repair_lost *lost, const struct chunk_ref *here,
             struct chunkbuf *b, struct err *e)
{
    struct repairing        *r = h->repairing;
    const struct chunk_name *there = &lost->there.name;

    if (memcmp(there->id, here->name.id, sizeof there->id) != 0) {
        return 1;
    }
    if (chunk_read_stored(r->from, r->db, &lost->there, &b->data, e) != 0) {
        return no_help(h, lost, e);
    }
    memcpy(b->sha256, there->sha256, sizeof b->sha256);
    b->codec = (enum codec_kind)there->codec;
    b->sealed = there->sealed;
    b->raw_size = lost->there.raw_size;
    return 0;
}

static int
store(struct healing *h, struct hands *me, struct repair_lost *lost, const struct chunk_ref *here,
      struct err *e)
{
    struct chunkbuf    *b = chunkbuf_take(h->bufs);
    int                 rc = h->as_stored ? fetch_stored(h, lost, here, b, e)
                                          : fetch_opened(h, me, lost, here, b, e);
    bool                missing;
    struct chunk_number number;

    if (rc == 0) {
        number = writer_claim(h->writer, here->name.id, &missing);
        if (missing) {
            writer_send(h->writer, number, b);
        }
        lost->healed = true;
        progress_add(here->size);
    }
    chunkbuf_drop(b);
    return rc < 0 ? -1 : 0;
}

static int
heal_one(void *ctx, void *task, int worker, struct err *e)
{
    struct healing         *h = ctx;
    struct repairing       *r = h->repairing;
    struct repair_lost     *lost = task;
    const struct chunk_ref *here = &r->names.v[(size_t)(lost - r->v)].ref;

    if (cancel_check(e) != 0 || writer_tick(h->writer, e) != 0 ||
        writer_failed(h->writer, e) != 0) {
        return -1;
    }
    return store(h, &h->hands[worker], lost, here, e);
}

/* ---- all of them ---- */

static int
in_parallel(struct healing *h, int jobs, struct err *e)
{
    struct repairing *r = h->repairing;
    struct pool      *pool = pool_new(jobs, heal_one, h);
    int               rc;

    for (size_t i = 0; i < r->names.n; i++) {
        if (r->v[i].found && r->names.v[i].ref.name.epoch == h->epoch) {
            pool_add(pool, &r->v[i], 0);
        }
    }
    rc = pool_wait(pool, NULL, 0, e);
    pool_free(pool);
    return rc;
}

static int
heal_epoch(struct repairing *r, unsigned epoch, int jobs, struct err *e)
{
    struct healing        h = {.repairing = r,
                               .epoch = epoch,
                               .as_stored = keyring_same(r->from->keys, r->to->keys, epoch)};
    struct writer_options o = {
        .db = r->db, .threads = jobs, .epoch = epoch, .as_stored = h.as_stored};
    struct writer_stats stats;
    int                 rc = -1;

    h.writer = writer_begin(r->to, &o, e);
    if (h.writer == NULL) {
        return -1;
    }
    h.bufs = chunkbufs_new(2 * (size_t)jobs, CHUNK_STORED_MAX);
    h.hands = xcalloc((size_t)jobs, sizeof *h.hands);
    for (int i = 0; i < jobs; i++) {
        h.hands[i].codec = codec_new(CODEC_DEFAULT);
        h.hands[i].scratch.max = CHUNK_STORED_MAX;
        h.hands[i].out.max = CHUNK_RAW_MAX;
    }
    rc = in_parallel(&h, jobs, e);
    if (rc == 0) {
        rc = writer_settle(h.writer, e);
    }
    writer_stats(h.writer, &stats);
    r->result->chunks += stats.new_chunks;
    r->result->bytes += stats.new_bytes;
    writer_end(h.writer);
    for (int i = 0; i < jobs; i++) {
        codec_free(h.hands[i].codec);
        buf_free(&h.hands[i].scratch);
        buf_free(&h.hands[i].out);
    }
    free(h.hands);
    chunkbufs_free(h.bufs);
    return rc;
}

/* Each epoch has keys of its own, and so a writer. */
static int
heal(struct repairing *r, int jobs, struct err *e)
{
    for (unsigned epoch = 1; epoch <= r->to->epoch; epoch++) {
        bool any = false;

        for (size_t i = 0; i < r->names.n; i++) {
            any = any || (r->v[i].found && r->names.v[i].ref.name.epoch == epoch);
        }
        if (any && heal_epoch(r, epoch, jobs, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- backups of which chunks stay lost ---- */

struct needing {
    struct repairing *repairing;
    bool              any, mark;
};

static int
needs_lost(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct needing   *n = ctx;
    struct repairing *r = n->repairing;
    size_t            i = chunkindex_find_name(&r->names, &line->name);

    (void)e;
    if (i != SIZE_MAX && !r->v[i].healed) {
        n->any = true;
        r->v[i].needed |= n->mark;
    }
    return 0;
}

/* Its chunk list was looked at before: what cannot be read of it is a finding already. */
static int
replace_one(struct repairing *r, const struct label *l, int jobs, struct err *e)
{
    struct needing n = {.repairing = r};
    struct err     bad = ERR_INIT;
    bool           replaced = false;

    (void)chunk_list_read(r->to, l, needs_lost, &n, &bad);
    if (n.any && repair_otherwise(r, l, jobs, &replaced, e) != 0) {
        return -1;
    }
    if (n.any && !replaced) {
        n.mark = true;
        (void)chunk_list_read(r->to, l, needs_lost, &n, &bad);
    }
    return 0;
}

static int
replace_backups(struct repairing *r, const struct backup_list *list, int jobs, struct err *e)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].label != NULL && list->v[i].state != BACKUP_VOID &&
            (cancel_check(e) != 0 || replace_one(r, list->v[i].label, jobs, e) != 0)) {
            return -1;
        }
    }
    for (size_t i = 0; i < r->names.n; i++) {
        r->result->lost += r->v[i].needed;
    }
    return 0;
}

static uint64_t
bytes_there(const struct repairing *r)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < r->names.n; i++) {
        bytes += r->v[i].found ? r->names.v[i].ref.size : 0;
    }
    return bytes;
}

static int
repair_chunks(struct repairing *r, const struct repair_request *q, const struct backup_list *list,
              struct err *e)
{
    struct damage d;
    uint64_t      bytes;
    int           rc = damage_load(r->to, r->db, &d, e);

    if (rc == 0) {
        rc = damage_look(r->to, r->db, list, &d, e);
    }
    if (rc == 0) {
        rc = repair_find_lost(r, &d, list, e);
    }
    damage_free(&d);
    if (rc != 0 || r->names.n == 0) {
        return rc;
    }
    rc = repair_find_there(r, e);
    bytes = bytes_there(r);
    if (rc == 0 && bytes > 0) {
        progress_start("healing", bytes, q->quiet);
        rc = heal(r, q->jobs, e);
        progress_end();
    }
    return rc != 0 ? -1 : replace_backups(r, list, q->jobs, e);
}

/* A label that was bad at one reading: a second opinion, before anything is replaced. NULL: bad
 * again. */
static struct label *
label_anew(const struct repairing *r, const char *id)
{
    struct err e = ERR_INIT;

    return label_load_anew(r->to, r->db, id, &e);
}

/* A flipped bit in a label's digests makes all that it names look bad: it is read again first. */
static int
repair_parts(struct repairing *r, const struct label *l, char **problem, struct err *e)
{
    struct label *anew;
    int           rc = repair_lists_bad(r, l, e);

    if (rc <= 0) {
        return rc;
    }
    anew = label_anew(r, l->id);
    rc = repair_lists(r, anew != NULL ? anew : l, problem, e);
    label_free(anew);
    return rc;
}

static int
repair_one(struct repairing *r, const struct backup_entry *b, int jobs, struct err *e)
{
    struct label *anew = b->label != NULL || b->newer ? NULL : label_anew(r, b->id);
    char         *problem = NULL;
    int           rc = 0;

    if (b->newer) { /* it may be intact */
        strlist_take(&r->result->failed, xasprintf("backup %s: %s", b->id, b->problem));
    } else if (b->label == NULL && anew == NULL) {
        problem = xstrdup(b->problem);
    } else {
        rc = repair_parts(r, anew != NULL ? anew : b->label, &problem, e);
    }
    if (rc == 0 && problem != NULL) {
        rc = repair_backup(r, b->id, problem, jobs, e);
    }
    label_free(anew);
    free(problem);
    return rc;
}

/* Labels that were lost altogether.  Not while a run is writing: it may be that run's. */
static int
repair_unlabelled(struct repairing *r, const struct backup_list *list, int jobs, struct err *e)
{
    bool quiet = false;
    int  rc = list->unlabelled.n > 0 ? repair_nobody_writes(r, &quiet, e) : 0;

    for (size_t i = 0; rc == 0 && quiet && i < list->unlabelled.n; i++) {
        struct err    gone = ERR_INIT;
        struct label *there = label_load(r->from, r->db, list->unlabelled.v[i], &gone);

        /* It was never finished there either, or was removed since: nothing was lost. */
        if (there != NULL) {
            rc = repair_backup(r, there->id, "its label is missing", jobs, e);
        }
        label_free(there);
    }
    return rc;
}

static int
repair_all_lists(struct repairing *r, const struct backup_list *list, int jobs, struct err *e)
{
    for (size_t i = 0; i < list->n; i++) {
        if (cancel_check(e) != 0 ||
            (list->v[i].state != BACKUP_VOID && repair_one(r, &list->v[i], jobs, e) != 0)) {
            return -1;
        }
    }
    return 0;
}

static void
repairing_free(struct repairing *r)
{
    free(r->v);
    chunkindex_free(&r->names);
}

int
repair_run(struct repo *to, struct repo *from, const struct repair_request *q,
           struct repair *result, struct err *e)
{
    struct repairing   r = {.to = to, .from = from, .db = q->db, .result = result};
    struct backup_list list;
    int                rc;

    *result = (struct repair){0};
    rc = backup_list_load(to, q->db, &list, e);
    if (rc == 0) {
        rc = repair_all_lists(&r, &list, q->jobs, e) != 0 ||
                repair_unlabelled(&r, &list, q->jobs, e) != 0
            ? -1
            : 0;
        backup_list_free(&list);
    }
    /* Now the chunk lists say what is needed. */
    if (rc == 0 && (rc = backup_list_load(to, q->db, &list, e)) == 0) {
        rc = repair_chunks(&r, q, &list, e);
        backup_list_free(&list);
    }
    repairing_free(&r);
    return rc == 0
        ? 0
        : err_wrap(e, "could not heal \"%s\" from repository \"%s\"", q->db, from->st->location);
}

void
repair_free(struct repair *result)
{
    strlist_free(&result->failed);
}
