/*
 * ciphers.c - how fast could a chunk be encrypted here?  One line a way: "name<TAB>megabytes a
 * second".
 *
 * For scripts/bench: the reasons for the cipher that core/crypto/seal.c uses, measured on the
 * machine at hand.
 */
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/crypto/seal.h"
#include "core/human.h"
#include "core/mem.h"

enum { CHUNK = 5 << 20, ROUNDS = 20, TAGS = 64 };

static uint8_t *in, *out;
static uint8_t  key[32], nonce[32];

typedef int way_fn(void); /* non-zero: not on this machine */

static int
xchacha(void)
{
    return crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, in, CHUNK, NULL, 0, NULL, nonce,
                                                      key);
}

static int
chacha_ietf(void)
{
    return crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, in, CHUNK, NULL, 0, NULL, nonce,
                                                     key);
}

static int
aes_sodium(void)
{
    return crypto_aead_aes256gcm_is_available() == 0 ||
        crypto_aead_aes256gcm_encrypt(out, NULL, in, CHUNK, NULL, 0, NULL, nonce, key) != 0;
}

static int
evp(const EVP_CIPHER *cipher)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int             n;
    int             bad = EVP_EncryptInit_ex(ctx, cipher, NULL, key, nonce) != 1 ||
        EVP_EncryptUpdate(ctx, out, &n, in, CHUNK) != 1 ||
        EVP_EncryptFinal_ex(ctx, out + n, &n) != 1;

    EVP_CIPHER_CTX_free(ctx);
    return bad;
}

static int
aes_openssl(void)
{
    return evp(EVP_aes_256_gcm());
}

static int
chacha_openssl(void)
{
    return evp(EVP_chacha20_poly1305());
}

static int
sha(void)
{
    sha256(in, CHUNK, out);
    return 0;
}

/* All of it: key, sealed box, padding, cipher. */
static int
whole(void)
{
    static struct secret secret;
    static struct buf    sealed = BUF_INIT(BUF_NO_LIMIT);
    static uint8_t public[SEAL_PUBLIC];
    struct sealed_as as = {.type = "chunk", .public = public, .what = "x", .what_n = 1};
    struct err       e = ERR_INIT;

    if (secret.data == NULL) {
        seal_keypair(public, &secret);
    }
    return seal(&as, in, CHUNK, &sealed, &e);
}

static const struct {
    const char *name;
    way_fn     *fn;
} ways[] = {
    {"xchacha20-poly1305 (libsodium)", xchacha},     {"chacha20-poly1305 (libsodium)", chacha_ietf},
    {"chacha20-poly1305 (OpenSSL)", chacha_openssl}, {"aes-256-gcm (libsodium)", aes_sodium},
    {"aes-256-gcm (OpenSSL)", aes_openssl},          {"a chunk sealed, all of it", whole},
    {"sha-256 (OpenSSL), to compare", sha},
};

int
main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    in = xmalloc(CHUNK);
    out = xmalloc(CHUNK + TAGS);
    random_bytes(in, CHUNK);
    random_bytes(key, sizeof key);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        double began;
        int    bad = ways[i].fn();

        began = clock_seconds();
        for (int n = 0; bad == 0 && n < ROUNDS; n++) {
            bad = ways[i].fn();
        }
        if (bad == 0) {
            (void)printf("%s\t%.0f\n", ways[i].name,
                         (double)CHUNK * ROUNDS / (clock_seconds() - began) / 1e6);
        }
    }
    free(in);
    free(out);
    return 0;
}
