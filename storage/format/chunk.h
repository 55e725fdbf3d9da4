/*
 * chunk.h - a chunk as lists, manifests and journals name it, and how large one may be.
 */
#ifndef STORAGE_FORMAT_CHUNK_H
#define STORAGE_FORMAT_CHUNK_H

#include <stdint.h>
#include <time.h>

#include "core/err.h"
#include "storage/format/chunkname.h"

enum {
    /* Bytes of plaintext that a chunk has at most. */
    CHUNK_RAW_MAX = 24 << 20,
    /* Bytes that the object holding it has at most, whatever the codec: room for buffers. */
    CHUNK_STORED_MAX = CHUNK_RAW_MAX + (2 << 20),
};

struct chunk_ref {
    struct chunk_name name;
    uint64_t          size;     /* stored bytes */
    uint64_t          raw_size; /* plaintext bytes */
    time_t retain_until; /* locked until then, at least; 0: not known to be.  In chunks.zst, not in
                            the manifest */
};

/* What a run calls a chunk that it stores or found stored: the number of its writer, or of the
 * fanout.  It means nothing to another one, and is no place in any list: hence a struct. */
struct chunk_number {
    uint32_t n;
};

/* What is called for each line of a chunk list. */
typedef int chunk_ref_fn(void *ctx, const struct chunk_ref *, struct err *);

#endif
