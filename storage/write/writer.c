#include "storage/write/writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/human.h"
#include "storage/contract/object_lock.h"
#include "storage/keys/trust.h"
#include "storage/repo/source.h"
#include "storage/write/writer_impl.h"

/* Ids sort by time: one taken in the same second as the newest (of what was taken before: the
 * newest up to then) must still sort after it, and so must one after a backup whose clock was a
 * little ahead, which would be the latest until then.  By a random step, since two concurrent runs
 * must not get the same; where there is no room for one, in a later second. */
static void
name_backup(struct writer *w, const char *newest)
{
    enum { STEP_MAX = 64 };
    time_t        t = w->taken != 0 ? w->taken : time(NULL);
    char          at[20];
    uint16_t      digits;
    size_t        n = strlen(time_compact(t, at, sizeof at));
    unsigned long last;

    random_bytes(&digits, sizeof digits);
    if (newest[0] != '\0' && strncmp(newest, at, n) >= 0) {
        last = strtoul(newest + n + 1, NULL, 16);
        if (last > UINT16_MAX - STEP_MAX) {
            while (strncmp(newest, time_compact(++t, at, sizeof at), n) >= 0) {
            }
        } else {
            memcpy(at, newest, n);
            digits = (uint16_t)(last + 1 + digits % STEP_MAX);
        }
    }
    (void)snprintf(w->id, sizeof w->id, "%s-%04x", at, digits);
}

/* A name that stands for another database is refused before anything is read.  A new name is
 * bound when there is something to commit. */
static int
check_source(struct writer *w, struct err *e)
{
    struct repo_source bound = {0};
    int                has;

    if (w->source == NULL) {
        return 0;
    }
    if (source_load(w->repo, w->db, &bound, e) == 0) {
        source_free(&bound);
        return source_bind(w->repo, w->db, w->source, w->adopt, e);
    }
    if (e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    err_clear(e);
    has = w->adopt ? 0 : repo_has_backups(w->repo, w->db, e);
    return has > 0 ? source_bind(w->repo, w->db, w->source, false, e) : has;
}

static int
choose_epoch(struct writer *w, const struct writer_options *o, struct err *e)
{
    struct repo *r = w->repo;
    unsigned     number = o->epoch == 0 ? r->epoch : o->epoch;

    w->epoch = o->as_stored ? keyring_epoch(r->keys, number, e)
                            : keyring_write(r->keys, number, o->epoch == 0, e);
    return w->epoch == NULL ? -1 : 0;
}

struct writer *
writer_begin(struct repo *r, const struct writer_options *o, struct err *e)
{
    struct writer *w = xcalloc(1, sizeof *w);
    char           newest[BACKUP_ID_MAX] = "";

    w->repo = r;
    w->db = xstrdup(o->db);
    w->source = o->source;
    w->adopt = o->adopt;
    w->taken = o->taken;
    w->replace = o->replace;
    w->batch = o->batch;
    w->chain = o->chain != NULL ? o->chain : &w->own_chain;
    w->lock_until = storage_lock_until(r->st, time(NULL));
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->changed, NULL);
    if (choose_epoch(w, o, e) != 0 || trust_may(r->trust, "label", e) != 0 ||
        check_source(w, e) != 0 || run_mark_begin(&w->mark, w->repo, w->db, "", e) != 0 /* W1 */ ||
        writer_check_clock(w, e) != 0 || writer_find_reusable(w, newest, e) != 0 ||
        writer_io_start(w, o->threads, e) != 0) {
        err_wrap(e, "could not begin a backup of \"%s\"", w->db);
        writer_end(w);
        return NULL;
    }
    name_backup(w, newest);
    return w;
}

const char *
writer_backup_id(const struct writer *w)
{
    return w->id;
}

void
writer_set_id(struct writer *w, const char *id)
{
    (void)snprintf(w->id, sizeof w->id, "%s", id);
}

