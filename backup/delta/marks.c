#include "backup/delta/marks.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

_Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t) && crypto_shorthash_KEYBYTES == MARKS_KEY,
               "SipHash-2-4 of 64 bits");

uint64_t
marks_digest(const uint8_t key[MARKS_KEY], const void *data, size_t n)
{
    uint64_t v;

    (void)crypto_shorthash((uint8_t *)&v, data, n, key);
    return v;
}

static void
add(struct marks *m, uint64_t d, uint32_t length)
{
    if (m->n == m->cap) {
        m->cap = m->cap == 0 ? 1024 : 2 * m->cap;
        m->digest = xreallocarray(m->digest, m->cap, sizeof *m->digest);
        m->length = xreallocarray(m->length, m->cap, sizeof *m->length);
    }
    m->digest[m->n] = d;
    m->length[m->n++] = length;
}

void
marks_end(struct marks *m)
{
    if (m->open_length > 0) {
        add(m, m->open, m->open_length);
        m->open = 0;
        m->open_length = 0;
    }
}

void
marks_row(struct marks *m, const uint8_t key[MARKS_KEY], const struct row_print *print, size_t n)
{
    const uint64_t text[3] = {print->a, print->b, m->open};
    uint64_t       d = marks_digest(key, text, m->open_length == 0 ? 16 : sizeof text);

    m->open = d == 0 ? 1 : d;
    m->open_length += (uint32_t)n;
    /* By the row's own fingerprint: d also depends on where the unit began. */
    if (m->open_length >= MARKS_UNIT_MIN &&
        (n >= MARKS_UNIT || (print->a & 0xffff) * MARKS_UNIT < n << 16)) {
        marks_end(m);
    }
}

void
marks_part(struct marks *m, size_t n)
{
    marks_end(m);
    add(m, 0, (uint32_t)n);
}

void
marks_clear(struct marks *m)
{
    m->n = 0;
    m->open = 0;
    m->open_length = 0;
}

void
marks_free(struct marks *m)
{
    free(m->digest);
    free(m->length);
    *m = (struct marks){0};
}
