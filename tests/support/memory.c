/*
 * The driver that keeps everything in memory: for tests, and as the plainest reading of storage.h.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "storage/contract/storage.h"
#include "tests/support/drivers.h"

struct object {
    char    *key;
    uint8_t *data;
    size_t   size;
    time_t   modified;
};

struct memory_storage {
    struct storage  base;
    pthread_mutex_t lock;
    struct object  *v; /* sorted by key */
    size_t          n, cap;
};

/* Where key is, or belongs. */
static size_t
position(const struct memory_storage *ms, const char *key)
{
    size_t lo = 0;
    size_t hi = ms->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(ms->v[mid].key, key) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static struct object *
find(const struct memory_storage *ms, const char *key)
{
    size_t i = position(ms, key);

    return i < ms->n && strcmp(ms->v[i].key, key) == 0 ? &ms->v[i] : NULL;
}

static int
memory_put(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    struct memory_storage *ms = (struct memory_storage *)st;
    struct object         *old;
    int                    rc = 0;

    (void)pthread_mutex_lock(&ms->lock);
    old = find(ms, key);
    if (old == NULL) {
        size_t i = position(ms, key);

        VEC_GROW(ms->v, ms->n, ms->cap);
        memmove(ms->v + i + 1, ms->v + i, (ms->n - i) * sizeof *ms->v);
        ms->v[i] = (struct object){xstrdup(key), xmalloc(blob->size + 1), blob->size, time(NULL)};
        if (blob->size > 0) {
            memcpy(ms->v[i].data, blob->data, blob->size);
        }
        ms->n++;
    } else if (old->size == blob->size &&
               (blob->size == 0 || memcmp(old->data, blob->data, blob->size) == 0)) {
        old->modified = time(NULL);
    } else {
        rc = err_set(e, ERR_EXISTS, "could not store \"%s\": exists already, with other contents",
                     key);
    }
    (void)pthread_mutex_unlock(&ms->lock);
    return rc;
}

static int
memory_get(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    struct memory_storage *ms = (struct memory_storage *)st;
    const struct object   *o;
    int                    rc;

    (void)pthread_mutex_lock(&ms->lock);
    o = find(ms, key);
    buf_clear(out);
    if (o == NULL) {
        rc = err_set(e, ERR_NOT_FOUND, "\"%s\" does not exist", key);
    } else if (o->size > out->max) {
        rc = err_set(e, ERR_CORRUPT, "\"%s\": has %zu bytes, at most %zu are allowed", key, o->size,
                     out->max);
    } else {
        rc = buf_append(out, o->data, o->size, e);
    }
    (void)pthread_mutex_unlock(&ms->lock);
    return rc;
}

static int
memory_head(struct storage *st, const char *key, struct object_info *info, struct err *e)
{
    struct memory_storage *ms = (struct memory_storage *)st;
    const struct object   *o;
    int                    rc = 0;

    (void)pthread_mutex_lock(&ms->lock);
    o = find(ms, key);
    if (o != NULL) {
        info->size = o->size;
        info->modified = o->modified;
    } else {
        rc = err_set(e, ERR_NOT_FOUND, "\"%s\" does not exist", key);
    }
    (void)pthread_mutex_unlock(&ms->lock);
    return rc;
}

/* The first object behind after (or at or behind the prefix, when after is NULL); false at the
 * end.  The lock is not held while callbacks run, so that they may call the storage. */
static bool
next_object(struct memory_storage *ms, const char *prefix, const char *after, char **key,
            struct object_info *info)
{
    size_t i;
    bool   found;

    (void)pthread_mutex_lock(&ms->lock);
    i = position(ms, after != NULL ? after : prefix);
    if (after != NULL && i < ms->n && strcmp(ms->v[i].key, after) == 0) {
        i++;
    }
    found = i < ms->n && strncmp(ms->v[i].key, prefix, strlen(prefix)) == 0;
    if (found) {
        *key = xstrdup(ms->v[i].key);
        *info = (struct object_info){
            .key = *key, .size = ms->v[i].size, .modified = ms->v[i].modified};
    }
    (void)pthread_mutex_unlock(&ms->lock);
    return found;
}

static int
memory_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    struct memory_storage *ms = (struct memory_storage *)st;
    struct object_info     info;
    char                  *last = NULL;
    char                  *key;
    int                    rc = 0;

    while (rc == 0 && next_object(ms, prefix, last, &key, &info)) {
        rc = fn(ctx, &info, e);
        free(last);
        last = key;
    }
    free(last);
    return rc;
}

struct dirs {
    size_t           prefix; /* its length */
    char            *last;
    storage_dirs_fn *fn;
    void            *ctx;
};

static int
next_dir(void *ctx, const struct object_info *info, struct err *e)
{
    struct dirs *d = ctx;
    const char  *name = info->key + d->prefix;
    size_t       n = strcspn(name, "/");

    if (name[n] == '\0' ||
        (d->last != NULL && strlen(d->last) == n && strncmp(d->last, name, n) == 0)) {
        return 0;
    }
    free(d->last);
    d->last = xstrndup(name, n);
    return d->fn(d->ctx, d->last, e);
}

static int
memory_dirs(struct storage *st, const char *prefix, storage_dirs_fn *fn, void *ctx, struct err *e)
{
    struct dirs d = {.prefix = strlen(prefix), .fn = fn, .ctx = ctx};
    int         rc = memory_list(st, prefix, next_dir, &d, e);

    free(d.last);
    return rc;
}

static int
memory_remove(struct storage *st, const char *const *keys, size_t n, struct err *e)
{
    struct memory_storage *ms = (struct memory_storage *)st;

    (void)e;
    (void)pthread_mutex_lock(&ms->lock);
    for (size_t k = 0; k < n; k++) {
        struct object *o = find(ms, keys[k]);

        if (o != NULL) {
            free(o->key);
            free(o->data);
            ms->n--;
            memmove(o, o + 1, (size_t)(ms->v + ms->n - o) * sizeof *o);
        }
    }
    (void)pthread_mutex_unlock(&ms->lock);
    return 0;
}

static void
memory_close(struct storage *st)
{
    struct memory_storage *ms = (struct memory_storage *)st;

    for (size_t i = 0; i < ms->n; i++) {
        free(ms->v[i].key);
        free(ms->v[i].data);
    }
    free(ms->v);
    (void)pthread_mutex_destroy(&ms->lock);
    free(ms);
}

static const struct storage_ops memory_ops = {
    .scheme = "memory",
    .put = memory_put,
    .get = memory_get,
    .head = memory_head,
    .list = memory_list,
    .dirs = memory_dirs,
    .remove = memory_remove,
    .close = memory_close,
};

struct storage *
storage_memory_new(void)
{
    struct memory_storage *ms = xcalloc(1, sizeof *ms);

    ms->base.ops = &memory_ops;
    ms->base.location = xstrdup("memory");
    (void)pthread_mutex_init(&ms->lock, NULL);
    return &ms->base;
}
