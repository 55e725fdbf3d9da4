/*
 * readahead.h - the chunks that one worker reads, each fetched, checked and decoded while the one
 * before it is in use.
 *
 * Without it the server's COPY would wait for the store at every chunk: briefly for a disk, 30 to
 * 100 ms for a remote store.  Reads one chunk ahead on its own thread; memory: two decoded chunks
 * and one as stored; with deltas a third decoded one.
 */
#ifndef STORAGE_READ_READAHEAD_H
#define STORAGE_READ_READAHEAD_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "storage/format/manifest.h"
#include "storage/repo/repo.h"

struct readahead;

/* For one thread at a time.  The arguments must outlive it. */
struct readahead *readahead_new(struct repo *, const char *db, const struct manifest *);
void readahead_free(struct readahead *); /* accepts NULL; waits for what is being read */

/* Which chunks (by place in the manifest) will be requested next, in this order; copied.  Replaces
 * the previous forecast.  Only a forecast: readahead_get() takes any chunk. */
void readahead_expect(struct readahead *, const uint32_t *chunks, size_t n);

/* The chunk's plaintext, checked as place_read() does, valid until the next call; NULL with an
 * error that names it. */
const struct buf *readahead_get(struct readahead *, uint32_t chunk, struct err *);

#endif
