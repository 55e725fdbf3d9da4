/*
 * epoch.h - who can read an epoch, and who can write in it: keys.<epoch>.<n>.json.
 *
 * An encrypted epoch has a key pair of its own: what is stored is sealed to the public half.  The
 * secret half is sealed, in this object, to each reader; the keys that contents are named with (id
 * key, fingerprint key) to each reader and each writer.  Each change of readers or writers writes
 * the next n; of the objects with the epoch's public key the highest trusted one counts.  Signed by
 * an admin (trust.h).  The objects lie beside repo.<n>.json and not in a directory, whose name
 * could be a database's.  Each encrypted backup keeps a copy: <db>/backups/<backup>/keys.json.
 */
#ifndef STORAGE_KEYS_EPOCH_H
#define STORAGE_KEYS_EPOCH_H

#include <stdbool.h>

#include "core/crypto/keyfile.h"
#include "core/crypto/seal.h"
#include "storage/contract/storage.h"
#include "storage/keys/signed.h"

enum { ID_KEY = 32, FINGERPRINT_KEY = 16, NAMING_KEYS = ID_KEY + FINGERPRINT_KEY };

struct epoch {
    unsigned number;
    bool     sealed; /* false: it is not encrypted, and public and secret are unused */
    uint8_t public[SEAL_PUBLIC];
    struct secret secret; /* SEAL_SECRET; empty: not opened, or not to be opened here */
    struct secret naming; /* NAMING_KEYS, the id key first; empty: not known (yet) */
};

enum epoch_role { EPOCH_READER, EPOCH_WRITER };

struct epoch_recipient {
    enum epoch_role role;
    char            id[KEY_ID_HEX + 1]; /* of the key file */
    char           *name;               /* of the key file, for messages */
    uint8_t         read[READ_PUBLIC];
    struct buf      box; /* sealed to read */
};

struct epoch_keys {
    unsigned epoch, n;
    unsigned there;  /* their number when it was loaded; 0: not loaded */
    bool     copied; /* none of them could be used: it is the copy that a backup keeps */
    uint8_t public[SEAL_PUBLIC];
    struct epoch_recipient *v;
    size_t                  count, cap;
};

void epoch_deinit(struct epoch *);
/* A new one, with random keys. */
void epoch_make(struct epoch *, unsigned number);

void epoch_keys_free(struct epoch_keys *); /* accepts a zeroed one */
/* NULL: no such recipient.  id: of a key file. */
struct epoch_recipient *epoch_keys_find(const struct epoch_keys *, enum epoch_role, const char *id);
/* Seals the epoch's keys to k, replacing what was sealed to it before.  A reader needs the epoch's
 * secret; readers and writers need its naming keys. */
int  epoch_keys_add(struct epoch_keys *, enum epoch_role, const struct public_key *,
                    const struct epoch *, struct err *);
bool epoch_keys_drop(struct epoch_keys *,
                     const char *id); /* in every role; false: no such recipient */

/* Opens the keys sealed to k: fills in secret and naming, or naming alone.  ERR_CORRUPT: they are
 * not the epoch's. */
int epoch_recipient_open(const struct epoch_recipient *, const struct secret_key *k, struct epoch *,
                         struct err *);

/* The newest trusted one of this epoch; if none is left, the copy kept by a backup.  ERR_AUTH:
 * there is neither. */
int epoch_keys_load(struct signed_store, const struct epoch *, struct epoch_keys *, struct err *);
/* Stores it under the next n, which becomes the object's.  ERR_EXISTS, and nothing is changed, when
 * another one was put since this one was loaded: that one would not count any more. */
int epoch_keys_put(struct signed_store, struct epoch_keys *, struct err *);
/* The bytes of the newest, for a copy, and its n; *raw is replaced. */
int epoch_keys_raw(struct signed_store, const struct epoch *, struct buf *raw, unsigned *n,
                   struct err *);

/* Locks all of an epoch's objects until then, unless they are already (object_lock.h). */
int epoch_keys_retain(struct storage *, unsigned epoch, time_t until, struct err *);

/* For tests and fuzzing: the object from its line. */
int epoch_keys_parse(const void *, size_t, struct epoch_keys *, struct err *);

#endif
