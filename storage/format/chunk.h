/*
 * chunk.h - a chunk as named by lists, manifests and journals, and its maximum size.
 */
#ifndef STORAGE_FORMAT_CHUNK_H
#define STORAGE_FORMAT_CHUNK_H

#include <stdint.h>
#include <time.h>

#include "core/err.h"
#include "storage/format/chunkname.h"

enum {
    /* Maximum bytes of plaintext in a chunk. */
    CHUNK_RAW_MAX = 24 << 20,
    /* Maximum bytes of its object with any codec: the size of buffers. */
    CHUNK_STORED_MAX = CHUNK_RAW_MAX + (2 << 20),
};

struct chunk_ref {
    struct chunk_name name;
    uint64_t          size;     /* stored bytes */
    uint64_t          raw_size; /* plaintext bytes */
    time_t retain_until; /* locked at least until then; 0: not known to be locked.  In chunks.zst,
                            not in the manifest */
};

/* A run's number for a chunk that it stores or found stored: its writer's, or the fanout's.  It
 * means nothing to another writer and is not a place in any list: hence a struct. */
struct chunk_number {
    uint32_t n;
};

/* Called for each line of a chunk list. */
typedef int chunk_ref_fn(void *ctx, const struct chunk_ref *, struct err *);

#endif
