/*
 * usedchunks.h - the chunks that the backups of a database need, each once, a slice at a time.
 *
 * Ids are keyed hashes: the first 8 bytes of one, read as a number, are the chunk's position on a
 * ring of 2^64, practically random and independent of other chunks.  A slice of the ring holds its
 * share of the chunks, and adjacent slices hold each chunk exactly once.  So memory is bounded for
 * any size of repository (USEDCHUNKS_SLICE chunks, some 60 MB), and a scrub's progress is one
 * number.
 */
#ifndef STORAGE_READ_USEDCHUNKS_H
#define STORAGE_READ_USEDCHUNKS_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/format/chunkindex.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/repo.h"

enum { USEDCHUNKS_SLICE = 500000 };

struct usedchunks_slice {
    uint64_t first; /* position of its beginning */
    uint64_t span; /* it ends at first + span, inclusive, around the ring; UINT64_MAX: everything */
};

uint64_t usedchunks_position(const uint8_t id[SHA256_BYTES]);
bool     usedchunks_slice_holds(const struct usedchunks_slice *, uint64_t place);
/* The span of a slice that holds about USEDCHUNKS_SLICE of what these backups need; UINT64_MAX when
 * all fits into one. */
uint64_t usedchunks_span(const struct backup_list *);

/* Called for a chunk list that cannot be used; 0 to go on without it. */
typedef int usedchunks_fault_fn(void *ctx, const struct backup_entry *, struct err *);

/* Puts them into the set, CHUNKINDEX_TRUSTED.  Void backups, and those without a readable label,
 * need nothing. */
int usedchunks_collect(struct repo *, const struct backup_list *, const struct usedchunks_slice *,
                       struct chunkindex *, usedchunks_fault_fn *, void *ctx, struct err *);

#endif
