#include "storage/read/readahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "storage/read/place.h"

/* A decoded chunk or delta, or why there is none. */
struct slot {
    uint32_t   chunk; /* UINT32_MAX: nothing */
    struct buf raw;
    struct err failed;
};

struct readahead {
    uint32_t            *expected;
    size_t               n, cap, next;
    struct slot          slots[2];
    int                  current; /* the caller's slot; the other one is read into */
    struct place_reader *reader;  /* of the reading thread: never two at once */
    pthread_t            thread;
    bool                 started;
    pthread_mutex_t      lock; /* for the two below */
    pthread_cond_t       changed;
    bool                 busy; /* the thread reads into the other slot */
    bool                 stopping;
};

struct readahead *
readahead_new(struct repo *repo, const char *db, const struct manifest *m)
{
    struct readahead *r = xcalloc(1, sizeof *r);

    r->reader = place_reader_new(repo, db, m);
    for (int i = 0; i < 2; i++) {
        r->slots[i] = (struct slot){.chunk = UINT32_MAX, .raw = BUF_INIT(CHUNK_RAW_MAX)};
    }
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->changed, NULL);
    return r;
}

static struct slot *
other(struct readahead *r)
{
    return &r->slots[1 - r->current];
}

/* Reads into the other slot, whose chunk is set. */
static void
fill(struct readahead *r)
{
    struct slot *s = other(r);

    err_clear(&s->failed);
    (void)place_read(r->reader, s->chunk, &s->raw, &s->failed);
}

static void *
thread_main(void *arg)
{
    struct readahead *r = arg;

    (void)pthread_mutex_lock(&r->lock);
    for (;;) {
        while (!r->busy && !r->stopping) {
            (void)pthread_cond_wait(&r->changed, &r->lock);
        }
        if (!r->busy) {
            break;
        }
        (void)pthread_mutex_unlock(&r->lock);
        fill(r);
        (void)pthread_mutex_lock(&r->lock);
        r->busy = false;
        (void)pthread_cond_signal(&r->changed);
    }
    (void)pthread_mutex_unlock(&r->lock);
    return NULL;
}

static void
wait_idle(struct readahead *r)
{
    (void)pthread_mutex_lock(&r->lock);
    while (r->busy) {
        (void)pthread_cond_wait(&r->changed, &r->lock);
    }
    (void)pthread_mutex_unlock(&r->lock);
}

/* Starts reading the next expected chunk, if any; the thread must be idle. */
static void
begin_next(struct readahead *r)
{
    while (r->next < r->n && r->expected[r->next] == r->slots[r->current].chunk) {
        r->next++;
    }
    if (r->next == r->n || r->expected[r->next] == other(r)->chunk) {
        return;
    }
    /* Without a thread each chunk is read when it is asked for. */
    if (!r->started && pthread_create(&r->thread, NULL, thread_main, r) != 0) {
        return;
    }
    r->started = true;
    other(r)->chunk = r->expected[r->next];
    (void)pthread_mutex_lock(&r->lock);
    r->busy = true;
    (void)pthread_cond_signal(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
}

void
readahead_expect(struct readahead *r, const uint32_t *chunks, size_t n)
{
    if (n > r->cap) {
        r->expected = xreallocarray(r->expected, n, sizeof *r->expected);
        r->cap = n;
    }
    if (n > 0) {
        memcpy(r->expected, chunks, n * sizeof *chunks);
    }
    r->n = n;
    r->next = 0;
}

const struct buf *
readahead_get(struct readahead *r, uint32_t chunk, struct err *e)
{
    if (r->slots[r->current].chunk == chunk) {
        return &r->slots[r->current].raw;
    }
    wait_idle(r);
    if (other(r)->chunk != chunk) {
        other(r)->chunk = chunk;
        fill(r);
    }
    if (other(r)->failed.kind != ERR_NONE) {
        *e = other(r)->failed;
        other(r)->chunk = UINT32_MAX;
        return NULL;
    }
    r->current = 1 - r->current;
    begin_next(r);
    return &r->slots[r->current].raw;
}

void
readahead_free(struct readahead *r)
{
    if (r == NULL) {
        return;
    }
    if (r->started) {
        wait_idle(r);
        (void)pthread_mutex_lock(&r->lock);
        r->stopping = true;
        (void)pthread_cond_signal(&r->changed);
        (void)pthread_mutex_unlock(&r->lock);
        (void)pthread_join(r->thread, NULL);
    }
    place_reader_free(r->reader);
    buf_free(&r->slots[0].raw);
    buf_free(&r->slots[1].raw);
    free(r->expected);
    (void)pthread_mutex_destroy(&r->lock);
    (void)pthread_cond_destroy(&r->changed);
    free(r);
}
