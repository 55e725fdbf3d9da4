/*
 * chunkindex.c - entries in one array, in order of arrival: an entry's index is its number for the
 * writer, and never changes.  Two ways to find one:
 *
 *   by id        A hash table of indices with open addressing (slot[]: index + 1, 0 for none), at
 *                most half full.  Entries with one id lie in the same run of occupied slots, so a
 *                look-up goes on to the first free slot and sees all of them. Nothing is ever
 *                removed: an entry that must not be used any more changes its state.
 *   by SHA-256   For copies, which know stored bytes before they know the content: indices of what
 *                is reusable, sorted, built by the first look-up (chunkindex_find_stored()).
 *
 * States of objects from before this run: TRUSTED when a trusted list names it, then BANNED by a
 * list, or REUSABLE when the listing shows it with its size.  BANNED is final.  What this run
 * stores begins as WRITING, known by its id alone, and becomes WRITTEN when the put() has returned.
 */
#include "storage/format/chunkindex.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

void
chunkindex_free(struct chunkindex *k)
{
    free(k->v);
    free(k->slot);
    free(k->stored);
    *k = (struct chunkindex){0};
}

/* Ids are keyed hashes: their first bytes serve as the hash. */
static size_t
first_slot(const struct chunkindex *k, const uint8_t *id)
{
    uint64_t h;

    memcpy(&h, id, sizeof h);
    return (size_t)h & (k->n_slots - 1);
}

static void
insert(struct chunkindex *k, size_t index)
{
    size_t i = first_slot(k, k->v[index].ref.name.id);

    while (k->slot[i] != 0) {
        i = (i + 1) & (k->n_slots - 1);
    }
    k->slot[i] = (uint32_t)index + 1;
}

static size_t
add(struct chunkindex *k, const struct chunkindex_entry *entry)
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

/* Several objects may have one id, so all entries of the run are examined. */
static size_t
next_of_id(const struct chunkindex *k, const uint8_t *id, size_t *at)
{
    if (k->n_slots == 0) {
        return SIZE_MAX;
    }
    for (size_t i = *at == SIZE_MAX ? first_slot(k, id) : *at; k->slot[i] != 0;
         i = (i + 1) & (k->n_slots - 1)) {
        size_t index = k->slot[i] - 1;

        if (memcmp(k->v[index].ref.name.id, id, SHA256_BYTES) == 0) {
            *at = (i + 1) & (k->n_slots - 1);
            return index;
        }
    }
    return SIZE_MAX;
}

