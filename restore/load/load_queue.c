/* load.h: the queue of tasks. */
#include "restore/load/load.h"

struct load_task *
load_add(struct load_run *l, struct load_task t, uint64_t priority)
{
    struct load_task *task = xmalloc(sizeof *task);

    *task = t;
    pthread_mutex_lock(&l->r->lock);
    VEC_GROW(l->tasks, l->n_tasks, l->cap_tasks);
    l->tasks[l->n_tasks++] = task;
    pthread_mutex_unlock(&l->r->lock);
    pool_add(l->pool, task, priority);
    return task;
}
