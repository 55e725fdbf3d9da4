#include "backup/packer.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/pool.h"

struct packer {
    struct deltas  *deltas;
    struct pool    *pool;
    struct parcel  *parcels;
    size_t          n_parcels;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t  changed;
    struct parcel **idle; /* a stack, so that no more are filled than needed */
    size_t          n_idle;
    struct placed  *placed; /* by ticket */
    size_t          n, cap;
    struct err      failed;
};

static void
give_back(struct packer *p, struct parcel *x, const struct placed *placed, int rc,
          const struct err *e)
{
    pthread_mutex_lock(&p->lock);
    if (rc == 0) {
        p->placed[x->ticket] = *placed;
    } else if (p->failed.kind == ERR_NONE) {
        p->failed = *e;
    }
    buf_clear(&x->raw);
    marks_clear(&x->marks);
    p->idle[p->n_idle++] = x;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

static int
pack(void *ctx, void *parcel, int thread, struct err *e)
{
    struct packer *p = ctx;
    struct parcel *x = parcel;
    struct placed  placed = {0};
    int rc = deltas_put(p->deltas, thread, &x->at, x->raw.data, x->raw.len, &x->marks, &placed, e);

    give_back(p, x, &placed, rc, e);
    return rc;
}

struct packer *
packer_new(struct deltas *d, int readers)
{
    struct packer *p = xcalloc(1, sizeof *p);
    int            threads = readers > 1 ? readers - 1 : 1;

    p->deltas = d;
    p->n_parcels = (size_t)readers + (size_t)(threads > 1 ? threads / 2 : 1);
    p->parcels = xcalloc(p->n_parcels, sizeof *p->parcels);
    p->idle = xcalloc(p->n_parcels, sizeof *p->idle);
    for (size_t i = 0; i < p->n_parcels; i++) {
        p->parcels[i].raw = (struct buf)BUF_INIT(CHUNK_RAW_MAX);
        p->idle[p->n_idle++] = &p->parcels[i];
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    p->pool = pool_new(threads, pack, p);
    return p;
}

void
packer_free(struct packer *p)
{
    if (p == NULL) {
        return;
    }
    pool_free(p->pool);
    for (size_t i = 0; i < p->n_parcels; i++) {
        buf_free(&p->parcels[i].raw);
        marks_free(&p->parcels[i].marks);
    }
    for (size_t i = 0; i < p->n; i++) {
        placed_free(&p->placed[i]);
    }
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    free(p->parcels);
    free(p->idle);
    free(p->placed);
    free(p);
}

struct parcel *
packer_take(struct packer *p, struct err *e)
{
    struct parcel *x = NULL;

    pthread_mutex_lock(&p->lock);
    while (p->n_idle == 0 && p->failed.kind == ERR_NONE) {
        pthread_cond_wait(&p->changed, &p->lock);
    }
    if (p->failed.kind != ERR_NONE) {
        *e = p->failed;
    } else {
        x = p->idle[--p->n_idle];
    }
    pthread_mutex_unlock(&p->lock);
    return x;
}

size_t
packer_placed_already(struct packer *p, const struct placed *placed)
{
    size_t ticket;

    pthread_mutex_lock(&p->lock);
    VEC_GROW(p->placed, p->n, p->cap);
    p->placed[p->n] = *placed;
    ticket = p->n++;
    pthread_mutex_unlock(&p->lock);
    return ticket;
}

size_t
packer_put(struct packer *p, struct parcel *x)
{
    size_t ticket = x->ticket = packer_placed_already(p, &(struct placed){0});

    pool_add(p->pool, x, 0); /* from now on it may be somebody else's */
    return ticket;
}

int
packer_finish(struct packer *p, struct err *e)
{
    return pool_wait(p->pool, NULL, 0, e);
}

const struct placed *
packer_placed(const struct packer *p, size_t ticket)
{
    return &p->placed[ticket];
}
