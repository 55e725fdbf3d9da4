/*
 * trust.h - what this host signs in a repository, and whose signatures it trusts.
 *
 * Keys of [repo NAME] (storage/contract/location.h): "sign-key", the secret key file of this host;
 * "trust-backup", "trust-prune", "trust-drill" and "trust-admin", lists of public key files.  An
 * admin key may do everything.  With sign-key, all that is written is signed.  Once any trust- key
 * is set, everything that decides something must carry the signature of a key that is trusted for
 * it, or it counts as damaged, though nothing is removed for that (struct err: untrusted); a role
 * without a trust- key belongs to the administrator alone, and to this host's own key (sign-key)
 * for what that signed.  Which object belongs to which role: docs/repository-format.md,
 * "Signatures".
 *
 * The signature is an object's second line, {"key": ID, "signature": HEX}, over the exact bytes of
 * the first (core/crypto/sign.h).
 */
#ifndef STORAGE_KEYS_TRUST_H
#define STORAGE_KEYS_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/crypto/keyfile.h"
#include "core/err.h"
#include "storage/contract/location.h"

struct trust;

extern const struct config_key trust_keys[]; /* of the configuration */

/* *out is NULL when none of the keys is set. */
int  trust_open(const struct storage_location *, struct trust **out, struct err *);
void trust_free(struct trust *); /* accepts NULL */
/* Signatures are bound to one repository: before its id is known nothing is signed or trusted.  32
 * hex digits. */
void trust_bind(struct trust *, const char *repo_id);
/* From now on a missing signature of backups and sources is a warning, given once: a restore runs
 * foreign code. */
void trust_allow_unsigned(struct trust *);

/* This host's own key; NULL: none. */
const struct secret_key *trust_key(const struct trust *);
/* trust-admin is set: the repository's own objects are signed. */
bool trust_knows_admins(const struct trust *);

/* Appends the second line; nothing without a sign-key.  line: the object's only line, with its
 * newline.  These accept NULL. */
int trust_sign(const struct trust *, const char *type, const char *key, struct buf *line,
               struct err *);
/* The whole object as stored.  0: signed by a key that may, or no signature is required.
 * ERR_CORRUPT says what is wrong. */
int trust_check(struct trust *, const char *type, const char *key, const void *, size_t n,
                struct err *);
/* The id of the key that it signs with; NULL: it does not sign. */
const char *trust_signer(const struct trust *);
/* Must objects of this type be signed by somebody it trusts? */
bool trust_asks(const struct trust *, const char *type);
/* Would this host trust what it is about to write?  ERR_AUTH: no; better to fail now than when it
 * is read back. */
int trust_may(const struct trust *, const char *type, struct err *);

#endif