size_t
chunkindex_find_name(const struct chunkindex *k, const struct chunk_name *name)
{
    size_t at = SIZE_MAX;
    size_t i;

    while ((i = next_of_id(k, name->id, &at)) != SIZE_MAX) {
        if (chunk_name_equal(&k->v[i].ref.name, name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* WRITTEN before WRITING before REUSABLE: the caller gets what this run stores itself, like the
 * other workers. */
size_t
chunkindex_find(const struct chunkindex *k, const uint8_t id[SHA256_BYTES])
{
    size_t at = SIZE_MAX;
    size_t best = SIZE_MAX;
    size_t i;

    while ((i = next_of_id(k, id, &at)) != SIZE_MAX) {
        switch ((enum chunkindex_state)k->v[i].state) {
        case CHUNKINDEX_WRITTEN:
            return i;
        case CHUNKINDEX_WRITING:
            best = i;
            break;
        case CHUNKINDEX_REUSABLE:
            /* One that this backup refers to already is preferred to another with the same
             * content. */
            if (best == SIZE_MAX || (k->v[best].state == CHUNKINDEX_REUSABLE && !k->v[best].used)) {
                best = i;
            }
            break;
        case CHUNKINDEX_TRUSTED:
        case CHUNKINDEX_BANNED:
            break;
        }
    }
    return best;
}

bool
chunkindex_trust(struct chunkindex *k, const struct chunk_ref *ref)
{
    size_t i = chunkindex_find_name(k, &ref->name);

    if (i == SIZE_MAX) {
        (void)add(k, &(struct chunkindex_entry){.ref = *ref, .state = CHUNKINDEX_TRUSTED});
        return true;
    }
    if (k->v[i].ref.retain_until < ref->retain_until) {
        k->v[i].ref.retain_until = ref->retain_until;
    }
    return false;
}

bool
chunkindex_trust_name(struct chunkindex *k, const struct chunk_name *name)
{
    return chunkindex_trust(k, &(struct chunk_ref){.name = *name});
}

void
chunkindex_take(struct chunkindex *k, const struct chunk_ref *ref, enum chunkindex_state state)
{
    (void)chunkindex_trust(k, ref);
    k->v[chunkindex_find_name(k, &ref->name)].state = (uint8_t)state;
}

void
chunkindex_ban(struct chunkindex *k, const struct chunk_name *name)
{
    size_t i = chunkindex_find_name(k, name);

    if (i != SIZE_MAX) {
        k->v[i].state = CHUNKINDEX_BANNED;
    }
}

void
chunkindex_replaced(struct chunkindex *k, const uint8_t id[SHA256_BYTES])
{
    size_t at = SIZE_MAX;
    size_t i;

    while ((i = next_of_id(k, id, &at)) != SIZE_MAX) {
        if (k->v[i].state == CHUNKINDEX_TRUSTED) {
            k->v[i].state = CHUNKINDEX_REUSABLE;
        }
    }
}

void
chunkindex_ban_all(struct chunkindex *k)
{
    for (size_t i = 0; i < k->n; i++) {
        k->v[i].state = CHUNKINDEX_BANNED;
    }
}

void
chunkindex_listed(struct chunkindex *k, const struct chunk_name *name, uint64_t size)
{
    size_t i = chunkindex_find_name(k, name);

    if (i != SIZE_MAX && k->v[i].state == CHUNKINDEX_TRUSTED && k->v[i].ref.size == size) {
        k->v[i].state = CHUNKINDEX_REUSABLE;
    }
}

size_t
chunkindex_begin(struct chunkindex *k, const uint8_t id[SHA256_BYTES])
{
    struct chunkindex_entry entry = {.state = CHUNKINDEX_WRITING};

    memcpy(entry.ref.name.id, id, SHA256_BYTES);
    return add(k, &entry);
}

/* ---- by stored bytes ---- */

static int
by_sha256(const void *a, const void *b, void *ctx)
{
    const struct chunkindex_entry *v = ctx;

    return memcmp(v[*(const uint32_t *)a].ref.name.sha256, v[*(const uint32_t *)b].ref.name.sha256,
                  SHA256_BYTES);
}

static void
index_stored(struct chunkindex *k)
{
    k->stored = xcalloc(k->n + 1, sizeof *k->stored);
    for (size_t i = 0; i < k->n; i++) {
        if (k->v[i].state == CHUNKINDEX_REUSABLE) {
            k->stored[k->n_stored++] = (uint32_t)i;
        }
    }
    qsort_r(k->stored, k->n_stored, sizeof *k->stored, by_sha256, k->v);
}

size_t
chunkindex_find_stored(struct chunkindex *k, const struct chunk_ref *ref)
{
    size_t lo = 0;
    size_t hi;

    if (k->stored == NULL) {
        index_stored(k);
    }
    hi = k->n_stored;
    while (lo < hi) {
        size_t                         mid = lo + (hi - lo) / 2;
        const struct chunkindex_entry *x = &k->v[k->stored[mid]];
        int c = memcmp(x->ref.name.sha256, ref->name.sha256, SHA256_BYTES);

        if (c == 0) {
            return x->ref.size == ref->size && x->ref.raw_size == ref->raw_size ? k->stored[mid]
                                                                                : SIZE_MAX;
        }
        if (c < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return SIZE_MAX;
}
