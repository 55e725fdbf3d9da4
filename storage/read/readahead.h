/*
 * readahead.h - the chunks that one worker reads, each fetched, checked and decoded while the one
 * before it is in use.
 *
 * Without it the server's COPY would wait for the store at every chunk: a disk's moment, or 30 to
 * 100 ms of a distant store. One chunk ahead, on a thread of its own; memory: two decoded chunks
 * and one as stored.
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

/* Of one thread at a time.  What is given must outlive it. */
struct readahead *readahead_new(struct repo *, const char *db, const struct manifest *);
void readahead_free(struct readahead *); /* accepts NULL; waits for what is being read */

/* Which chunks (by number in the manifest) will be asked for next, in this order; copied.  It
 * takes the place of what was said before.  Only a forecast: readahead_get() answers for any
 * chunk. */
void readahead_expect(struct readahead *, const uint32_t *chunks, size_t n);

/* The chunk's plaintext, checked as chunk_read() does, valid until the next call; NULL with an
 * error that names it. */
const struct buf *readahead_get(struct readahead *, uint32_t chunk, struct err *);

#endif
