/*
 * reader.h - reading chunks back, every byte checked before it is used.
 */
#ifndef STORAGE_READ_READER_H
#define STORAGE_READ_READER_H

#include "core/buf.h"
#include "core/codec.h"
#include "core/err.h"
#include "storage/format/manifest.h"
#include "storage/repo/repo.h"

/* One chunk's plaintext into out (replaced; out->max at least CHUNK_RAW_MAX).  Checked in this
 * order: stored size, SHA-256 of the stored bytes (from the name), decryption, decoding to
 * exactly raw_size, id (HMAC of the plaintext).  ERR_CORRUPT or ERR_NOT_FOUND name the object;
 * if there is a good object with the same id, or a good older version, that one is used instead.
 * codec: the calling thread's; scratch: holds the stored bytes. */
int chunk_read(struct repo *, const char *db, const struct chunk_ref *, struct codec *,
               struct buf *scratch, struct buf *out, struct err *);

/* The same, leaving the compressed bytes in scratch. */
struct chunk_payload {
    const uint8_t  *data;
    size_t          n;
    enum codec_kind codec;
};
int chunk_read_payload(struct repo *, const char *db, const struct chunk_ref *, struct codec *,
                       struct buf *scratch, struct buf *out, struct chunk_payload *, struct err *);
/* A chunk as stored: size and SHA-256 are checked, nothing is opened, and only an older version may
 * replace it. */
int chunk_read_stored(struct repo *, const char *db, const struct chunk_ref *, struct buf *stored,
                      struct err *);

/* Re-hashes one stored object: size and SHA-256 of its name; and, decoded, its id, unless it is
 * encrypted and this host cannot open it.  0 good; 1 bad or missing, *e says how; -1 could not be
 * checked. */
int chunk_check(struct repo *, const char *db, const struct chunk_ref *, struct codec *,
                struct buf *scratch, struct buf *out, struct err *);
/* The same for an object that was bad once: a second opinion (storage_get_anew). */
int chunk_check_anew(struct repo *, const char *db, const struct chunk_ref *, struct codec *,
                     struct buf *scratch, struct buf *out, struct err *);
/* There is a good object with the same content, or a good older version: nothing is lost. */
bool chunk_has_twin(struct repo *, const char *db, const struct chunk_ref *, struct codec *,
                    struct buf *scratch, struct buf *out);

#endif
