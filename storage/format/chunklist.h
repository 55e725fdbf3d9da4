/*
 * chunklist.h - <db>/backups/<backup>/chunks.zst: the objects that a backup needs.
 *
 * zstd of text lines, sorted by bytes, each "<name> <stored size> <raw size> <retain until>\n": the
 * name below <db>/chunks/, decimal numbers, retain-until in seconds since 1970 (0: not locked).
 * Prune, scrub and copy need nothing else.  It tells nothing about tables.
 */
#ifndef STORAGE_FORMAT_CHUNKLIST_H
#define STORAGE_FORMAT_CHUNKLIST_H

#include "core/buf.h"
#include "core/err.h"
#include "storage/format/chunk.h"

/* Lists are merged with listings, not held, but a raw one must fit in memory. 1 GiB is 5 million
 * chunks, 80 TB. */
#define CHUNK_LIST_RAW_MAX ((uint64_t)1 << 30)

/* The lines of all these chunks, appended. */
int chunk_list_format(const struct chunk_ref *, size_t n, struct buf *, struct err *);
/* Calls back for each line; ERR_CORRUPT names the line that is malformed or out of order. */
int chunk_list_parse(const void *text, size_t n, chunk_ref_fn *, void *ctx, struct err *);

#endif
