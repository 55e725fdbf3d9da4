/*
 * s3.h - the driver for a bucket of an S3 store.  This header is for its own files, and for code
 * that needs more of a store than the contract of storage.h (s3_storage_of()).
 *
 * Guarantees, and what S3 does not give:
 *
 *   - put(): a key that holds the SHA-256 of its own bytes (a chunk's does) is simply put: any
 *     object with this name is the same.  Any other key is looked up first (HEAD); when it exists,
 *     its bytes are read and compared.  The PUT then carries "If-None-Match: *", which lets only
 *     one of several racing writers win if the store obeys it.  Some stores refuse it (it is then
 *     left out from there on), some silently ignore it: there, two writers that put different bytes
 *     under one name at the same time both succeed and the later object remains.  So names that can
 *     collide are made unique by the code that chooses them: with a run's id or random digits.
 *   - Each PUT names its SHA-256 in the signed request: a store cannot accept other bytes.
 *     No multipart.
 *   - An answer without a length, or cut short, counts as none; so does a successful one about an
 *     object that is not an S3 store's (no ETag; an unexpected body).
 *   - list() checks that keys ascend and lie below the prefix, over all pages.
 *   - modified: the store's Last-Modified.
 *   - Transient errors are retried until `timeout` (s3/call.h).
 */
#ifndef STORAGE_DRIVERS_S3_S3_H
#define STORAGE_DRIVERS_S3_S3_H

#include "storage/contract/location.h"
#include "storage/contract/storage.h"
#include "storage/drivers/s3/bucket.h"

/* rest: "bucket/prefix".  Sends nothing yet.  create has no effect: the bucket must exist, and the
 * first writer notices if it does not. */
struct storage *storage_s3_open(const char *rest, const struct storage_location *, bool create,
                                struct err *);
/* NULL when st is another driver's. */
struct s3_storage *s3_storage_of(struct storage *st);

/* ---- within the driver ---- */

int s3_put(struct storage *, const char *key, const struct blob *, struct err *);
int s3_list(struct storage *, const char *prefix, storage_list_fn *, void *ctx, struct err *);
int s3_dirs(struct storage *, const char *prefix, storage_dirs_fn *, void *ctx, struct err *);
int s3_remove(struct storage *, const char *const *keys, size_t n, struct err *);

/* Older versions (s3/versions.c). */
struct object_version;
int s3_remove_versions(struct storage *, const struct object_version *, size_t n, struct err *);
extern const struct storage_version_ops s3_version_ops;
enum { S3_STATUS_MAX = 16 };
/* 0: status is "Enabled", "Suspended" or "" (versioning was never turned on).  1: the store has no
 * such call, or does not permit it. */
int s3_versioning(struct s3_storage *, char status[S3_STATUS_MAX], struct err *);

/* ---- Object Lock (s3/lock.c) ---- */

/* -1: the clock is known to be wrong, and so would be the lock's end. */
int s3_lock_allowed(const struct s3_storage *, const struct blob *, struct err *);
/* The headers that lock a new object. */
void s3_lock_headers(const struct s3_storage *, const struct blob *, struct strlist *headers);
/* The end of the object's lock by an answer; 0: not locked. */
time_t s3_lock_shown(const struct s3_answer *);
/* 0: the store shows it locked at least until then.  Some answer 200 to everything and lock
 * nothing. */
int s3_lock_check(struct storage *, const char *key, time_t until, struct err *);
int s3_retain(struct storage *, const char *key, time_t until, struct err *);

#endif
