/*
 * hash.h - SHA-256 and HMAC-SHA256 (libcrypto: uses the CPU's SHA instructions), random bytes.
 *
 * MD5 only where S3 stores still require it (Content-MD5): it proves nothing.
 */
#ifndef CORE_CRYPTO_HASH_H
#define CORE_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX = 64, MD5_BYTES = 16 };

/* In one call; thread-safe; fails only for lack of memory, which ends the program. */
void sha256(const void *, size_t, uint8_t out[SHA256_BYTES]);
void sha256_hex(const void *, size_t, char out[SHA256_HEX + 1]);
/* Piece by piece, for what is not in memory as a whole: new, more, and the digest, after which the
 * next begins. */
struct sha256_sum;
struct sha256_sum *sha256_sum_new(void);
void               sha256_sum_more(struct sha256_sum *, const void *, size_t);
void               sha256_sum_hex(struct sha256_sum *, char out[SHA256_HEX + 1]);
void               sha256_sum_free(struct sha256_sum *); /* accepts NULL */

void hmac_sha256(const uint8_t key[32], const void *, size_t, uint8_t out[SHA256_BYTES]);

/* A key of any length. */
void hmac_sha256_key(const void *key, size_t key_len, const void *, size_t,
                     uint8_t out[SHA256_BYTES]);
void md5(const void *, size_t, uint8_t out[MD5_BYTES]);

/* From the kernel (libsodium). */
void random_bytes(void *, size_t);
/* n random bytes as 2n hex digits and a NUL. */
void random_hex(size_t n, char *out);

#endif
