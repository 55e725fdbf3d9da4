/*
 * encoded.h - what a label names by digest (chunk list, manifest), as stored: compressed, and
 * sealed if it tells what is in the backup.
 *
 * One text always gives the same bytes unless it is sealed: a lost object is rebuilt from a copy
 * (storage/heal/repair.h) and must have the digest in the label.
 */
#ifndef STORAGE_FORMAT_ENCODED_H
#define STORAGE_FORMAT_ENCODED_H

#include "core/buf.h"
#include "core/crypto/hash.h"
#include "core/crypto/seal.h"
#include "core/err.h"

struct encoded {
    struct buf stored;   /* the bytes */
    uint64_t   raw_size; /* of the text */
    char       raw_sha256[SHA256_HEX + 1];
};

/* as: NULL, it is not sealed. */
int  encoded_make(const struct buf *text, const struct sealed_as *as, struct encoded *out,
                  struct err *);
void encoded_free(struct encoded *);

#endif
