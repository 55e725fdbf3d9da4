/*
 * draft.h - a backup that is all stored but for its commit: its chunks, by the numbers of its run,
 * and what says what they hold.
 *
 * Each repository names chunks by its own keys.  So what says where rows lie (today a manifest) is
 * encoded for each repository, once its names are known, and whoever stores it takes the bytes and
 * does not look into them.
 */
#ifndef STORAGE_FORMAT_DRAFT_H
#define STORAGE_FORMAT_DRAFT_H

#include <stddef.h>

#include "storage/format/chunk.h"
#include "storage/format/encoded.h"

/* refs[i]: what stands at place i, by the names of the repository at hand.  From several threads
 * at once. */
typedef int draft_encode_fn(const void *what, const struct chunk_ref *refs, size_t n,
                            const struct sealed_as *, struct encoded *out, struct err *);

struct draft {
    const struct chunk_number *chunks; /* by place; each once */
    size_t                     n;
    draft_encode_fn           *encode;
    const void                *what;
};

#endif
