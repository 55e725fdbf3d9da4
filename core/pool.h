/*
 * pool.h - a fixed number of threads that take tasks from one queue.
 *
 * The first failing task stops the pool: no further task starts, and pool_wait()
 * returns that task's error.  A task may add tasks.  Tasks are taken by priority
 * (larger first), then in the order they came.
 */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct pool;

/* worker: 0 .. threads - 1, so that per-worker state can live in an array. */
typedef int pool_fn(void *ctx, void *task, int worker, struct err *);

/* The default of --jobs: the number of processors this process may use, at most 16. */
int pool_default_threads(void);

struct pool *pool_new(int threads, pool_fn *, void *ctx);
void         pool_add(struct pool *, void *task, uint64_t priority);
/* Until every task has ended.  While waiting, tick (may be NULL) is called every tick_ms from the
 * caller's thread; its error stops the pool too. */
int  pool_wait(struct pool *, int (*tick)(void *ctx, struct err *), int tick_ms, struct err *);
void pool_stop(struct pool *);     /* let running tasks end, start no more */
int  pool_stopping(struct pool *); /* for tasks that take long: a failure, or pool_stop() */
void pool_free(struct pool *);     /* after pool_wait() */

/* Does fn with each of the n elements of v, size bytes each, as its task: in threads of this many,
 * or, when that is 1, one after another in their order.  The first failure ends it. */
int pool_each(int threads, pool_fn *, void *ctx, void *v, size_t size, size_t n, struct err *);

#endif
