/*
 * place.h - the plaintext at a place of a manifest: of a chunk, or put together as a delta says.
 */
#ifndef STORAGE_READ_PLACE_H
#define STORAGE_READ_PLACE_H

#include "core/buf.h"
#include "core/err.h"
#include "storage/format/manifest.h"
#include "storage/repo/repo.h"

struct place_reader;

/* For one thread at a time.  The arguments must outlive it.  Memory: a chunk as stored and, once
 * there was a delta, one decoded. */
struct place_reader *place_reader_new(struct repo *, const char *db, const struct manifest *);
void                 place_reader_free(struct place_reader *); /* accepts NULL */

/* Into out (replaced; out->max at least CHUNK_RAW_MAX).  Each chunk is checked as chunk_read()
 * does; what was put together must have the SHA-256 that the manifest says.  ERR_CORRUPT or
 * ERR_NOT_FOUND name the chunk. */
int place_read(struct place_reader *, uint32_t place, struct buf *out, struct err *);

/* Reads segments (archive, globals), concatenated, into out. */
int segments_read(struct repo *, const char              *db, const struct manifest *,
                  const struct manifest_segment *, size_t n, struct buf *out, struct err *);

#endif
