#include "storage/repo/fetch.h"

#include <sys/param.h>

#include "core/pool.h"

/* Waiting costs a thread nothing else; stores take some hundred requests a second of one host. */
enum { THREADS = 16 };

/* What is wrong with one object does not keep the others from being read. */
static int
fetch_one(void *st, void *task, int worker, struct err *e)
{
    struct fetch *f = task;

    (void)worker;
    (void)e;
    if (f->key != NULL) {
        (void)storage_get(st, f->key, &f->raw, &f->err);
    }
    return 0;
}

void
fetch_all(struct storage *st, struct fetch *v, size_t n)
{
    struct err none = ERR_INIT;
    size_t     wanted = 0;

    for (size_t i = 0; i < n; i++) {
        wanted += v[i].key != NULL;
    }
    (void)pool_each(st->distant ? (int)MIN(wanted, THREADS) : 1, fetch_one, st, v, sizeof *v, n,
                    &none);
}
