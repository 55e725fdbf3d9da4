/*
 * writer_io.c - threads that put chunks while the callers read and compress the next ones.
 *
 * A put() waits for the disk (two fsync()s, 0.1 to 10 ms and more) or the network, and costs no
 * CPU; without these threads a worker, and the server's COPY with it, would wait too.  Chunks lie
 * in their senders' buffers, whose number is limited (chunkbuf.h), so the queue needs no limit.
 */
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/enc.h"
#include "storage/write/writer_impl.h"

/* Called without the lock. */
static int
put_chunk(struct writer *w, const struct chunk_ref *ref, const struct buf *stored, struct err *e)
{
    char *key = chunk_key(w->db, &ref->name);
    int   rc = storage_put(w->repo->st, key, stored->data, stored->len, e);

    free(key);
    if (rc == 0) {
        journal_add(w->journal, ref);
    }
    return rc;
}

/* A failed one stays CHUNKINDEX_WRITING: the run is lost. */
static void
settle(struct writer *w, struct chunk_number number, int rc, const struct err *e)
{
    struct chunkindex_entry *k = &w->known.v[number.n];

    if (rc == 0) {
        k->state = CHUNKINDEX_WRITTEN;
        k->ref.retain_until =
            w->lock_until; /* or later: the step may have changed since the run began */
        w->stats.new_chunks++;
        w->stats.new_bytes += k->ref.size;
    } else if (w->failed.kind == ERR_NONE) {
        w->failed = *e;
    }
}

/* NULL: the writer stops. */
static struct writer_item *
next_item(struct writer *w)
{
    struct writer_item *item;

    while (w->first == NULL && !w->stopping) {
        (void)pthread_cond_wait(&w->changed, &w->lock);
    }
    item = w->first;
    if (item != NULL) {
        w->first = item->next;
    }
    return item;
}

static void *
io_thread(void *arg)
{
    struct writer      *w = arg;
    struct writer_item *item;

    (void)pthread_mutex_lock(&w->lock);
    while ((item = next_item(w)) != NULL) {
        struct err       e = ERR_INIT;
        struct chunk_ref ref = w->known.v[item->number.n].ref;
        bool             lost = w->failed.kind != ERR_NONE;
        int              rc = 0;

        (void)pthread_mutex_unlock(&w->lock);
        if (!lost) {
            rc = put_chunk(w, &ref, &item->chunk->data, &e);
        }
        chunkbuf_drop(item->chunk);
        (void)pthread_mutex_lock(&w->lock);
        if (!lost) {
            settle(w, item->number, rc, &e);
        }
        w->busy--;
        free(item);
        (void)pthread_cond_broadcast(&w->changed);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

int
writer_io_start(struct writer *w, int threads, struct err *e)
{
    w->threads = xcalloc((size_t)threads, sizeof *w->threads);
    for (; w->n_threads < threads; w->n_threads++) {
        if (pthread_create(&w->threads[w->n_threads], NULL, io_thread, w) != 0) {
            return err_set(e, ERR_IO, "could not start a thread");
        }
    }
    return 0;
}

/* The chunk's name, now that its stored bytes are known. */
static void
name_chunk(struct writer *w, struct chunk_ref *ref, const struct chunkbuf *c)
{
    memcpy(ref->name.sha256, c->sha256, sizeof ref->name.sha256);
    (void)hex_decode(w->mark.run, 2 * (size_t)RUN_BYTES, ref->name.run, sizeof ref->name.run);
    ref->name.epoch = w->epoch->number;
    ref->name.codec = (uint8_t)c->codec;
    ref->name.sealed = c->sealed;
    ref->size = c->data.len;
    ref->raw_size = c->raw_size;
}

void
writer_send(struct writer *w, struct chunk_number number, struct chunkbuf *c)
{
    struct writer_item *item = xcalloc(1, sizeof *item);

    chunkbuf_share(c);
    *item = (struct writer_item){.chunk = c, .number = number};
    (void)pthread_mutex_lock(&w->lock);
    name_chunk(w, &w->known.v[number.n].ref, c);
    if (w->first == NULL) {
        w->first = item;
    } else {
        w->last->next = item;
    }
    w->last = item;
    w->busy++;
    (void)pthread_cond_broadcast(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
}

int
writer_failed(struct writer *w, struct err *e)
{
    int rc = 0;

    (void)pthread_mutex_lock(&w->lock);
    if (w->failed.kind != ERR_NONE) {
        *e = w->failed;
        rc = -1;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return rc;
}

int
writer_io_drain(struct writer *w, struct err *e)
{
    (void)pthread_mutex_lock(&w->lock);
    while (w->busy > 0) {
        (void)pthread_cond_wait(&w->changed, &w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return writer_failed(w, e);
}

void
writer_io_stop(struct writer *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->stopping = true;
    (void)pthread_cond_broadcast(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->n_threads; i++) {
        (void)pthread_join(w->threads[i], NULL);
    }
    free(w->threads);
    w->threads = NULL;
    w->n_threads = 0;
}
