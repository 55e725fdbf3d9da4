/*
 * known.h - what a writer knows of the objects in the store: which it may reuse, which it has
 * written.
 *
 * The rules of reuse (docs/repository-format.md), one function each: an object must stand in a
 * trusted list or our own journal (known_trust), be of the current epoch, stand in the listing with
 * its recorded size (known_listed), and in no trash or condemned list (known_ban).  About 140 bytes
 * an object.  Not thread-safe: the writer locks.
 */
#ifndef STORAGE_FORMAT_CHUNKINDEX_H
#define STORAGE_FORMAT_CHUNKINDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "storage/format/chunkname.h"

enum known_state {
    KNOWN_TRUSTED,  /* named by somebody we trust; not seen yet */
    KNOWN_REUSABLE, /* and listed in the right size */
    KNOWN_BANNED,   /* in trash, or condemned */
    KNOWN_WRITING,  /* this run is at it, or tried in vain and is lost */
    KNOWN_WRITTEN,  /* by this run */
};

struct known {
    struct chunk_name name;
    uint64_t          size, raw_size; /* stored, plaintext */
    time_t            retain_until;   /* locked until then, at least; 0: perhaps not */
    uint8_t           state;
    bool              used; /* this backup refers to it */
};

struct known_set {
    struct known *v;
    size_t        n, cap;
    uint32_t     *slot; /* index + 1 by id; open addressing */
    size_t        n_slots;
    uint32_t *stored; /* indices of what is reusable, by SHA-256; NULL before known_find_stored() */
    size_t    n_stored;
};

void known_free(struct known_set *);
/* Trusts an object; one already there is left as it is. */
void known_trust(struct known_set *, const struct chunk_name *, uint64_t size, uint64_t raw_size);
/* Somebody trusted says that it is locked until then. */
void known_retained(struct known_set *, const struct chunk_name *, time_t until);
void known_ban(struct known_set *, const struct chunk_name *);
void known_listed(struct known_set *, const struct chunk_name *, uint64_t size);
void known_ban_all(struct known_set *);
/* An object with this content stands beside what is only KNOWN_TRUSTED: that becomes
 * KNOWN_REUSABLE. */
void known_replaced(struct known_set *, const uint8_t id[SHA256_BYTES]);
/* An index that stays valid: something with this content that is written, being written or
 * reusable (in this order of preference); SIZE_MAX: nothing. */
size_t known_find(const struct known_set *, const uint8_t id[SHA256_BYTES]);
/* The very object; SIZE_MAX: not there. */
size_t known_find_name(const struct known_set *, const struct chunk_name *);
/* Something reusable with just these stored bytes, wherever it came from; SIZE_MAX: nothing.
 * What becomes reusable after the first call is not found. */
size_t known_find_stored(struct known_set *, const uint8_t sha256[SHA256_BYTES], uint64_t size,
                         uint64_t raw_size);
/* A new entry in state KNOWN_WRITING of which only the id is known. */
size_t known_begin(struct known_set *, const uint8_t id[SHA256_BYTES]);

#endif
