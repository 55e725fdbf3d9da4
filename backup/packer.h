/*
 * packer.h - full buffers become chunks on threads of their own, while workers go on reading.
 *
 * So a COPY never waits for a compression, and one that reads a big table alone keeps two
 * processors busy: the server's, and one of ours.  packer_take() waits for an empty buffer: with
 * that, memory is bounded.  There are half as many more buffers than readers: readers that wait
 * hold none.  Any thread may call; the first error (of the fanout) is everybody's.
 */
#ifndef BACKUP_PACKER_H
#define BACKUP_PACKER_H

#include "core/buf.h"
#include "storage/write/fanout.h"

struct packer;

/* For readers that fill a buffer each; as many threads, but for one: of the fanout's workers the
 * first ones.  Buffers hold CHUNK_RAW_MAX bytes. */
struct packer *packer_new(struct fanout *, int readers);
void           packer_free(struct packer *); /* accepts NULL; waits for what is under way */

/* An empty buffer, or NULL with the error. */
struct buf *packer_take(struct packer *, struct err *);
/* Takes it back, full; a ticket for the chunk's number. */
size_t packer_put(struct packer *, struct buf *);

/* All buffers were put: waits until they are chunks, whose numbers can then be asked for. */
int                 packer_finish(struct packer *, struct err *);
struct chunk_number packer_number(const struct packer *, size_t ticket);

#endif
