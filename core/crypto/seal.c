#include "core/crypto/seal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/mem.h"

enum { MAGIC = 8, KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES };

static const uint8_t magic[MAGIC] = {'P', 'G', 'A', 'S', 'S', 'A', 'Y', 1};
static const uint8_t
    nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES]; /* zeroes: each key is used once */

_Static_assert((int)SEAL_HEAD == (int)MAGIC + (int)crypto_box_SEALBYTES + (int)KEY,
               "the head is the magic and the sealed key");
_Static_assert((int)SEAL_TAG == (int)crypto_aead_xchacha20poly1305_ietf_ABYTES, "one tag");
_Static_assert((int)SEAL_PUBLIC == (int)crypto_box_PUBLICKEYBYTES &&
                   (int)SEAL_SECRET == (int)crypto_box_SECRETKEYBYTES,
               "X25519");

void
seal_keypair(uint8_t public[SEAL_PUBLIC], struct secret *secret)
{
    secret_new(secret, SEAL_SECRET);
    (void)crypto_box_keypair(public, secret->data);
}

void
seal_public(const struct secret *secret, uint8_t public[SEAL_PUBLIC])
{
    (void)crypto_scalarmult_base(public, secret->data);
}

static unsigned
log2_floor(size_t n)
{
    return (unsigned)(8 * sizeof(unsigned long long) - 1) -
        (unsigned)__builtin_clzll((unsigned long long)n);
}

/* Padmé: the lowest bits of a length are zero; the longer it is, the more of them. */
static size_t
padded(size_t n)
{
    unsigned e = log2_floor(n); /* n is never below SEAL_LENGTH */
    unsigned s = log2_floor(e) + 1;
    size_t   mask = ((size_t)1 << (e - s)) - 1;

    return (n + mask) & ~mask;
}

size_t
seal_bound(size_t n)
{
    return SEAL_HEAD + padded(SEAL_LENGTH + n) + SEAL_TAG;
}

static void
put_le64(uint8_t *out, uint64_t n)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(n >> (8 * i));
    }
}

static uint64_t
get_le64(const uint8_t *in)
{
    uint64_t n = 0;

    for (int i = 8; i-- > 0;) {
        n = n << 8 | in[i];
    }
    return n;
}

/* The additional authenticated data.  Allocated. */
static uint8_t *
associated(const struct sealed_as *as, const uint8_t head[SEAL_HEAD], size_t *n)
{
    char    *context = xasprintf("pgassay %s v1", as->type);
    size_t   context_n = strlen(context) + 1;
    uint8_t *ad;

    *n = context_n + SEAL_PUBLIC + as->what_n + SEAL_HEAD;
    ad = xmalloc(*n);
    memcpy(ad, context, context_n);
    memcpy(ad + context_n, as->public, SEAL_PUBLIC);
    if (as->what_n > 0) {
        memcpy(ad + context_n + SEAL_PUBLIC, as->what, as->what_n);
    }
    memcpy(ad + context_n + SEAL_PUBLIC + as->what_n, head, SEAL_HEAD);
    free(context);
    return ad;
}

int
seal(const struct sealed_as *as, const void *data, size_t n, struct buf *out, struct err *e)
{
    size_t   inner = padded(SEAL_LENGTH + n);
    uint8_t  key[KEY];
    uint8_t *ad;
    uint8_t *body;
    size_t   ad_n;

    buf_clear(out);
    if (buf_reserve(out, seal_bound(n), e) != 0) {
        return -1;
    }
    body = out->data + SEAL_HEAD;
    memcpy(out->data, magic, MAGIC);
    random_bytes(key, sizeof key);
    if (crypto_box_seal(out->data + MAGIC, key, sizeof key, as->public) != 0) {
        sodium_memzero(key, sizeof key);
        return err_set(e, ERR_CORRUPT, "the public key to encrypt to is none");
    }
    put_le64(body, n);
    if (n > 0) {
        memcpy(body + SEAL_LENGTH, data, n);
    }
    memset(body + SEAL_LENGTH + n, 0, inner - SEAL_LENGTH - n);
    ad = associated(as, out->data, &ad_n);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(body, NULL, body, inner, ad, ad_n, NULL, nonce,
                                                     key);
    sodium_memzero(key, sizeof key);
    free(ad);
    out->len = SEAL_HEAD + inner + SEAL_TAG;
    return 0;
}

int
unseal(const struct sealed_as *as, const struct secret *secret, uint8_t *sealed, size_t sealed_n,
       const uint8_t **data, size_t *n, struct err *e)
{
    uint8_t  key[KEY];
    uint8_t *body = sealed + SEAL_HEAD;
    uint8_t *ad;
    size_t   ad_n;
    uint64_t length;
    int      bad;

    if (sealed_n < SEAL_HEAD + SEAL_LENGTH + SEAL_TAG) {
        return err_set(e, ERR_CORRUPT, "is too short to be encrypted: cut off?");
    }
    if (memcmp(sealed, magic, MAGIC) != 0) {
        return err_set(e, ERR_CORRUPT, "is not encrypted as this program knows it");
    }
    if (crypto_box_seal_open(key, sealed + MAGIC, SEAL_HEAD - MAGIC, as->public, secret->data) !=
        0) {
        return err_set(e, ERR_CORRUPT,
                       "its key cannot be opened: it is encrypted for another, or was changed");
    }
    ad = associated(as, sealed, &ad_n);
    bad = crypto_aead_xchacha20poly1305_ietf_decrypt(body, NULL, NULL, body, sealed_n - SEAL_HEAD,
                                                     ad, ad_n, nonce, key);
    sodium_memzero(key, sizeof key);
    free(ad);
    if (bad != 0) {
        return err_set(e, ERR_CORRUPT,
                       "does not decrypt: it was changed, or moved here from elsewhere");
    }
    length = get_le64(body);
    if (length > sealed_n - SEAL_HEAD - SEAL_TAG - SEAL_LENGTH) {
        return err_set(e, ERR_CORRUPT, "is longer inside than outside");
    }
    *data = body + SEAL_LENGTH;
    *n = (size_t)length;
    return 0;
}
