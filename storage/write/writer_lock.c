/*
 * writer_lock.c - Object Lock: what a backup reuses must stay as long as the backup
 * (object_lock.h).
 *
 * Chunks whose locks are long enough by the chunk lists need no request; so a nightly backup costs
 * nothing until a new step of 30 days begins, and then a request or two for each chunk, on as many
 * connections as chunks are put over.
 */
#include <stdlib.h>

#include "core/mem.h"
#include "core/pool.h"
#include "storage/write/writer_impl.h"

struct due {
    struct writer       *w;
    struct chunk_number *numbers; /* of chunks whose locks are too short */
    size_t               n;
    int                  threads;
};

/* One thread's share: every threads-th of them. */
static int
lock_share(void *ctx, void *task, int worker, struct err *e)
{
    struct due *d = ctx;
    size_t      first = (size_t)(uintptr_t)task;

    (void)worker;
    for (size_t i = first; i < d->n; i += (size_t)d->threads) {
        struct chunkindex_entry *k = &d->w->known.v[d->numbers[i].n];
        char                    *key = chunk_key(d->w->db, &k->ref.name);
        char                     name[CHUNK_NAME_MAX];
        int                      rc;

        rc = writer_tick(d->w, e) != 0 ? -1
                                       : storage_retain(d->w->repo->st, key, d->w->lock_until, e);
        free(key);
        if (rc != 0) {
            return err_wrap(e, "could not extend the lock of chunk \"%s\"",
                            chunk_name_format(&k->ref.name, name));
        }
        k->ref.retain_until = d->w->lock_until;
    }
    return 0;
}

static int
lock_chunks(struct due *d, struct err *e)
{
    struct pool *p = pool_new(d->threads, lock_share, d);
    int          rc;

    for (int i = 0; i < d->threads; i++) {
        pool_add(p, (void *)(uintptr_t)i, 0);
    }
    rc = pool_wait(p, NULL, 0, e);
    pool_free(p);
    return rc;
}

static int
lock_names(struct writer *w, struct err *e)
{
    for (unsigned n = 1; n <= w->repo->generation;
         n++) { /* they are found by counting up: all must be there */
        char key[32];

        (void)snprintf(key, sizeof key, "repo.%u.json", n);
        if (storage_retain(w->repo->st, key, w->lock_until, e) != 0) {
            return -1;
        }
    }
    if (w->epoch->sealed &&
        epoch_keys_retain(w->repo->st, w->epoch->number, w->lock_until, e) != 0) {
        return -1;
    }
    return source_retain(w->repo, w->db, w->lock_until, e);
}

int
writer_lock_reused(struct writer *w, const struct chunk_number *chunks, size_t n, struct err *e)
{
    struct due d = {.w = w, .threads = w->n_threads};
    int        rc = 0;

    if (w->lock_until == 0) {
        return 0;
    }
    d.numbers = xcalloc(n + 1, sizeof *d.numbers);
    for (size_t i = 0; i < n; i++) {
        if (chunks[i].n < w->known.n && w->known.v[chunks[i].n].ref.retain_until < w->lock_until) {
            d.numbers[d.n++] = chunks[i];
        }
    }
    if (d.n > 0) {
        rc = lock_chunks(&d, e);
    }
    free(d.numbers);
    return rc == 0 ? lock_names(w, e) : -1;
}
