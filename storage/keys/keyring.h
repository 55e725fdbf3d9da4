/*
 * keyring.h - the keys that this host has of a repository's epochs, and what its configuration
 * insists on.
 *
 * Keys of [repo NAME] (storage/contract/location.h):
 *   identity            secret key files of a reader, a list: to read what is encrypted
 *   passphrase-file, passphrase-command, passphrase-fd   for identity (core/crypto/passphrase.h)
 *   encrypt-to          public key files, a list: who shall be able to read what this host writes,
 *                       these and nobody else
 *   must-encrypt        yes: nothing plain is written.  encrypt-to means that, too
 *   repo-id             the repository that it is: another one is refused
 *
 * Whether an epoch's public key is right, a host knows because (1) it remembers it (pinned.h),
 * (2) an admin whom it trusts has signed it (trust-admin), or (3) it remembers nothing of this
 * repository yet, and the identity opens it: that is believed once and remembered, since anybody
 * can give a key of his own making to a reader.  Without any of these nothing is encrypted to it.
 * The keys that contents are named with come from there too: remembered, or given to this host's
 * sign-key as a writer, or to the identity.
 *
 * Everything is loaded when it is first needed, and once.  Thread-safe.
 */
#ifndef STORAGE_KEYS_KEYRING_H
#define STORAGE_KEYS_KEYRING_H

#include <jansson.h>
#include <stdbool.h>

#include "storage/contract/location.h"
#include "storage/contract/storage.h"
#include "storage/format/chunkname.h"
#include "storage/keys/epoch.h"

struct keyring;

extern const struct config_key keyring_keys[]; /* of the configuration */

/* place NULL: a host that has and asks nothing. */
int  keyring_open(const struct storage_location *, struct keyring **out, struct err *);
void keyring_free(struct keyring *); /* accepts NULL */
/* What repo.<n>.json says.  The store must outlive the keyring.  ERR_AUTH when it is
 * not the repository that is meant. */
int keyring_bind(struct keyring *, struct signed_store, const json_t *repo, const char *repo_id,
                 struct err *);

/* Does it insist on encryption? */
bool keyring_must_encrypt(const struct keyring *);
/* The public keys of encrypt-to; n may be 0.  Borrowed. */
const struct public_key *keyring_encrypt_to(const struct keyring *, size_t *n);

/* NULL and ERR_CORRUPT: the repository does not know it.  Valid as long as the keyring. */
const struct epoch *keyring_epoch(struct keyring *, unsigned number, struct err *);
/* The same, ready to write in: its naming keys are there, and all that the configuration insists
 * on is so.  current: it is the epoch that new backups go into. */
const struct epoch *keyring_write(struct keyring *, unsigned number, bool current, struct err *);
/* The same, ready to read from.  ERR_AUTH: no identity, or not of a reader; the hint names the
 * readers. */
const struct epoch *keyring_read(struct keyring *, unsigned number, struct err *);
/* Can keyring_read() succeed: is it plain, or is there an identity? */
bool keyring_reads(struct keyring *, unsigned number);

/* The files that "identity" names, into an empty list. */
void keyring_identity_files(const struct storage_location *, struct strlist *);
/* The first identity; NULL: there is none (ERR_USAGE), or it cannot be opened. */
const struct secret_key *keyring_identity(struct keyring *, struct err *);
/* The passphrase that an identity was opened with, for a tool that is run by this one; NULL:
 * none was needed. */
const struct secret *keyring_passphrase(const struct keyring *);
/* Both have this epoch, encrypted, with the same key. */
bool keyring_same(const struct keyring *, const struct keyring *, unsigned number);

/* With an identity: remember the epoch's keys on this host, which may write from now on. */
int keyring_trust(struct keyring *, unsigned number, struct err *);

/* "ops (0123456789abcdef), escrow (…)".  Allocated. */
char *keyring_readers_text(const struct epoch_keys *);

#endif
