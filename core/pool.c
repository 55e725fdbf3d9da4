#include "core/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/param.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "core/mem.h"

enum { THREADS_DEFAULT_MAX = 16 }; /* each is a connection to a server */

struct entry {
    void    *task;
    uint64_t priority;
    uint64_t number; /* order of arrival */
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t  work; /* a task to take, or time to end */
    pthread_cond_t  idle; /* nothing left, or a task failed */
    struct entry   *heap; /* the next task first */
    size_t          n, cap;
    uint64_t        arrived;
    int             running; /* tasks under way */
    bool            stopping, leaving, failed;
    struct err      why; /* the first failure */
    pool_fn        *fn;
    void           *ctx;
    int             threads;
    struct worker {
        pthread_t    id;
        struct pool *pool;
        int          number;
    } * worker;
};

static bool
comes_before(const struct entry *a, const struct entry *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

static void
swap(struct entry *a, struct entry *b)
{
    struct entry t = *a;

    *a = *b;
    *b = t;
}

static void
heap_push(struct pool *p, struct entry x)
{
    size_t i = p->n;

    VEC_GROW(p->heap, p->n, p->cap);
    p->heap[p->n++] = x;
    for (; i > 0 && comes_before(&p->heap[i], &p->heap[(i - 1) / 2]); i = (i - 1) / 2) {
        swap(&p->heap[i], &p->heap[(i - 1) / 2]);
    }
}

static struct entry
heap_pop(struct pool *p)
{
    struct entry top = p->heap[0];
    size_t       i = 0;

    p->heap[0] = p->heap[--p->n];
    for (;;) {
        size_t first = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < p->n; child++) {
            if (comes_before(&p->heap[child], &p->heap[first])) {
                first = child;
            }
        }
        if (first == i) {
            return top;
        }
        swap(&p->heap[i], &p->heap[first]);
        i = first;
    }
}

/* Called with the lock held. */
static void
fail(struct pool *p, const struct err *why)
{
    if (!p->failed) {
        p->failed = true;
        p->why = *why;
    }
    p->stopping = true;
    pthread_cond_broadcast(&p->idle);
}

static void *
worker_main(void *arg)
{
    struct worker *w = arg;
    struct pool   *p = w->pool;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct err   e = ERR_INIT;
        struct entry x;
        int          rc;

        while (!p->leaving && (p->n == 0 || p->stopping)) {
            pthread_cond_wait(&p->work, &p->lock);
        }
        if (p->leaving) {
            break;
        }
        x = heap_pop(p);
        p->running++;
        pthread_mutex_unlock(&p->lock);
        rc = p->fn(p->ctx, x.task, w->number, &e);
        pthread_mutex_lock(&p->lock);
        p->running--;
        if (rc != 0) {
            fail(p, &e);
        }
        pthread_cond_broadcast(&p->idle);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

int
pool_default_threads(void)
{
    cpu_set_t cpus;
    int       n = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

    return n < THREADS_DEFAULT_MAX ? n : THREADS_DEFAULT_MAX;
}

struct pool *
pool_new(int threads, pool_fn *fn, void *ctx)
{
    struct pool       *p = xcalloc(1, sizeof *p);
    pthread_condattr_t attr;

    p->fn = fn;
    p->ctx = ctx;
    p->worker = xcalloc((size_t)threads, sizeof *p->worker);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->idle, &attr);
    pthread_condattr_destroy(&attr);
    for (int i = 0; i < threads; i++) {
        struct worker *w = &p->worker[i];

        *w = (struct worker){.pool = p, .number = i};
        if (pthread_create(&w->id, NULL, worker_main, w) != 0) {
            break; /* fewer are enough */
        }
        p->threads++;
    }
    if (p->threads == 0) {
        log_error("could not start a thread");
        _exit(1);
    }
    return p;
}

void
pool_add(struct pool *p, void *task, uint64_t priority)
{
    pthread_mutex_lock(&p->lock);
    heap_push(p, (struct entry){task, priority, p->arrived++});
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
}

/* Called with the lock held: waits for a change, or the time of the next tick. */
static void
wait_idle(struct pool *p, int ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    while (p->running > 0 || (p->n > 0 && !p->stopping)) {
        if (pthread_cond_timedwait(&p->idle, &p->lock, &until) != 0) {
            return;
        }
    }
}

int
pool_wait(struct pool *p, int (*tick)(void *ctx, struct err *), int tick_ms, struct err *e)
{
    int rc = 0;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct err why = ERR_INIT;

        wait_idle(p, tick_ms > 0 ? tick_ms : 1000);
        if (p->running == 0 && (p->n == 0 || p->stopping)) {
            break;
        }
        if (tick == NULL || p->stopping) {
            continue;
        }
        pthread_mutex_unlock(&p->lock);
        rc = tick(p->ctx, &why);
        pthread_mutex_lock(&p->lock);
        if (rc != 0) {
            fail(p, &why);
        }
    }
    rc = p->failed ? -1 : 0;
    if (rc != 0) {
        *e = p->why;
    }
    pthread_mutex_unlock(&p->lock);
    return rc;
}

void
pool_stop(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->idle);
    pthread_mutex_unlock(&p->lock);
}

int
pool_stopping(struct pool *p)
{
    int stopping;

    pthread_mutex_lock(&p->lock);
    stopping = p->stopping;
    pthread_mutex_unlock(&p->lock);
    return stopping;
}

void
pool_free(struct pool *p)
{
    if (p == NULL) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    p->leaving = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->threads; i++) {
        pthread_join(p->worker[i].id, NULL);
    }
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->idle);
    pthread_mutex_destroy(&p->lock);
    free(p->worker);
    free(p->heap);
    free(p);
}

int
pool_each(int threads, pool_fn *fn, void *ctx, void *v, size_t size, size_t n, struct err *e)
{
    struct pool *pool = threads > 1 && n > 1 ? pool_new((int)MIN((size_t)threads, n), fn, ctx)
                                             : NULL;
    int          rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        void *task = (char *)v + i * size;

        if (pool != NULL) {
            pool_add(pool, task, 0);
        } else {
            rc = fn(ctx, task, 0, e);
        }
    }
    if (pool != NULL) {
        rc = pool_wait(pool, NULL, 0, e);
        pool_free(pool);
    }
    return rc;
}
