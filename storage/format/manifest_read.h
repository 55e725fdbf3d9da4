/*
 * manifest_read.h - within manifest_parse(): the parts that read one JSON value each.
 */
#ifndef STORAGE_FORMAT_MANIFEST_READ_H
#define STORAGE_FORMAT_MANIFEST_READ_H

#include "storage/format/jsonpull.h"
#include "storage/format/manifest.h"

/* A table, piece by piece; named: schema and name are required. */
int read_table(struct jsonpull *, struct manifest_table *, bool named, struct err *);
/* An array of [chunk, offset, length]. */
int read_segments(const json_t *, struct manifest_segment **, size_t *n, size_t *cap, struct err *);

#endif
