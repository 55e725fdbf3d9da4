/* Sealed bytes: what is not sealed does not open; what is sealed opens when nothing was changed,
 * and only then; and whoever knows the public key can put anything inside, even a length that is
 * a lie.  The first byte chooses. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/seal.h"
#include "core/enc.h"
#include "core/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct secret secret;
static uint8_t public[SEAL_PUBLIC];

/* The epoch's of tests/vectors/seal.json, so that its objects can be seeds. */
static void
fixed_key(void)
{
    static const char hex[] = "275352942de2b71883addf7338666fd8d26ee87c98a9bbe621b7e8f15c842f2e";

    if (secret.data == NULL) {
        secret_new(&secret, SEAL_SECRET);
        if (hex_decode(hex, sizeof hex - 1, secret.data, secret.n) != 0) {
            abort();
        }
        seal_public(&secret, public);
    }
}

static struct sealed_as
as_fixed(void)
{
    return (struct sealed_as){.type = "chunk", .public = public, .what = "fixed", .what_n = 5};
}

/* Opens a copy; true when that was possible.  Allocated: the data. */
static bool
opens(const uint8_t *sealed, size_t n, uint8_t **out, size_t *out_n)
{
    struct sealed_as as = as_fixed();
    struct err       e = ERR_INIT;
    uint8_t         *copy = xmalloc(n + 1);
    const uint8_t   *inside = NULL;
    int              rc;

    *out = NULL;
    if (n > 0) {
        memcpy(copy, sealed, n);
    }
    rc = unseal(&as, &secret, copy, n, &inside, out_n, &e);
    if (rc != 0 && (e.kind != ERR_CORRUPT || e.text[0] == '\0' || inside != NULL)) {
        abort();
    }
    if (rc == 0) {
        *out = xmalloc(*out_n + 1);
        if (inside < copy || inside + *out_n > copy + n) {
            abort();
        }
        memcpy(*out, inside, *out_n);
    }
    free(copy);
    return rc == 0;
}

static void
open_anything(const uint8_t *data, size_t n)
{
    uint8_t *out;
    size_t   out_n;

    (void)opens(data, n, &out, &out_n);
    free(out);
}

/* Length of the data, then changes of three bytes each: where (two), and how. */
static void
seal_and_change(const uint8_t *data, size_t n)
{
    struct sealed_as as = as_fixed();
    struct buf       b = BUF_INIT(BUF_NO_LIMIT);
    struct buf       whole = BUF_INIT(BUF_NO_LIMIT);
    struct err       e = ERR_INIT;
    size_t           length = n == 0 ? 0 : data[0];
    uint8_t          content[256];
    uint8_t         *out;
    size_t           out_n = 0;
    bool             same;

    memset(content, 0x5a, sizeof content);
    if (seal(&as, content, length, &b, &e) != 0 || buf_append(&whole, b.data, b.len, &e) != 0) {
        abort();
    }
    for (size_t i = 1; i + 2 < n; i += 3) {
        b.data[((size_t)data[i] << 8 | data[i + 1]) % b.len] ^= data[i + 2];
    }
    same = memcmp(b.data, whole.data, b.len) == 0;
    if (opens(b.data, b.len, &out, &out_n) != same ||
        (same && (out_n != length || memcmp(out, content, length) != 0))) {
        abort();
    }
    free(out);
    buf_free(&b);
    buf_free(&whole);
}

/* As core/crypto/seal.h describes it, but for what stands inside: that is the input. */
static void
put_inside(const uint8_t *data, size_t n)
{
    static const uint8_t magic[8] = {'P', 'G', 'A', 'S', 'S', 'A', 'Y', 1};
    static const uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
    static const char    context[] = "pgassay chunk v1";
    const uint8_t        key[32] = {1};
    uint8_t             *sealed = xmalloc(SEAL_HEAD + n + SEAL_TAG);
    uint8_t              ad[sizeof context + SEAL_PUBLIC + 5 + SEAL_HEAD];
    uint8_t             *out;
    size_t               out_n = 0;
    uint64_t             length = 0;
    bool                 good;

    memcpy(sealed, magic, sizeof magic);
    if (crypto_box_seal(sealed + sizeof magic, key, sizeof key, public) != 0) {
        abort();
    }
    memcpy(ad, context, sizeof context);
    memcpy(ad + sizeof context, public, SEAL_PUBLIC);
    memcpy(ad + sizeof context + SEAL_PUBLIC, "fixed", 5);
    memcpy(ad + sizeof context + SEAL_PUBLIC + 5, sealed, SEAL_HEAD);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + SEAL_HEAD, NULL, data, n, ad,
                                                     sizeof ad, NULL, nonce, key);
    for (size_t i = 8; n >= 8 && i-- > 0;) {
        length = length << 8 | data[i];
    }
    good = n >= SEAL_LENGTH && length <= n - SEAL_LENGTH;
    if (opens(sealed, SEAL_HEAD + n + SEAL_TAG, &out, &out_n) != good ||
        (good && (out_n != length || memcmp(out, data + SEAL_LENGTH, out_n) != 0))) {
        abort();
    }
    free(out);
    free(sealed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fixed_key();
    if (n == 0) {
        return 0;
    }
    switch (data[0] % 3) {
    case 0:
        open_anything(data + 1, n - 1);
        break;
    case 1:
        seal_and_change(data + 1, n - 1);
        break;
    default:
        put_inside(data + 1, n - 1);
        break;
    }
    return 0;
}
