/*
 * chunkset.h - the chunks of many backups, each once, in the order of their names.
 *
 * Neighbouring backups share nearly everything: what is known is not kept again, so memory is at
 * most about twice that of the distinct chunks.
 */
#ifndef VERIFY_CHUNKSET_H
#define VERIFY_CHUNKSET_H

#include <stddef.h>
#include <stdint.h>

struct chunkset_item {
    char    *name;
    uint64_t size, raw_size;
};

struct chunkset {
    struct chunkset_item *v; /* sorted and unique up to n_sorted, additions behind */
    size_t                n, cap, n_sorted;
};

/* Adds unless the set already has it. */
void chunkset_add(struct chunkset *, const char *name, uint64_t size, uint64_t raw_size);
/* Sorts the additions in; call it after the last chunkset_add(). */
void     chunkset_finish(struct chunkset *);
uint64_t chunkset_bytes(const struct chunkset *);
void     chunkset_free(struct chunkset *);

#endif
