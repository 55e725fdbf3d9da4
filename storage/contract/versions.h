/*
 * versions.h - stores that keep overwritten and removed objects: reading them as they were, and
 * recovering such objects.
 *
 * A versioned bucket never loses anything to a plain PUT or DELETE: an object's newest version
 * hides the older ones, and a removal is a version of its own (a delete marker).  So anybody who
 * can write to the repository, an intruder included, can hide objects but not remove them, unless
 * he may delete versions.
 */
#ifndef STORAGE_CONTRACT_VERSIONS_H
#define STORAGE_CONTRACT_VERSIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "core/buf.h"
#include "core/crypto/hash.h"
#include "core/err.h"
#include "storage/contract/storage.h"

struct object_version {
    const char *key, *id; /* valid during the call */
    uint64_t    size;
    time_t      modified; /* by the store's clock: when it became the newest */
    bool        latest;   /* what a plain read sees */
    bool        deleted;  /* a delete marker */
    uint8_t     md5[MD5_BYTES];
    bool        has_md5; /* as of object_info */
};

typedef int storage_version_fn(void *ctx, const struct object_version *, struct err *);

struct storage_version_ops {
    /* 0: the store keeps versions.  ERR_USAGE: it never did, so that what it shows as versions is
     * what is there now.  Of a store that does not say it is what its listing shows. */
    int (*kept)(struct storage *, struct err *);
    /* Every version of every key that begins with prefix, which need not end with '/': ascending
     * by key, the newest first.  Non-zero from the callback stops, as with list(). */
    int (*list)(struct storage *, const char *prefix, storage_version_fn *, void *ctx,
                struct err *);
    /* As dirs(), for keys that have any version left. */
    int (*dirs)(struct storage *, const char *prefix, storage_dirs_fn *, void *ctx, struct err *);
    int (*get)(struct storage *, const char *key, const char *id, struct buf *, struct err *);
    /* Removes these versions (key and id count) for good; of a delete marker: the object is visible
     * again. */
    int (*remove)(struct storage *, const struct object_version *, size_t n, struct err *);
};

/* ERR_USAGE when the storage keeps no versions. */
int storage_versions(struct storage *, const char *prefix, storage_version_fn *, void *ctx,
                     struct err *);

/* ERR_USAGE when the storage keeps no versions, or could and was never told to. */
int storage_versions_kept(struct storage *, struct err *);

/* A version of the object, hidden or not, with this size and SHA-256.  ERR_NOT_FOUND: there is
 * none, or no versions are kept. */
int storage_get_older(struct storage *, const char *key, uint64_t size,
                      const uint8_t sha256_want[SHA256_BYTES], struct buf *, struct err *);

/* The storage as it was then: the newest version of that time.  Cannot be written to.  Takes the
 * storage, also on failure (ERR_USAGE: it keeps no versions). */
struct storage *storage_as_of_new(struct storage *, time_t at, struct err *);

#endif
