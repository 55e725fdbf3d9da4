#include "storage/contract/versions.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static int
no_versions(const struct storage *st, struct err *e)
{
    (void)err_set(e, ERR_USAGE, "%s keeps no older versions", st->location);
    return err_hint(e, "only S3 buckets with versioning do, from when it was turned on");
}

int
storage_versions(struct storage *st, const char *prefix, storage_version_fn *fn, void *ctx,
                 struct err *e)
{
    return st->ops->versions == NULL ? no_versions(st, e)
                                     : st->ops->versions->list(st, prefix, fn, ctx, e);
}

int
storage_versions_kept(struct storage *st, struct err *e)
{
    return st->ops->versions == NULL ? no_versions(st, e) : st->ops->versions->kept(st, e);
}

struct older {
    const char    *key;
    uint64_t       size;
    struct strlist ids; /* the versions of that size, newest first */
};

static int
take_version(void *ctx, const struct object_version *v, struct err *e)
{
    struct older *o = ctx;

    (void)e;
    if (!v->deleted && v->size == o->size && strcmp(v->key, o->key) == 0) {
        strlist_add(&o->ids, v->id);
    }
    return 0;
}

int
storage_get_older(struct storage *st, const char *key, uint64_t size,
                  const uint8_t want[SHA256_BYTES], struct buf *out, struct err *e)
{
    struct older o = {.key = key, .size = size};
    int          rc = -1;

    if (st->ops->versions == NULL) {
        return err_set(e, ERR_NOT_FOUND, "no older versions are kept");
    }
    if (storage_versions(st, key, take_version, &o, e) == 0) {
        for (size_t i = 0; rc != 0 && i < o.ids.n; i++) {
            uint8_t    digest[SHA256_BYTES];
            struct err skipped = ERR_INIT;

            if (st->ops->versions->get(st, key, o.ids.v[i], out, &skipped) == 0) {
                sha256(out->data, out->len, digest);
                rc = memcmp(digest, want, sizeof digest) == 0 ? 0 : -1;
            }
        }
        if (rc != 0) {
            err_set(e, ERR_NOT_FOUND, "no older version matches either");
        }
    }
    strlist_free(&o.ids);
    return rc;
}
