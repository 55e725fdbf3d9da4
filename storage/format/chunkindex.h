/*
 * chunkindex.h - what a writer knows of the objects in the store: which it may reuse, which it has
 * written.
 *
 * The rules of reuse (docs/repository-format.md), one function each: an object must be in a trusted
 * list or our own journal (chunkindex_trust), be of the current epoch, be in the listing with its
 * recorded size (chunkindex_listed), and be in no trash or condemned list (chunkindex_ban).  About
 * 140 bytes an object.  Not thread-safe: the writer locks.
 */
#ifndef STORAGE_FORMAT_CHUNKINDEX_H
#define STORAGE_FORMAT_CHUNKINDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/format/chunk.h"

enum chunkindex_state {
    CHUNKINDEX_TRUSTED,  /* named by a trusted list; not seen in the listing yet */
    CHUNKINDEX_REUSABLE, /* and listed with the right size */
    CHUNKINDEX_BANNED,   /* in trash, or condemned */
    CHUNKINDEX_WRITING,  /* this run is storing it, or failed to */
    CHUNKINDEX_WRITTEN,  /* by this run */
};

struct chunkindex_entry {
    struct chunk_ref ref;
    uint8_t          state;
    bool             used; /* this backup refers to it */
};

struct chunkindex {
    struct chunkindex_entry *v;
    size_t                   n, cap;
    uint32_t                *slot; /* index + 1 by id; open addressing */
    size_t                   n_slots;
    uint32_t
        *stored; /* indices of what is reusable, by SHA-256; NULL before chunkindex_find_stored() */
    size_t n_stored;
};

void chunkindex_free(struct chunkindex *);
/* Trusts an object.  An existing entry keeps everything but its lock: the longest one in any
 * trusted list.  True: it is new, the last entry. */
bool chunkindex_trust(struct chunkindex *, const struct chunk_ref *);
/* The same where only the name is known or needed. */
bool chunkindex_trust_name(struct chunkindex *, const struct chunk_name *);
/* Adds it in this state, or gives it this state. */
void chunkindex_take(struct chunkindex *, const struct chunk_ref *, enum chunkindex_state);
void chunkindex_ban(struct chunkindex *, const struct chunk_name *);
void chunkindex_listed(struct chunkindex *, const struct chunk_name *, uint64_t size);
void chunkindex_ban_all(struct chunkindex *);
/* The listing has this object: an entry that is CHUNKINDEX_TRUSTED becomes CHUNKINDEX_REUSABLE. */
void chunkindex_replaced(struct chunkindex *, const uint8_t id[SHA256_BYTES]);
/* An index that stays valid: something with this content that is written, being written or
 * reusable (in this order of preference); SIZE_MAX: nothing. */
size_t chunkindex_find(const struct chunkindex *, const uint8_t id[SHA256_BYTES]);
/* Exactly this object; SIZE_MAX: not there. */
size_t chunkindex_find_name(const struct chunkindex *, const struct chunk_name *);
/* A reusable entry with exactly these stored bytes (SHA-256 and sizes), of any writer;
 * SIZE_MAX: nothing.  What becomes reusable after the first call is not found. */
size_t chunkindex_find_stored(struct chunkindex *, const struct chunk_ref *);
/* A new entry in state CHUNKINDEX_WRITING of which only the id is known. */
size_t chunkindex_begin(struct chunkindex *, const uint8_t id[SHA256_BYTES]);

#endif
