#include "storage/format/chunkindex.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

void
known_free(struct known_set *k)
{
    free(k->v);
    free(k->slot);
    free(k->stored);
    *k = (struct known_set){0};
}

/* Ids are keyed hashes: their first bytes are as good as any hash. */
static size_t
first_slot(const struct known_set *k, const uint8_t *id)
{
    uint64_t h;

    memcpy(&h, id, sizeof h);
    return (size_t)h & (k->n_slots - 1);
}

static void
insert(struct known_set *k, size_t index)
{
    size_t i = first_slot(k, k->v[index].name.id);

    while (k->slot[i] != 0) {
        i = (i + 1) & (k->n_slots - 1);
    }
    k->slot[i] = (uint32_t)index + 1;
}

static size_t
add(struct known_set *k, const struct known *entry)
{
    VEC_GROW(k->v, k->n, k->cap);
    k->v[k->n++] = *entry;
    if (2 * k->n > k->n_slots) {
        k->n_slots = k->n_slots == 0 ? 256 : 2 * k->n_slots;
        free(k->slot);
        k->slot = xcalloc(k->n_slots, sizeof *k->slot);
        for (size_t i = 0; i < k->n; i++) {
            insert(k, i);
        }
    } else {
        insert(k, k->n - 1);
    }
    return k->n - 1;
}

/* Several objects may have one id, so all that lie on the way are looked at. */
static size_t
next_of_id(const struct known_set *k, const uint8_t *id, size_t *at)
{
    if (k->n_slots == 0) {
        return SIZE_MAX;
    }
    for (size_t i = *at == SIZE_MAX ? first_slot(k, id) : *at; k->slot[i] != 0;
         i = (i + 1) & (k->n_slots - 1)) {
        size_t index = k->slot[i] - 1;

        if (memcmp(k->v[index].name.id, id, SHA256_BYTES) == 0) {
            *at = (i + 1) & (k->n_slots - 1);
            return index;
        }
    }
    return SIZE_MAX;
}

size_t
known_find_name(const struct known_set *k, const struct chunk_name *name)
{
    size_t at = SIZE_MAX;
    size_t i;

    while ((i = next_of_id(k, name->id, &at)) != SIZE_MAX) {
        if (chunk_name_equal(&k->v[i].name, name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

size_t
known_find(const struct known_set *k, const uint8_t id[SHA256_BYTES])
{
    size_t at = SIZE_MAX;
    size_t best = SIZE_MAX;
    size_t i;

    while ((i = next_of_id(k, id, &at)) != SIZE_MAX) {
        switch ((enum known_state)k->v[i].state) {
        case KNOWN_WRITTEN:
            return i;
        case KNOWN_WRITING:
            best = i;
            break;
        case KNOWN_REUSABLE:
            /* One that this backup refers to already is better than another of the same content. */
            if (best == SIZE_MAX || (k->v[best].state == KNOWN_REUSABLE && !k->v[best].used)) {
                best = i;
            }
            break;
        case KNOWN_TRUSTED:
        case KNOWN_BANNED:
            break;
        }
    }
    return best;
}

void
known_trust(struct known_set *k, const struct chunk_name *name, uint64_t size, uint64_t raw_size)
{
    if (known_find_name(k, name) == SIZE_MAX) {
        (void)add(k,
                  &(struct known){
                      .name = *name, .size = size, .raw_size = raw_size, .state = KNOWN_TRUSTED});
    }
}

void
known_retained(struct known_set *k, const struct chunk_name *name, time_t until)
{
    size_t i = until == 0 ? SIZE_MAX : known_find_name(k, name);

    if (i != SIZE_MAX && k->v[i].retain_until < until) {
        k->v[i].retain_until = until;
    }
}

void
known_ban(struct known_set *k, const struct chunk_name *name)
{
    size_t i = known_find_name(k, name);

    if (i != SIZE_MAX) {
        k->v[i].state = KNOWN_BANNED;
    }
}

void
known_replaced(struct known_set *k, const uint8_t id[SHA256_BYTES])
{
    size_t at = SIZE_MAX;
    size_t i;

    while ((i = next_of_id(k, id, &at)) != SIZE_MAX) {
        if (k->v[i].state == KNOWN_TRUSTED) {
            k->v[i].state = KNOWN_REUSABLE;
        }
    }
}

void
known_ban_all(struct known_set *k)
{
    for (size_t i = 0; i < k->n; i++) {
        k->v[i].state = KNOWN_BANNED;
    }
}

void
known_listed(struct known_set *k, const struct chunk_name *name, uint64_t size)
{
    size_t i = known_find_name(k, name);

    if (i != SIZE_MAX && k->v[i].state == KNOWN_TRUSTED && k->v[i].size == size) {
        k->v[i].state = KNOWN_REUSABLE;
    }
}

size_t
known_begin(struct known_set *k, const uint8_t id[SHA256_BYTES])
{
    struct known entry = {.state = KNOWN_WRITING};

    memcpy(entry.name.id, id, SHA256_BYTES);
    return add(k, &entry);
}

/* ---- by stored bytes ---- */

static int
by_sha256(const void *a, const void *b, void *ctx)
{
    const struct known *v = ctx;

    return memcmp(v[*(const uint32_t *)a].name.sha256, v[*(const uint32_t *)b].name.sha256,
                  SHA256_BYTES);
}

static void
index_stored(struct known_set *k)
{
    k->stored = xcalloc(k->n + 1, sizeof *k->stored);
    for (size_t i = 0; i < k->n; i++) {
        if (k->v[i].state == KNOWN_REUSABLE) {
            k->stored[k->n_stored++] = (uint32_t)i;
        }
    }
    qsort_r(k->stored, k->n_stored, sizeof *k->stored, by_sha256, k->v);
}

size_t
known_find_stored(struct known_set *k, const uint8_t sha256[SHA256_BYTES], uint64_t size,
                  uint64_t raw_size)
{
    size_t lo = 0;
    size_t hi;

    if (k->stored == NULL) {
        index_stored(k);
    }
    hi = k->n_stored;
    while (lo < hi) {
        size_t              mid = lo + (hi - lo) / 2;
        const struct known *x = &k->v[k->stored[mid]];
        int                 c = memcmp(x->name.sha256, sha256, SHA256_BYTES);

        if (c == 0) {
            return x->size == size && x->raw_size == raw_size ? k->stored[mid] : SIZE_MAX;
        }
        if (c < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return SIZE_MAX;
}
