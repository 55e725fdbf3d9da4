/*
 * chunkbuf.h - chunks as stored, on their way into one repository or several.
 *
 * A chunk is compressed once; the threads of every repository that lacks it put the same bytes (an
 * encrypted one its own), and the last of them frees the buffer. chunkbuf_take() waits for a free
 * one: only this bounds memory when chunks are read faster than they are stored.
 */
#ifndef STORAGE_WRITE_CHUNKBUF_H
#define STORAGE_WRITE_CHUNKBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/codec.h"
#include "core/crypto/hash.h"

struct chunkbufs;

struct chunkbuf {
    struct buf      data;                 /* the stored bytes */
    uint8_t         sha256[SHA256_BYTES]; /* of these */
    uint64_t        raw_size;             /* bytes of plaintext */
    enum codec_kind codec;
    bool            sealed; /* encrypted, for the repository that puts it */
    /* Within chunkbuf.c: */
    struct chunkbufs *set;
    unsigned          users;
};

/* n buffers, which grow as needed: at most max bytes each. */
struct chunkbufs *chunkbufs_new(size_t n, size_t max);
void              chunkbufs_free(struct chunkbufs *); /* accepts NULL; all buffers must be free */

/* A buffer with one user, the caller; the one freed last, so that no more are filled than
 * needed. */
struct chunkbuf *chunkbuf_take(struct chunkbufs *);
/* From any thread: one more user, and one less. */
void chunkbuf_share(struct chunkbuf *);
void chunkbuf_drop(struct chunkbuf *);

#endif
