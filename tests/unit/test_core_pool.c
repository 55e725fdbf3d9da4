/* pool.h */
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "core/pool.h"

enum { TASKS = 2000 };

struct work {
    atomic_int      done;
    atomic_int      order[TASKS]; /* task numbers as they ran */
    struct pool    *pool;
    atomic_int      ticks;
    int             fail_tick;
    pthread_mutex_t gate; /* held by the test: no task goes on */
};

static int
run(void *ctx, void *task, int worker, struct err *e)
{
    struct work *w = ctx;
    int          number = (int)(intptr_t)task;

    (void)e;
    pthread_mutex_lock(&w->gate);
    pthread_mutex_unlock(&w->gate);
    assert_true(worker >= 0 && worker < 4);
    atomic_store(&w->order[atomic_fetch_add(&w->done, 1)], number);
    return 0;
}

static struct work *
new_work(void)
{
    static struct work w;

    memset(&w, 0, sizeof w);
    pthread_mutex_init(&w.gate, NULL);
    w.fail_tick = -1;
    return &w;
}

static void
every_task_runs_once(void **state)
{
    struct work *w = new_work();
    struct pool *p = pool_new(4, run, w);
    struct err   e = ERR_INIT;
    char         seen[TASKS] = {0};

    (void)state;
    for (intptr_t i = 0; i < TASKS; i++) {
        pool_add(p, (void *)i, (uint64_t)i % 7);
    }
    assert_ok(pool_wait(p, NULL, 0, &e), &e);
    assert_int_equal(w->done, TASKS);
    for (int i = 0; i < TASKS; i++) {
        seen[w->order[i]]++;
    }
    for (int i = 0; i < TASKS; i++) {
        assert_int_equal(seen[i], 1);
    }
    pool_free(p);
}

static void
larger_tasks_go_first_then_those_that_came_first(void **state)
{
    static const uint64_t priority[] = {1, 5, 5, 9, 0, 5, 9};
    static const int      want[] = {3, 6, 1, 2, 5, 0, 4};
    struct work          *w = new_work();
    struct pool          *p;
    struct err            e = ERR_INIT;

    (void)state;
    pthread_mutex_lock(&w->gate);
    p = pool_new(1, run, w);
    pool_add(p, (void *)(intptr_t)99, UINT64_MAX); /* occupies the worker */
    usleep(50000);
    for (intptr_t i = 0; i < 7; i++) {
        pool_add(p, (void *)i, priority[i]);
    }
    pthread_mutex_unlock(&w->gate);
    assert_ok(pool_wait(p, NULL, 0, &e), &e);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(w->order[i + 1], want[i]);
    }
    pool_free(p);
}

/* The first fails; what runs beside it ends only when the pool has been stopped. */
static int
fail_first(void *ctx, void *task, int worker, struct err *e)
{
    struct work *w = ctx;

    (void)worker;
    pthread_mutex_lock(&w->gate); /* w->pool is set by then */
    pthread_mutex_unlock(&w->gate);
    if (task == NULL) {
        return err_set(e, ERR_PG, "task 0 failed");
    }
    while (!pool_stopping(w->pool)) {
        usleep(1000);
    }
    atomic_fetch_add(&w->done, 1);
    return 0;
}

static void
a_failing_task_stops_the_rest(void **state)
{
    struct work *w = new_work();
    struct err   e = ERR_INIT;

    (void)state;
    pthread_mutex_lock(&w->gate);
    w->pool = pool_new(2, fail_first, w);
    for (intptr_t i = 0; i < TASKS; i++) {
        pool_add(w->pool, (void *)i, 0);
    }
    pthread_mutex_unlock(&w->gate);
    assert_int_equal(pool_wait(w->pool, NULL, 0, &e), -1);
    assert_err(&e, ERR_PG, "task 0 failed");
    assert_true(pool_stopping(w->pool));
    assert_true(w->done <= 1); /* the other thread's, if it had one */
    pool_free(w->pool);
}

static int
add_more(void *ctx, void *task, int worker, struct err *e)
{
    struct work *w = ctx;
    intptr_t     number = (intptr_t)task;

    (void)worker;
    (void)e;
    atomic_fetch_add(&w->done, 1);
    if (number > 0) {
        pool_add(w->pool, (void *)(number - 1), 0);
        pool_add(w->pool, (void *)(number - 1), 0);
    }
    return 0;
}

