#include "pg/rows/fingerprint.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_shorthash_siphashx24_BYTES == 16 &&
                   crypto_shorthash_siphashx24_KEYBYTES == 16,
               "two lanes of 64 bits, a key of 16 bytes");

/* SipHash writes its result little-endian on every machine. */
static uint64_t
le64(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--) {
        v = v << 8 | p[i];
    }
    return v;
}

struct row_print
row_sum_add(struct row_sum *sum, const uint8_t key[16], const void *row, size_t n)
{
    struct row_print print;
    uint8_t          h[16];

    (void)crypto_shorthash_siphashx24(h, row, n, key);
    print = (struct row_print){le64(h), le64(h + 8)};
    sum->rows++;
    sum->bytes += n;
    sum->a += print.a;
    sum->b += print.b;
    return print;
}

void
row_sum_merge(struct row_sum *sum, const struct row_sum *more)
{
    sum->rows += more->rows;
    sum->bytes += more->bytes;
    sum->a += more->a;
    sum->b += more->b;
}
