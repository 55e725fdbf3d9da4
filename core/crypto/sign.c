#include "core/crypto/sign.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

_Static_assert(SIGN_SECRET == crypto_sign_SECRETKEYBYTES && SIGNATURE_BYTES == crypto_sign_BYTES &&
                   SIGN_SEED == crypto_sign_SEEDBYTES && SIGN_PUBLIC == crypto_sign_PUBLICKEYBYTES,
               "Ed25519");

void
sign_keypair(const uint8_t seed[SIGN_SEED], uint8_t public[SIGN_PUBLIC], struct secret *secret)
{
    secret_new(secret, SIGN_SECRET);
    (void)crypto_sign_seed_keypair(public, secret->data, seed);
}

/* Ed25519 reads its message twice, so it has to lie in one piece.  Allocated. */
static uint8_t *
message(const struct signed_as *as, const void *data, size_t n, size_t *total)
{
    char    *head = xasprintf("pgassay %s v1", as->type);
    size_t   head_n = strlen(head) + 1;
    size_t   repo_n = strlen(as->repo_id);
    size_t   key_n = strlen(as->key) + 1;
    uint8_t *m = xmalloc(head_n + repo_n + key_n + n);

    memcpy(m, head, head_n);
    memcpy(m + head_n, as->repo_id, repo_n);
    memcpy(m + head_n + repo_n, as->key, key_n);
    if (n > 0) {
        memcpy(m + head_n + repo_n + key_n, data, n);
    }
    *total = head_n + repo_n + key_n + n;
    free(head);
    return m;
}

void
sign_bytes(const struct secret *secret, const struct signed_as *as, const void *data, size_t n,
           uint8_t out[SIGNATURE_BYTES])
{
    size_t   total;
    uint8_t *m = message(as, data, n, &total);

    (void)crypto_sign_detached(out, NULL, m, total, secret->data);
    free(m);
}

bool
sign_verify(const uint8_t public[SIGN_PUBLIC], const struct signed_as *as, const void *data,
            size_t n, const uint8_t signature[SIGNATURE_BYTES])
{
    size_t   total;
    uint8_t *m = message(as, data, n, &total);
    bool     good = crypto_sign_verify_detached(signature, m, total, public) == 0;

    free(m);
    return good;
}