static void
a_task_may_add_tasks(void **state)
{
    struct work *w = new_work();
    struct err   e = ERR_INIT;

    (void)state;
    pthread_mutex_lock(&w->gate);
    w->pool = pool_new(3, add_more, w);
    pool_add(w->pool, (void *)(intptr_t)8, 0);
    pthread_mutex_unlock(&w->gate);
    assert_ok(pool_wait(w->pool, NULL, 0, &e), &e);
    assert_int_equal(w->done, 511);
    /* Used again after all was done. */
    pool_add(w->pool, (void *)(intptr_t)1, 0);
    assert_ok(pool_wait(w->pool, NULL, 0, &e), &e);
    assert_int_equal(w->done, 514);
    pool_free(w->pool);
}

static int
on_tick(void *ctx, struct err *e)
{
    struct work *w = ctx;

    if (atomic_fetch_add(&w->ticks, 1) == w->fail_tick) {
        return err_set(e, ERR_INTERRUPTED, "tick said no");
    }
    return 0;
}

static int
until_stopped(void *ctx, void *task, int worker, struct err *e)
{
    struct work *w = ctx;

    (void)task;
    (void)worker;
    (void)e;
    pthread_mutex_lock(&w->gate); /* w->pool is set by then */
    pthread_mutex_unlock(&w->gate);
    while (!pool_stopping(w->pool)) {
        usleep(1000);
    }
    atomic_fetch_add(&w->done, 1);
    return 0;
}

static void
a_failing_tick_stops_the_pool(void **state)
{
    struct work *w = new_work();
    struct err   e = ERR_INIT;

    (void)state;
    w->fail_tick = 2;
    pthread_mutex_lock(&w->gate);
    w->pool = pool_new(2, until_stopped, w);
    for (intptr_t i = 0; i < 10; i++) {
        pool_add(w->pool, (void *)i, 0);
    }
    pthread_mutex_unlock(&w->gate);
    assert_int_equal(pool_wait(w->pool, on_tick, 5, &e), -1);
    assert_err(&e, ERR_INTERRUPTED, "tick said no");
    assert_int_equal(w->ticks, 3);
    assert_int_equal(w->done, 2);
    pool_free(w->pool);
}

static void
stopping_is_no_failure(void **state)
{
    struct work *w = new_work();
    struct pool *p = pool_new(2, run, w);
    struct err   e = ERR_INIT;

    (void)state;
    pool_stop(p);
    pool_add(p, (void *)(intptr_t)1, 0);
    assert_ok(pool_wait(p, NULL, 0, &e), &e);
    assert_int_equal(w->done, 0);
    pool_free(p);
    pool_free(NULL);
}

/* ---- each of an array ---- */

static int
double_it(void *ctx, void *task, int worker, struct err *e)
{
    int *n = task;

    (void)ctx;
    (void)worker;
    if (*n == 7) {
        return err_set(e, ERR_IO, "seven");
    }
    *n *= 2;
    return 0;
}

static void
each_element_is_a_task(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        int v[] = {1, 2, 3, 4}, one[] = {5}, bad[] = {7, 1};

        assert_ok(pool_each(threads, double_it, NULL, v, sizeof *v, 4, &e), &e);
        assert_int_equal(v[0] + 10 * v[1] + 100 * v[2] + 1000 * v[3], 2 + 40 + 600 + 8000);
        assert_ok(pool_each(threads, double_it, NULL, one, sizeof *one, 1, &e), &e);
        assert_int_equal(one[0], 10);
        assert_ok(pool_each(threads, double_it, NULL, NULL, sizeof *one, 0, &e), &e);
        assert_int_equal(pool_each(threads, double_it, NULL, bad, sizeof *bad, 2, &e), -1);
        assert_err(&e, ERR_IO, "seven");
        assert_true(threads > 1 || bad[1] == 1);
        err_clear(&e);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(larger_tasks_go_first_then_those_that_came_first),
        cmocka_unit_test(a_failing_task_stops_the_rest),
        cmocka_unit_test(a_task_may_add_tasks),
        cmocka_unit_test(a_failing_tick_stops_the_pool),
        cmocka_unit_test(stopping_is_no_failure),
        cmocka_unit_test(each_element_is_a_task),
    };

    return cmocka_run_group_tests_name("core/pool", tests, NULL, NULL);
}
