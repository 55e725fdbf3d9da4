/*
 * A storage as it was at a given time: for each key the newest version that is not younger counts,
 * unless it is a delete marker.  Listings are filtered as they come; only the current key is held.
 */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/mem.h"
#include "storage/contract/versions.h"

struct as_of {
    struct storage  st;
    struct storage *inner;
    time_t          at;
    char            text[32]; /* at, for messages */
};

static struct as_of *
self(struct storage *st)
{
    return (struct as_of *)st;
}

/* Follows a listing of versions and passes on what was visible at that time. */
struct filter {
    time_t           at;
    char             settled[STORAGE_KEY_MAX]; /* the key whose version has been found */
    storage_list_fn *fn;
    void            *ctx;
};

static int
filter_version(void *ctx, const struct object_version *v, struct err *e)
{
    struct filter     *f = ctx;
    struct object_info info = {.key = v->key, .size = v->size, .modified = v->modified};

    if (v->modified > f->at || strcmp(f->settled, v->key) == 0) {
        return 0;
    }
    (void)snprintf(f->settled, sizeof f->settled, "%s", v->key);
    return v->deleted ? 0 : f->fn(f->ctx, &info, e);
}

static int
as_of_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    struct filter f = {.at = self(st)->at, .fn = fn, .ctx = ctx};

    return storage_versions(self(st)->inner, prefix, filter_version, &f, e);
}

/* ---- one object ---- */

struct wanted {
    const char *key;
    time_t      at;
    bool        found; /* the version that counts, which may be a delete marker */
    bool        deleted;
    uint64_t    size;
    time_t      modified;
    char       *id;
};

static int
find_version(void *ctx, const struct object_version *v, struct err *e)
{
    struct wanted *w = ctx;

    (void)e;
    if (!w->found && v->modified <= w->at && strcmp(v->key, w->key) == 0) {
        w->found = true;
        w->deleted = v->deleted;
        w->size = v->size;
        w->modified = v->modified;
        w->id = xstrdup(v->id);
    }
    return 0;
}

/* w->id is the caller's to free. */
static int
find(struct storage *st, const char *key, struct wanted *w, struct err *e)
{
    *w = (struct wanted){.key = key, .at = self(st)->at};
    if (storage_versions(self(st)->inner, key, find_version, w, e) != 0) {
        return -1;
    }
    return w->found && !w->deleted
        ? 0
        : err_set(e, ERR_NOT_FOUND, "\"%s\" did not exist at %s", key, self(st)->text);
}

static int
as_of_get(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    struct storage *inner = self(st)->inner;
    struct wanted   w;
    int             rc = find(st, key, &w, e);

    if (rc == 0) {
        rc = inner->ops->versions->get(inner, key, w.id, out, e);
    }
    free(w.id);
    return rc;
}

static int
as_of_head(struct storage *st, const char *key, struct object_info *info, struct err *e)
{
    struct wanted w;
    int           rc = find(st, key, &w, e);

    if (rc == 0) {
        *info = (struct object_info){.key = info->key, .size = w.size, .modified = w.modified};
    }
    free(w.id);
    return rc;
}

/* ---- directories ---- */

static int
stop_at_first(void *ctx, const struct object_info *info, struct err *e)
{
    (void)info, (void)e;
    *(bool *)ctx = true;
    return -1;
}

struct dirs {
    struct storage  *st;
    const char      *prefix;
    storage_dirs_fn *fn;
    void            *ctx;
};

/* A key with versions may have had none at that time, or only delete markers. */
static int
filter_dir(void *ctx, const char *name, struct err *e)
{
    struct dirs *d = ctx;
    char        *below = xasprintf("%s%s/", d->prefix, name);
    bool         any = false;
    int          rc = as_of_list(d->st, below, stop_at_first, &any, e);

    free(below);
    if (any) {
        return d->fn(d->ctx, name, e);
    }
    return rc;
}

static int
as_of_dirs(struct storage *st, const char *prefix, storage_dirs_fn *fn, void *ctx, struct err *e)
{
    struct storage *inner = self(st)->inner;
    struct dirs     d = {st, prefix, fn, ctx};

    return inner->ops->versions->dirs(inner, prefix, filter_dir, &d, e);
}

/* ---- writing ---- */

static int
read_only(struct storage *st, struct err *e)
{
    return err_set(e, ERR_USAGE, "the repository is read as of %s: it cannot be written to",
                   self(st)->text);
}

static int
as_of_put(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    (void)key, (void)blob;
    return read_only(st, e);
}

static int
as_of_remove(struct storage *st, const char *const *keys, size_t n, struct err *e)
{
    (void)keys, (void)n;
    return read_only(st, e);
}

static void
as_of_close(struct storage *st)
{
    storage_close(self(st)->inner);
    free(st);
}

static const struct storage_ops ops = {
    .scheme = "as-of",
    .put = as_of_put,
    .get = as_of_get,
    .head = as_of_head,
    .list = as_of_list,
    .dirs = as_of_dirs,
    .remove = as_of_remove,
    .close = as_of_close,
};

struct storage *
storage_as_of_new(struct storage *inner, time_t at, struct err *e)
{
    struct as_of *a;

    if (storage_versions_kept(inner, e) != 0) {
        err_wrap(e, "it cannot be seen as of another time");
        storage_close(inner);
        return NULL;
    }
    a = xcalloc(1, sizeof *a);
    a->st.ops = &ops;
    a->st.location = xstrdup(inner->location);
    a->st.distant = inner->distant;
    a->inner = inner;
    a->at = at;
    (void)time_rfc3339(at, a->text, sizeof a->text);
    return &a->st;
}
