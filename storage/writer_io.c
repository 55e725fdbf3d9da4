/*
 * The writer's second half: each worker has a thread that puts one chunk while the worker compresses the next.
 *
 * A put() waits for the disk (two fsync()s, 0.1 to 10 ms and more) or the network, and costs no CPU; without this a
 * worker, and the server's COPY behind it, would wait too.  At most one chunk a worker is on its way, so the cost is
 * one more buffer of compressed bytes.  What fails shows at the next writer_put() or at the commit.
 */
#include <stdlib.h>

#include "core/hash.h"
#include "storage/writer_impl.h"

/* Called without the lock. */
static int
put_chunk(struct writer *w, const struct known *k, const struct buf *stored, struct err *e)
{
    char  name[CHUNK_NAME_MAX];
    char *key;
    int   rc;

    chunk_name_format(&k->name, name);
    key = chunk_key(w->db, name);
    rc = storage_put(w->repo->st, key, stored->data, stored->len, e);
    free(key);
    if (rc == 0) {
        journal_add(w->journal, name, k->size, k->raw_size);
    }
    return rc;
}

static void
settle(struct writer *w, size_t index, int rc, const struct err *e)
{
    struct known *k = &w->known.v[index];

    k->state = rc == 0 ? KNOWN_WRITTEN : KNOWN_FAILED;
    if (rc == 0) {
        w->stats.new_chunks++;
        w->stats.new_bytes += k->size;
    } else if (w->failed.kind == ERR_NONE) {
        w->failed = *e;
    }
}

static void *
io_thread(void *arg)
{
    struct writer_worker *ww = arg;
    struct writer        *w = ww->writer;

    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        struct err   e = ERR_INIT;
        struct known k;
        int          rc;

        while (ww->sending == NULL && !w->stopping) {
            (void)pthread_cond_wait(&w->changed, &w->lock);
        }
        if (ww->sending == NULL) {
            break;
        }
        k = w->known.v[ww->index];
        (void)pthread_mutex_unlock(&w->lock);
        rc = put_chunk(w, &k, ww->sending, &e);
        (void)pthread_mutex_lock(&w->lock);
        settle(w, ww->index, rc, &e);
        ww->sending = NULL;
        (void)pthread_cond_broadcast(&w->changed);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

int
writer_io_start(struct writer *w, struct err *e)
{
    for (int i = 0; i < w->n_workers; i++) {
        int code = pthread_create(&w->workers[i].thread, NULL, io_thread, &w->workers[i]);

        if (code != 0) {
            return err_set(e, ERR_IO, "could not start a thread");
        }
        w->workers[i].started = true;
    }
    return 0;
}

int
writer_io_send(struct writer *w, struct writer_worker *ww, size_t index, const struct known *k, struct err *e)
{
    int rc = 0;

    (void)pthread_mutex_lock(&w->lock);
    while (ww->sending != NULL) {
        (void)pthread_cond_wait(&w->changed, &w->lock);
    }
    w->known.v[index] = *k;
    if (w->failed.kind != ERR_NONE) {
        *e = w->failed;
        w->known.v[index].state = KNOWN_FAILED;
        rc = -1;
    } else {
        ww->sending = &ww->stored[ww->turn];
        ww->turn = 1 - ww->turn;
        ww->index = index;
    }
    (void)pthread_cond_broadcast(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
    return rc;
}

int
writer_io_drain(struct writer *w, struct err *e)
{
    int rc = 0;

    (void)pthread_mutex_lock(&w->lock);
    for (int i = 0; i < w->n_workers; i++) {
        while (w->workers[i].sending != NULL) {
            (void)pthread_cond_wait(&w->changed, &w->lock);
        }
    }
    if (w->failed.kind != ERR_NONE) {
        *e = w->failed;
        rc = -1;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return rc;
}

void
writer_io_stop(struct writer *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->stopping = true;
    (void)pthread_cond_broadcast(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->n_workers; i++) {
        if (w->workers[i].started) {
            (void)pthread_join(w->workers[i].thread, NULL);
        }
    }
}
