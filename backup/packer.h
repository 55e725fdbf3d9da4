/*
 * packer.h - full buffers are stored (delta.h) on threads of their own, while workers go on
 * reading.
 *
 * So a COPY never waits for a compression, and one that reads a big table alone keeps two
 * processors busy: the server's, and one of ours.  packer_take() waits for an empty buffer: with
 * that, memory is bounded.  There are half as many more buffers than readers: readers that wait
 * hold none.  Any thread may call; the first error (of the fanout) is everybody's.
 */
#ifndef BACKUP_PACKER_H
#define BACKUP_PACKER_H

#include "backup/delta/delta.h"
#include "core/buf.h"

struct packer;

/* A buffer of rows, for a reader to fill. */
struct parcel {
    struct buf          raw; /* at most CHUNK_RAW_MAX bytes */
    struct marks        marks;
    struct deltas_place at;     /* where its rows come from */
    size_t              ticket; /* the packer's */
};

/* For readers that fill a buffer each; as many threads, but for one: of the fanout's workers the
 * first ones. */
struct packer *packer_new(struct deltas *, int readers);
void           packer_free(struct packer *); /* accepts NULL; waits for what is under way */

/* An empty one, or NULL with the error. */
struct parcel *packer_take(struct packer *, struct err *);
/* Takes it back, full; a ticket for where it was put. */
size_t packer_put(struct packer *, struct parcel *);
/* A ticket for what is in its place already, which is taken over. */
size_t packer_placed_already(struct packer *, const struct placed *);

/* All were put: waits until they are stored; then one can ask where. */
int                  packer_finish(struct packer *, struct err *);
const struct placed *packer_placed(const struct packer *, size_t ticket);

#endif
