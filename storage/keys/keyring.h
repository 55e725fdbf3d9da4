/*
 * keyring.h - this host's keys for a repository's epochs, and what its configuration requires.
 *
 * Keys of [repo NAME] (storage/contract/location.h):
 *   identity            secret key files of a reader, a list: to read encrypted backups
 *   passphrase-file, passphrase-command, passphrase-fd   for identity (core/crypto/passphrase.h)
 *   encrypt-to          public key files, a list: exactly these can read what this host writes
 *   must-encrypt        yes: nothing is written unencrypted.  Implied by encrypt-to
 *   repo-id             the expected repository: another one is refused
 *
 * A host accepts an epoch's public key because (1) it remembers it (pinned.h), (2) an admin that it
 * trusts has signed it (trust-admin), or (3) it remembers nothing of this repository yet, and the
 * identity opens it: this is trusted on first use only and remembered, since anybody can give a key
 * of his own to a reader.  Otherwise nothing is encrypted to it.  The keys that contents are named
 * with are remembered too, or given to this host's sign-key as a writer, or to the identity.
 *
 * Everything is loaded once, when first needed.  Thread-safe.
 */
#ifndef STORAGE_KEYS_KEYRING_H
#define STORAGE_KEYS_KEYRING_H

#include <stdbool.h>

#include "core/json.h"
#include "storage/contract/location.h"
#include "storage/contract/storage.h"
#include "storage/format/chunkname.h"
#include "storage/keys/epoch.h"

struct keyring;

extern const struct config_key keyring_keys[]; /* of the configuration */

/* place NULL: a host without keys and requirements. */
int  keyring_open(const struct storage_location *, struct keyring **out, struct err *);
void keyring_free(struct keyring *); /* accepts NULL */
/* Takes in what repo.<n>.json says.  The store must outlive the keyring.  ERR_AUTH: not the
 * expected repository. */
int keyring_bind(struct keyring *, struct signed_store, const json_t *repo, const char *repo_id,
                 struct err *);

/* Does it require encryption? */
bool keyring_must_encrypt(const struct keyring *);
/* The public keys of encrypt-to; n may be 0.  Borrowed. */
const struct public_key *keyring_encrypt_to(const struct keyring *, size_t *n);

/* NULL and ERR_CORRUPT: the repository does not know it.  Valid as long as the keyring. */
const struct epoch *keyring_epoch(struct keyring *, unsigned number, struct err *);
/* The same, ready for writing: its naming keys are there, and the configuration's requirements are
 * met.  current: it is the epoch of new backups. */
const struct epoch *keyring_write(struct keyring *, unsigned number, bool current, struct err *);
/* The same, ready for reading.  ERR_AUTH: no identity, or not a reader's; the hint names the
 * readers. */
const struct epoch *keyring_read(struct keyring *, unsigned number, struct err *);
/* Can keyring_read() succeed: is it unencrypted, or is there an identity? */
bool keyring_reads(struct keyring *, unsigned number);

/* The files that "identity" names, into an empty list. */
void keyring_identity_files(const struct storage_location *, struct strlist *);
/* The first identity; NULL: there is none (ERR_USAGE), or it cannot be opened. */
const struct secret_key *keyring_identity(struct keyring *, struct err *);
/* The passphrase that an identity was opened with, for a tool that this one runs; NULL:
 * none was needed. */
const struct secret *keyring_passphrase(const struct keyring *);
/* Both have this epoch, encrypted, with the same key. */
bool keyring_same(const struct keyring *, const struct keyring *, unsigned number);

/* With an identity: remembers the epoch's keys on this host, which may write from now on. */
int keyring_trust(struct keyring *, unsigned number, struct err *);

/* "ops (0123456789abcdef), escrow (…)".  Allocated. */
char *keyring_readers_text(const struct epoch_keys *);

#endif
