/*
 * seal.h - bytes that only the holder of a secret key can read: sealed to an X25519 public key.
 *
 *   8 bytes    "PGASSAY" and the version, 1
 *   80 bytes   a random key of 32 bytes, used only once, in a sealed box (libsodium's
 *              crypto_box_seal) to the public key
 *   the rest   XChaCha20-Poly1305 (IETF) under that key, the tag last; nonce: 24 zero bytes, since
 *              the key is used once
 *
 * The plain text is the length of the data (8 bytes, little-endian), the data, and zeroes up to the
 * length that Padmé gives (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
 * Communication with PURBs", 2019, section 4): at most 12 % more, and the length reveals little.
 * Authenticated with it are what the bytes are (struct sealed_as) and the first 88 bytes: no object
 * can replace another.
 *
 * All at once, in memory: no byte is returned before all were checked.  Thread-safe.
 */
#ifndef CORE_CRYPTO_SEAL_H
#define CORE_CRYPTO_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/crypto/secret.h"
#include "core/err.h"

enum {
    SEAL_PUBLIC = 32,
    SEAL_SECRET = 32,
    SEAL_HEAD = 8 + 32 + 48, /* magic, sealed box of a key */
    SEAL_LENGTH = 8,
    SEAL_TAG = 16,
};

/* What the bytes are. Authenticated: "pgassay ", type, " v1" and a NUL, the public key, what. */
struct sealed_as {
    const char *type;      /* "chunk" */
    const uint8_t *public; /* SEAL_PUBLIC */
    const void *what; /* distinguishes it from others of its type: the id of a chunk, for example */
    size_t      what_n;
};

/* A new key pair. */
void seal_keypair(uint8_t public[SEAL_PUBLIC], struct secret *secret);
/* The public half of a secret key. */
void seal_public(const struct secret *secret, uint8_t public[SEAL_PUBLIC]);

/* The largest size that n bytes can become. */
size_t seal_bound(size_t n);
/* Replaces out's contents. */
int seal(const struct sealed_as *, const void *data, size_t n, struct buf *out, struct err *);
/* In place: *data and *n tell where within sealed the data is now.  ERR_CORRUPT: not sealed to
 * this key, or not as this, or changed since. */
int unseal(const struct sealed_as *, const struct secret *, uint8_t *sealed, size_t sealed_n,
           const uint8_t **data, size_t *n, struct err *);

#endif
