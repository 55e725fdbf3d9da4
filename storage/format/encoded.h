/*
 * encoded.h - what a label names by its digests (the chunk list, the manifest), as it is stored:
 * compressed, and sealed where it tells what is in the backup.
 *
 * One text always gives the same bytes unless it is sealed: what was lost is made again from a copy
 * (storage/heal/repair.h), and must have the digest that the label holds.
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

/* as: NULL, it stays in plain. */
int  encoded_make(const struct buf *text, const struct sealed_as *as, struct encoded *out,
                  struct err *);
void encoded_free(struct encoded *);

#endif
