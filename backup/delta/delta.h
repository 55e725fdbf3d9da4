/*
 * delta.h - rows on their way into chunks: what the last backup of this host stored at the same
 * place is not stored again, even where rows between have changed.
 *
 * A buffer of rows becomes a chunk (as it is), or a delta (storage/format/delta.h): pieces of
 * chunks that the last backup used, and a small chunk of the rows that are new.  Chunks are used
 * again only where today's rules of reuse would let them be (storage/write/writer_reuse.c): a base
 * that was condemned, is in the trash or gone is not one, in any of the repositories.
 */
#ifndef BACKUP_DELTA_DELTA_H
#define BACKUP_DELTA_DELTA_H

#include "backup/delta/marks.h"
#include "core/crypto/hash.h"
#include "storage/format/delta.h"
#include "storage/format/manifest.h"
#include "storage/write/fanout.h"

struct deltas; /* of one backup; safe for several workers */

struct deltas_options {
    const char    *db;
    const uint8_t *fingerprint_key; /* of the rows' fingerprints: 16 bytes */
    bool           whole;           /* no deltas this time */
    uint64_t       kept_max;        /* bytes that may be kept for the next backup; 0: nothing */
    bool           forget;          /* what was kept before goes, too */
};

struct deltas *deltas_begin(struct fanout *, const struct deltas_options *);
/* The key for marks_row(). */
const uint8_t *deltas_key(const struct deltas *);

/* Where a buffer was put: in a chunk or, if n > 0, in pieces of several. */
struct placed {
    struct chunk_number   chunk;
    uint64_t              raw_size;
    struct placed_source *sources; /* the last one is the list of pieces */
    size_t                n;
    uint8_t               sha256[SHA256_BYTES]; /* of the plaintext, if n > 0 */
};
struct placed_source {
    struct chunk_number chunk;
    uint64_t            offset, length;
    uint64_t            raw_size; /* of the chunk */
};
void placed_free(struct placed *);

/* Where its rows come from: buffer number ordinal of the task that begins with this table and
 * block. */
struct deltas_place {
    const char *schema, *name;
    uint64_t    first_block;
    uint32_t    ordinal;
};
/* Stores a buffer of rows; ends the marks' last unit. */
int deltas_put(struct deltas *, int worker, const struct deltas_place *, const uint8_t *raw,
               size_t n, struct marks *, struct placed *, struct err *);
/* Of n buffers that would be the last backup's again, the ones from ordinal 0 on: where they are,
 * without their rows.  False: not all of them may be used.  The caller frees what is placed. */
bool deltas_again(struct deltas *, const struct deltas_place *first, uint32_t n, struct placed *);
/* Is anything kept for the next backup? */
bool deltas_keeps(const struct deltas *);
/* Notes for the next backup, and the last one's.  False: there is none.  The caller frees it. */
void deltas_note(struct deltas *, const char *what, const void *, size_t);
bool deltas_noted(const struct deltas *, const char *what, struct buf *);
/* Its place in the manifest. */
uint32_t placed_record(const struct placed *, struct manifest *);

/* The backup exists: what was kept replaces what was kept before. */
void deltas_commit(struct deltas *);
void deltas_end(struct deltas *); /* accepts NULL */

#endif
