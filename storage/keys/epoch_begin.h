/*
 * epoch_begin.h - beginning an encrypted epoch.
 *
 * An epoch is begun by storing its key object first and repo.<n>.json, which names it, last: a
 * crash in between leaves an unused object.  Only then does this host remember it: an epoch that it
 * remembers and the repository lacks looks like an old state put back.  Its key pair is new and
 * random, and so are the keys that contents are named with; the secret half is sealed to the
 * readers and then forgotten, unless this host has an identity among them.
 */
#ifndef STORAGE_KEYS_EPOCH_BEGIN_H
#define STORAGE_KEYS_EPOCH_BEGIN_H

#include "core/json.h"
#include "storage/contract/storage.h"
#include "storage/keys/epoch.h"

struct epoch_plan {
    unsigned                 number;
    const struct public_key *readers; /* at least one */
    size_t                   n_readers;
    const struct public_key *writers; /* besides this host, which is one by its sign-key */
    size_t                   n_writers;
    struct epoch            *made; /* NULL, or gets the epoch, not remembered yet; epoch_deinit() */
};

/* Stores the keys of a new epoch and changes object, a repo object, to name it.  This host
 * remembers it (pinned.h), unless the caller takes it, to do so once the object is stored. */
int epoch_begin(struct signed_store, json_t *object, const struct epoch_plan *, struct err *);

/* Names the epoch in a repo object. */
void epoch_name(json_t *object, const struct epoch *);

#endif
