#include "core/crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/enc.h"
#include "core/log.h"
#include "core/mem.h"

static void *
get(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return xmalloc(n);
}

static void *
resize(void *old, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    if (n > 0) {
        return xrealloc(old, n);
    }
    free(old);
    return NULL;
}

static void
release(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* Before main(), as no memory may be allocated earlier.  When libcrypto has no memory for its own
 * tables it goes on without them and crashes later: it is better to end cleanly.
 */
static void __attribute__((constructor)) never_without_memory(void)
{
    (void)CRYPTO_set_mem_functions(get, resize, release);
}

static _Noreturn void
no_crypto(const char *what)
{
    /* Mostly out of memory: then mem.h reports it. */
    log_error("%s: the cryptographic library does not work, or has no memory", what);
    _exit(1);
}

void
sha256(const void *p, size_t n, uint8_t out[SHA256_BYTES])
{
    if (SHA256(p, n, out) == NULL) {
        no_crypto("sha-256");
    }
}

void
sha256_hex(const void *p, size_t n, char out[SHA256_HEX + 1])
{
    uint8_t digest[SHA256_BYTES];

    sha256(p, n, digest);
    hex_encode(digest, sizeof digest, out);
}

struct sha256_sum {
    EVP_MD_CTX *ctx;
};

static void
sum_begin(struct sha256_sum *s)
{
    if (s->ctx == NULL || EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) != 1) {
        no_crypto("sha-256");
    }
}

struct sha256_sum *
sha256_sum_new(void)
{
    struct sha256_sum *s = xcalloc(1, sizeof *s);

    s->ctx = EVP_MD_CTX_new();
    sum_begin(s);
    return s;
}

void
sha256_sum_more(struct sha256_sum *s, const void *p, size_t n)
{
    if (EVP_DigestUpdate(s->ctx, p, n) != 1) {
        no_crypto("sha-256");
    }
}

void
sha256_sum_hex(struct sha256_sum *s, char out[SHA256_HEX + 1])
{
    uint8_t digest[SHA256_BYTES];

    if (EVP_DigestFinal_ex(s->ctx, digest, NULL) != 1) {
        no_crypto("sha-256");
    }
    hex_encode(digest, sizeof digest, out);
    sum_begin(s);
}

void
sha256_sum_free(struct sha256_sum *s)
{
    if (s != NULL) {
        EVP_MD_CTX_free(s->ctx);
        free(s);
    }
}

void
hmac_sha256(const uint8_t key[32], const void *p, size_t n, uint8_t out[SHA256_BYTES])
{
    hmac_sha256_key(key, 32, p, n, out);
}

void
hmac_sha256_key(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[SHA256_BYTES])
{
    unsigned len = SHA256_BYTES;

    if (HMAC(EVP_sha256(), key, (int)key_len, p, n, out, &len) == NULL) {
        no_crypto("hmac-sha-256");
    }
}

void
md5(const void *p, size_t n, uint8_t out[MD5_BYTES])
{
    unsigned len = MD5_BYTES;

    if (EVP_Digest(p, n, out, &len, EVP_md5(), NULL) != 1) {
        no_crypto("md5");
    }
}

void
random_bytes(void *p, size_t n)
{
    if (sodium_init() < 0) { /* thread-safe, and does nothing the second time */
        no_crypto("random numbers");
    }
    randombytes_buf(p, n);
}

void
random_hex(size_t n, char *out)
{
    uint8_t *bytes = xmalloc(n);

    random_bytes(bytes, n);
    hex_encode(bytes, n, out);
    free(bytes);
}
