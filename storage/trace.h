/*
 * trace.h - which tables hang on a chunk.
 */
#ifndef STORAGE_TRACE_H
#define STORAGE_TRACE_H

#include "storage/manifest.h"

/* what: "schema.name" of a table, or "large objects", "schema", "globals".  Called once or more for each. */
typedef void trace_fn(void *ctx, uint32_t chunk, const char *what);

/* Everything whose bytes lie in a chunk with want[index]. */
void manifest_trace(const struct manifest *, const bool *want, trace_fn *, void *ctx);

#endif
