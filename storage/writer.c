#include "storage/writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/enc.h"
#include "core/hash.h"
#include "core/log.h"
#include "storage/object.h"
#include "storage/writer_impl.h"

static const double RENEW_SECONDS = 600;

static void
name_run(struct writer *w)
{
    char *enc = name_encode(w->db);

    random_hex(RUN_BYTES, w->run);
    w->mark_key = xasprintf("%s/runs/%s", enc, w->run);
    free(enc);
}

/* Ids sort by time: one taken in the same second as the newest there is must still sort behind it.  By a random
 * step, since two that begin at once must not agree. */
static void
name_backup(struct writer *w, const char *newest)
{
    enum { STEP_MAX = 64 };
    char     at[20];
    uint16_t digits;
    size_t   n;

    random_bytes(&digits, sizeof digits);
    (void)time_compact(time(NULL), at, sizeof at);
    n = strlen(at);
    if (strncmp(newest, at, n) == 0) {
        unsigned long last = strtoul(newest + n + 1, NULL, 16);

        if (last > UINT16_MAX - STEP_MAX) {
            (void)sleep(1);
            (void)time_compact(time(NULL), at, sizeof at);
        } else {
            digits = (uint16_t)(last + 1 + digits % STEP_MAX);
        }
    }
    (void)snprintf(w->id, sizeof w->id, "%s-%04x", at, digits);
}

/* W1 */
static int
announce(struct writer *w, struct err *e)
{
    json_t *o = object_new("run");
    char    host[256] = "";
    char    at[32];
    int     rc;

    (void)gethostname(host, sizeof host - 1);
    (void)json_object_set_new(o, "run", json_string(w->run));
    object_set_text(o, "host", host);
    (void)json_object_set_new(o, "pid", json_integer(getpid()));
    (void)json_object_set_new(o, "started", json_string(time_rfc3339(time(NULL), at, sizeof at)));
    (void)json_object_set_new(o, "tool", json_string("pgassay " PGASSAY_VERSION));
    rc = object_format(o, &w->mark, e);
    json_decref(o);
    if (rc == 0) {
        rc = storage_put(w->repo->st, w->mark_key, w->mark.data, w->mark.len, e);
    }
    w->marked = rc == 0;
    w->renewed = clock_seconds();
    return rc;
}