const char *
writer_run(const struct writer *w)
{
    return w->mark.run;
}

void
writer_chunk_id(const struct writer *w, const void *raw, size_t n, uint8_t id[SHA256_BYTES])
{
    hmac_sha256(w->epoch->naming.data, raw, n, id);
}

const uint8_t *
writer_fingerprint_key(const struct writer *w)
{
    return w->epoch->naming.data + ID_KEY;
}

bool
writer_seals(const struct writer *w)
{
    return w->epoch->sealed;
}

/* ---- what is stored of a content ---- */

int
writer_encode(const struct writer *w, const uint8_t id[SHA256_BYTES], const void *packed, size_t n,
              struct chunkbuf *out, struct err *e)
{
    uint8_t          what[CHUNK_SEALED_AS];
    struct sealed_as as = chunk_sealed_as(w->epoch->public, id, out->codec, what);
    int              rc;

    out->sealed = w->epoch->sealed;
    if (out->sealed) {
        rc = seal(&as, packed, n, &out->data, e);
    } else {
        buf_clear(&out->data);
        rc = buf_append(&out->data, packed, n, e);
    }
    if (rc == 0) {
        sha256(out->data.data, out->data.len, out->sha256);
    }
    return rc;
}

/* Under the lock. */
static void
use(struct writer *w, size_t number)
{
    struct chunkindex_entry *k = &w->known.v[number];

    if (k->state == CHUNKINDEX_REUSABLE && !k->used) {
        w->stats.reused_chunks++;
        w->stats.reused_bytes += k->ref.size;
    }
    k->used = true;
}

struct chunk_number
writer_claim(struct writer *w, const uint8_t id[SHA256_BYTES], bool *missing)
{
    size_t number;

    (void)pthread_mutex_lock(&w->lock);
    number = chunkindex_find(&w->known, id);
    *missing = number == SIZE_MAX;
    if (*missing) {
        number = chunkindex_begin(&w->known, id);
    }
    use(w, number);
    (void)pthread_mutex_unlock(&w->lock);
    return (struct chunk_number){(uint32_t)number};
}

bool
writer_claim_stored(struct writer *w, const struct chunk_ref *ref, struct chunk_number *number)
{
    size_t found;

    (void)pthread_mutex_lock(&w->lock);
    found = chunkindex_find_stored(&w->known, ref);
    if (found != SIZE_MAX) {
        use(w, found);
        *number = (struct chunk_number){(uint32_t)found};
    }
    (void)pthread_mutex_unlock(&w->lock);
    return found != SIZE_MAX;
}

bool
writer_find(struct writer *w, const uint8_t id[SHA256_BYTES], bool used,
            struct chunk_number *number)
{
    size_t found;

    (void)pthread_mutex_lock(&w->lock);
    found = chunkindex_find(&w->known, id);
    if (found != SIZE_MAX) {
        *number = (struct chunk_number){(uint32_t)found};
        if (used) {
            use(w, found);
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
    return found != SIZE_MAX;
}

const struct chunkindex *
writer_known(const struct writer *w)
{
    return &w->known;
}

void
writer_stats(struct writer *w, struct writer_stats *out)
{
    (void)pthread_mutex_lock(&w->lock);
    *out = w->stats;
    (void)pthread_mutex_unlock(&w->lock);
}

void
writer_end(struct writer *w)
{
    if (w == NULL) {
        return;
    }
    writer_io_stop(w);
    /* A label is stored before its run mark is removed: if it may exist although its put() failed,
     * prune decides. */
    if (!w->label_tried) {
        run_mark_remove(&w->mark);
    }
    if (w->batch != NULL && !w->committed && w->stats.new_chunks > 0) {
        batch_list_anew(w->batch);
    }
    run_mark_free(&w->mark);
    journal_close(w->journal);
    chain_free(&w->own_chain);
    chunkindex_free(&w->known);
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->changed);
    free(w->db);
    free(w);
}
