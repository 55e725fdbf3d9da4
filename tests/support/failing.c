/*
 * The driver whose n-th call fails: for tests that ask what every caller does about it.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "core/mem.h"
#include "storage/contract/storage.h"
#include "tests/support/drivers.h"

struct failing_storage {
    struct storage  base;
    struct storage *inner;
    unsigned        n;     /* the call that fails, from 1; 0: none */
    bool            after; /* after the effect */
    bool            lies;  /* the n-th put() says that it did, and did not; others do as asked */
    unsigned       *calls;
    atomic_uint     count;
};

static struct failing_storage *
outer(struct storage *st)
{
    return (struct failing_storage *)st;
}

/* Counts a call; true when it is the one to fail. */
static bool
now(struct storage *st)
{
    struct failing_storage *fs = outer(st);
    unsigned                count = atomic_fetch_add(&fs->count, 1) + 1;

    if (fs->calls != NULL) {
        (void)__atomic_add_fetch(fs->calls, 1, __ATOMIC_RELAXED);
    }
    return count == fs->n;
}

static int
fail(const char *what, struct err *e)
{
    return err_set(e, ERR_IO, "could not %s: injected fault", what);
}

/* The call, or the fault before or after it. */
#define FAILING(what, call)                                                                        \
    do {                                                                                           \
        bool hit = !outer(st)->lies && now(st);                                                    \
        int  rc;                                                                                   \
        if (hit && !outer(st)->after) {                                                            \
            return fail(what, e);                                                                  \
        }                                                                                          \
        rc = (call);                                                                               \
        return hit ? fail(what, e) : rc;                                                           \
    } while (0)

static int
failing_put(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    if (outer(st)->lies) {
        return now(st) ? 0 : outer(st)->inner->ops->put(outer(st)->inner, key, blob, e);
    }
    FAILING("put", outer(st)->inner->ops->put(outer(st)->inner, key, blob, e));
}

static int
failing_get(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    FAILING("get", outer(st)->inner->ops->get(outer(st)->inner, key, out, e));
}

static int
failing_head(struct storage *st, const char *key, struct object_info *info, struct err *e)
{
    FAILING("head", outer(st)->inner->ops->head(outer(st)->inner, key, info, e));
}

static int
failing_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    FAILING("list", outer(st)->inner->ops->list(outer(st)->inner, prefix, fn, ctx, e));
}

static int
failing_dirs(struct storage *st, const char *prefix, storage_dirs_fn *fn, void *ctx, struct err *e)
{
    FAILING("list", outer(st)->inner->ops->dirs(outer(st)->inner, prefix, fn, ctx, e));
}

static int
failing_remove(struct storage *st, const char *const *keys, size_t n, struct err *e)
{
    FAILING("remove", outer(st)->inner->ops->remove(outer(st)->inner, keys, n, e));
}

static void
failing_close(struct storage *st)
{
    storage_close(outer(st)->inner);
    free(st);
}

static const struct storage_ops failing_ops = {
    .scheme = "failing",
    .put = failing_put,
    .get = failing_get,
    .head = failing_head,
    .list = failing_list,
    .dirs = failing_dirs,
    .remove = failing_remove,
    .close = failing_close,
};

struct storage *
storage_failing_new(struct storage *inner, unsigned n, bool after, unsigned *calls)
{
    struct failing_storage *fs = xcalloc(1, sizeof *fs);

    fs->base.ops = &failing_ops;
    fs->base.location = xstrdup(inner->location);
    fs->base.stale_seconds = inner->stale_seconds;
    fs->inner = inner;
    fs->n = n;
    fs->after = after;
    fs->calls = calls;
    return &fs->base;
}

struct storage *
storage_lying_new(struct storage *inner, unsigned n, unsigned *calls)
{
    struct storage *st = storage_failing_new(inner, n, false, calls);

    outer(st)->lies = true;
    return st;
}
