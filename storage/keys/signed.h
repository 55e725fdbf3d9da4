/*
 * signed.h - JSON objects of a repository, written with this host's signature and read only with a
 * trusted one.
 *
 * Everything that decides something (tombstones, policies, sources, drill records, run marks) goes
 * through here: no object is used without checking its signature.  Three have a reader of their
 * own, which calls trust_check() itself: repo.<n>.json (repo.c: its own id comes first),
 * keys.<e>.<n>.json (epoch.c: a copy may lie under another name) and labels (label_load.c: their
 * bytes are kept).
 */
#ifndef STORAGE_KEYS_SIGNED_H
#define STORAGE_KEYS_SIGNED_H

#include "core/err.h"
#include "core/json.h"
#include "storage/contract/storage.h"
#include "storage/keys/trust.h"

/* A storage, and whose signatures count in it.  Borrows both. */
struct signed_store {
    struct storage *st;
    struct trust   *trust; /* NULL: nothing is signed or required */
};

/* Writes it, with the signature that its type needs.  ERR_AUTH: this host would not trust it
 * itself. */
int object_put(struct signed_store, const char *key, const json_t *, struct err *);
/* max: maximum bytes of the object. */
json_t *object_get(struct signed_store, const char *key, const char *type, size_t max,
                   struct err *);

#endif
