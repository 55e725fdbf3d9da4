/*
 * storage.h - where objects live: the contract that every driver keeps.
 *
 * An object is a whole sequence of bytes under a key such as
 * "shop/backups/20261121T021500Z-4f2a/label.json": segments of [A-Za-z0-9._%-], none empty, none
 * starting with a dot, joined by '/'; no key is a prefix of another up to a '/'.  The rules,
 * the same for every driver:
 *
 *   - whole objects: no partial read, no append; an object fits in memory.
 *   - write-once: put() of a key that exists fails with ERR_EXISTS and changes nothing, unless the
 *     stored bytes are identical (then it succeeds, so that a retry is idempotent, and the object's
 *     modified time becomes now: this is how a run mark is renewed).
 *   - durable: once put() returned 0 the object survives a power cut, name and bytes.  A put() that
 *     failed or was killed leaves nothing or the whole object (a reply can be lost), never a part.
 *   - list() calls back in ascending byte order of keys, every object below the prefix (a prefix is
 *     "" or ends with '/'), with its size.  An unreadable directory is an error, never an empty
 *     listing.
 *   - dirs() gives the segment between the prefix and the next '/' of the keys below it, each once,
 *     ascending, without walking everything.
 *   - remove() of a missing object is not an error.
 *   - the same error kinds from every driver: ERR_NOT_FOUND, ERR_EXISTS, ERR_AUTH, ERR_IO (disk
 *     full, network), ERR_CORRUPT.  transient says that another try may help.
 *   - every function may be called from any thread at any time, except close().
 *
 * tests/conformance runs one suite on each driver.
 */
#ifndef STORAGE_CONTRACT_STORAGE_H
#define STORAGE_CONTRACT_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "core/buf.h"
#include "core/crypto/hash.h"
#include "core/err.h"
#include "core/mem.h"

struct storage;

struct blob {
    const void *data;
    size_t      size;
    time_t      retain_until; /* by Object Lock (object_lock.h); 0: not locked */
};

struct object_info {
    const char *key;      /* relative to the repository's root; valid during the call */
    uint64_t    size;     /* bytes */
    time_t      modified; /* by the store's own clock */
    time_t retain_until;  /* of head(): locked until then; 0: not locked, or unknown.  list() does
                             not set it */
    /* Of list(), where the store says it: the MD5 of the bytes. It tells what has changed, and
     * proves nothing. */
    uint8_t md5[MD5_BYTES];
    bool    has_md5;
};

/* Non-zero stops the listing, which then returns -1 with the callback's error. */
typedef int storage_list_fn(void *ctx, const struct object_info *, struct err *);
typedef int storage_dirs_fn(void *ctx, const char *name, struct err *);

struct storage_version_ops;

struct storage_ops {
    const char *scheme; /* "file", "s3" */
    int (*put)(struct storage *, const char *key, const struct blob *, struct err *);
    /* Replaces the contents; ERR_CORRUPT when the object is larger than buf.max. */
    int (*get)(struct storage *, const char *key, struct buf *, struct err *);
    int (*head)(struct storage *, const char *key, struct object_info *,
                struct err *); /* key is left alone */
    int (*list)(struct storage *, const char *prefix, storage_list_fn *, void *ctx, struct err *);
    int (*dirs)(struct storage *, const char *prefix, storage_dirs_fn *, void *ctx, struct err *);
    int (*remove)(struct storage *, const char *const *keys, size_t n, struct err *);
    /* get() for a second opinion: nothing that may have corrupted the first result is used again
     * (another connection; the file's pages are dropped from the cache).  NULL: the driver has
     * nothing in between, get() is enough. */
    int (*get_anew)(struct storage *, const char *key, struct buf *, struct err *);
    /* Nobody can remove the object before then; never shortens.  NULL: the driver locks nothing,
     * and put() is given no retain_until. */
    int (*retain)(struct storage *, const char *key, time_t until, struct err *);
    const struct storage_version_ops
        *versions; /* of stores that keep overwritten objects (versions.h), or NULL */
    void (*close)(struct storage *);
};

/* What a driver's own state begins with. */
struct storage {
    const struct storage_ops *ops;
    char                     *location;  /* as the user gave it, for messages */
    unsigned                  lock_days; /* object-lock-days; 0: nothing is locked */
    bool                      distant; /* each answer takes its time: much is asked side by side */
    double hurry_s; /* no call waits longer for a store that does not answer; 0: as long as it is
                       set to */
    unsigned stale_seconds; /* how old a listing or head() may be; 0: never older than the call */
};

int storage_put(struct storage *, const char *key, const void *, size_t, struct err *);
int storage_get(struct storage *, const char *key, struct buf *, struct err *);
int storage_get_anew(struct storage *, const char *key, struct buf *, struct err *);
int storage_head(struct storage *, const char *key, struct object_info *, struct err *);
int storage_list(struct storage *, const char *prefix, storage_list_fn *, void *ctx, struct err *);
int storage_list_keys(struct storage *, const char *prefix, struct strlist *keys, struct err *);
int storage_dirs(struct storage *, const char *prefix, storage_dirs_fn *, void *ctx, struct err *);
int storage_remove(struct storage *, const char *const *keys, size_t n, struct err *);
/* Replaces a bad object of that name, which is removed first: a process that dies in between leaves
 * it missing. */
int storage_replace(struct storage *, const char *key, const void *, size_t, struct err *);
/* Extends the lock of an existing object, unless it is long enough already; until 0: nothing to
 * do. */
int  storage_retain(struct storage *, const char *key, time_t until, struct err *);
void storage_close(struct storage *); /* accepts NULL */

/* True for a key, or one segment of a key, that the rules above allow. */
bool storage_key_valid(const char *key);
bool storage_segment_valid(const char *segment);

enum { STORAGE_KEY_MAX = 1024 };

#endif