struct writer *
writer_begin(struct repo *r, const struct writer_options *o, struct err *e)
{
    struct writer *w = xcalloc(1, sizeof *w);
    char           newest[BACKUP_ID_MAX] = "";

    w->repo = r;
    w->db = xstrdup(o->db);
    w->codec = o->codec;
    w->mark = (struct buf)BUF_INIT(OBJECT_BYTES_MAX);
    w->n_workers = o->workers;
    w->workers = xcalloc((size_t)o->workers + 1, sizeof *w->workers);
    for (int i = 0; i < o->workers; i++) {
        w->workers[i].codec = codec_new(o->codec);
        w->workers[i].writer = w;
        for (int k = 0; k < 2; k++) {
            w->workers[i].stored[k] = (struct buf)BUF_INIT(codec_bound(o->codec.kind, CHUNK_RAW_MAX));
        }
    }
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->changed, NULL);
    name_run(w);
    if (announce(w, e) != 0 || writer_find_reusable(w, newest, e) != 0 || writer_io_start(w, e) != 0) {
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

const char *
writer_run(const struct writer *w)
{
    return w->run;
}

int
writer_check_revoked(struct writer *w, struct err *e)
{
    struct object_info info;
    char              *key = xasprintf("%s.revoked", w->mark_key);
    int                rc = storage_head(w->repo->st, key, &info, e);

    free(key);
    if (rc == 0) {
        err_set(e, ERR_BUSY, "run %s was revoked: a prune took it for dead", w->run);
        return err_hint(e, "take the backup again");
    }
    if (e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    err_clear(e);
    return 0;
}

int
writer_tick(struct writer *w, struct err *e)
{
    double     now = clock_seconds();
    struct err late = ERR_INIT;
    bool       due;

    (void)pthread_mutex_lock(&w->lock);
    due = now - w->renewed >= RENEW_SECONDS;
    if (due) {
        w->renewed = now;       /* one thread does it */
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (!due) {
        return 0;
    }
    /* A mark that is renewed late is no harm for 72 hours: the next time will do. */
    if (storage_put(w->repo->st, w->mark_key, w->mark.data, w->mark.len, &late) != 0) {
        log_warn("could not renew the run mark: %s", late.text);
    }
    return writer_check_revoked(w, e);
}

static void
fill_ref(const struct known *k, struct chunk_ref *out)
{
    char name[CHUNK_NAME_MAX];

    chunk_name_format(&k->name, name);
    *out = (struct chunk_ref){xstrdup(name), k->size, k->raw_size};
}

/* Finds the content stored, waiting for a worker that is just storing it; false: it is the caller's to
 * store, under *index. */
static bool
find_stored(struct writer *w, const uint8_t id[SHA256_BYTES], size_t *index, struct chunk_ref *out)
{
    bool found = false;

    (void)pthread_mutex_lock(&w->lock);
    while ((*index = known_find(&w->known, id)) != SIZE_MAX && w->known.v[*index].state == KNOWN_WRITING) {
        (void)pthread_cond_wait(&w->changed, &w->lock);
    }
    if (*index == SIZE_MAX) {
        *index = known_begin(&w->known, id);
    } else {
        struct known *k = &w->known.v[*index];

        if (k->state == KNOWN_REUSABLE && !k->used) {
            w->stats.reused_chunks++;
            w->stats.reused_bytes += k->size;
        }
        k->used = true;
        fill_ref(k, out);
        found = true;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return found;
}

/* Compresses into the worker's buffer and names the result. */
static int
compress(struct writer *w, struct writer_worker *ww, const void *raw, size_t n, struct known *k, struct err *e)
{
    struct buf *stored = &ww->stored[ww->turn];

    if (codec_compress(ww->codec, raw, n, stored, e) != 0) {
        return -1;
    }
    sha256(stored->data, stored->len, k->name.sha256);
    k->name.epoch = w->repo->epoch;
    k->name.codec = (uint8_t)w->codec.kind;
    (void)hex_decode(w->run, 2 * (size_t)RUN_BYTES, k->name.run, sizeof k->name.run);
    k->size = stored->len;
    k->raw_size = n;
    return 0;
}

/* It could not even be compressed: whoever waits for it has to try himself. */
static void
give_up(struct writer *w, size_t index)
{
    (void)pthread_mutex_lock(&w->lock);
    w->known.v[index].state = KNOWN_FAILED;
    (void)pthread_cond_broadcast(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
}

int
writer_put(struct writer *w, int worker, const void *raw, size_t n, struct chunk_ref *out, struct err *e)
{
    struct known          k = {.used = true, .state = KNOWN_WRITING};
    struct writer_worker *ww;
    size_t                index;

    if (n > CHUNK_RAW_MAX || worker < 0 || worker >= w->n_workers) {
        return err_set(e, ERR_USAGE, "a chunk of %zu bytes from worker %d is out of range", n, worker);
    }
    if (writer_tick(w, e) != 0) {
        return -1;
    }
    hmac_sha256(w->repo->id_key, raw, n, k.name.id);
    if (find_stored(w, k.name.id, &index, out)) {
        return 0;
    }
    ww = &w->workers[worker];
    if (compress(w, ww, raw, n, &k, e) != 0) {
        give_up(w, index);
        return -1;
    }
    if (writer_io_send(w, ww, index, &k, e) != 0) {
        return -1;
    }
    fill_ref(&k, out);
    return 0;
}

void
chunk_ref_free(struct chunk_ref *ref)
{
    free(ref->name);
    ref->name = NULL;
}

void
writer_stats(const struct writer *w, struct writer_stats *out)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&w->lock;

    (void)pthread_mutex_lock(lock);
    *out = w->stats;
    (void)pthread_mutex_unlock(lock);
}

void
writer_end(struct writer *w)
{
    struct err ignored = ERR_INIT;

    if (w == NULL) {
        return;
    }
    writer_io_stop(w);
    /* A label stands before its run mark goes: when one may stand whose put() failed, prune decides. */
    if (!w->label_tried && storage_remove(w->repo->st, (const char *const *)&w->mark_key, 1, &ignored) != 0 &&
        w->marked) {
        log_warn("could not remove the run mark: %s", ignored.text);
    }
    for (int i = 0; i < w->n_workers; i++) {
        codec_free(w->workers[i].codec);
        buf_free(&w->workers[i].stored[0]);
        buf_free(&w->workers[i].stored[1]);
    }
    free(w->workers);
    journal_close(w->journal);
    known_free(&w->known);
    buf_free(&w->mark);
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->changed);
    free(w->mark_key);
    free(w->db);
    free(w);
}
