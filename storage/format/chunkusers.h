/*
 * chunkusers.h - which tables depend on a chunk.
 */
#ifndef STORAGE_FORMAT_CHUNKUSERS_H
#define STORAGE_FORMAT_CHUNKUSERS_H

#include "storage/format/manifest.h"

/* what: "schema.name" of a table, or "large objects", "schema", "globals", "statistics".  Called at
 * least once for each. */
typedef void chunkusers_fn(void *ctx, uint32_t chunk, const char *what);

/* Everything whose bytes lie in a chunk with want[index]. */
void chunkusers_trace(const struct manifest *, const bool *want, chunkusers_fn *, void *ctx);

#endif
