/*
 * sign.h - Ed25519 signatures over the type of an object, its key, and its exact bytes.
 *
 * The signed text is: "pgassay ", type, " v1" and a NUL, the repository's id (32 hex digits), the
 * object's key and a NUL, the bytes.  So a signature is not valid for another type, repository or
 * name.
 */
#ifndef CORE_CRYPTO_SIGN_H
#define CORE_CRYPTO_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crypto/secret.h"

enum { SIGN_PUBLIC = 32, SIGN_SEED = 32, SIGN_SECRET = 64, SIGNATURE_BYTES = 64 };

/* What the bytes are. */
struct signed_as {
    const char *type;    /* "label" */
    const char *repo_id; /* 32 hex digits */
    const char *key;     /* "shop/backups/20261121T021500Z-4f2a/label.json" */
};

/* From 32 random bytes, which are the whole secret. */
void sign_keypair(const uint8_t  seed[SIGN_SEED], uint8_t public[SIGN_PUBLIC],
                  struct secret *secret);
void sign_bytes(const struct secret *, const struct signed_as *, const void *, size_t n,
                uint8_t out[SIGNATURE_BYTES]);
bool sign_verify(const uint8_t public[SIGN_PUBLIC], const struct signed_as *, const void *,
                 size_t n, const uint8_t signature[SIGNATURE_BYTES]);

#endif
