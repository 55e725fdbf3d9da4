#include "storage/write/chunkbuf.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/mem.h"

struct chunkbufs {
    pthread_mutex_t   lock;
    pthread_cond_t    freed;
    struct chunkbuf  *v;
    size_t            n;
    struct chunkbuf **idle; /* a stack */
    size_t            n_idle;
};

struct chunkbufs *
chunkbufs_new(size_t n, size_t max)
{
    struct chunkbufs *set = xcalloc(1, sizeof *set);

    (void)pthread_mutex_init(&set->lock, NULL);
    (void)pthread_cond_init(&set->freed, NULL);
    set->v = xcalloc(n, sizeof *set->v);
    set->idle = xcalloc(n, sizeof *set->idle);
    set->n = set->n_idle = n;
    for (size_t i = 0; i < n; i++) {
        set->v[i] = (struct chunkbuf){.data = BUF_INIT(max), .set = set};
        set->idle[i] = &set->v[i];
    }
    return set;
}

void
chunkbufs_free(struct chunkbufs *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->n; i++) {
        buf_free(&set->v[i].data);
    }
    free(set->v);
    free(set->idle);
    (void)pthread_mutex_destroy(&set->lock);
    (void)pthread_cond_destroy(&set->freed);
    free(set);
}

struct chunkbuf *
chunkbuf_take(struct chunkbufs *set)
{
    struct chunkbuf *b;

    (void)pthread_mutex_lock(&set->lock);
    while (set->n_idle == 0) {
        (void)pthread_cond_wait(&set->freed, &set->lock);
    }
    b = set->idle[--set->n_idle];
    b->users = 1;
    (void)pthread_mutex_unlock(&set->lock);
    return b;
}

void
chunkbuf_share(struct chunkbuf *b)
{
    (void)pthread_mutex_lock(&b->set->lock);
    b->users++;
    (void)pthread_mutex_unlock(&b->set->lock);
}

void
chunkbuf_drop(struct chunkbuf *b)
{
    struct chunkbufs *set = b->set;

    (void)pthread_mutex_lock(&set->lock);
    if (--b->users == 0) {
        set->idle[set->n_idle++] = b;
        (void)pthread_cond_signal(&set->freed);
    }
    (void)pthread_mutex_unlock(&set->lock);
}
