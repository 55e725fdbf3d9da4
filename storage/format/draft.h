/*
 * draft.h - a backup that is stored but not committed: its chunks, by the numbers of its run, and
 * the description of their contents.
 *
 * Each repository names chunks by its own keys.  So the description of where rows lie (a manifest)
 * is encoded for each repository once its names are known, and the code that stores it does not
 * interpret the bytes.
 */
#ifndef STORAGE_FORMAT_DRAFT_H
#define STORAGE_FORMAT_DRAFT_H

#include <stddef.h>

#include "storage/format/chunk.h"
#include "storage/format/encoded.h"

/* refs[i]: the chunk at place i, as this repository names it.  Called from several threads at
 * once. */
typedef int draft_encode_fn(const void *what, const struct chunk_ref *refs, size_t n,
                            const struct sealed_as *, struct encoded *out, struct err *);

struct draft {
    const struct chunk_number *chunks; /* by place; each once */
    size_t                     n;
    draft_encode_fn           *encode;
    const void                *what;
};

#endif
