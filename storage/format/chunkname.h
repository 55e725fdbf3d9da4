/*
 * chunkname.h - the name of a chunk: "<epoch>/<aa>/<id>-<sha256>-<run>.<ext>[.enc]", below
 * <db>/chunks/.
 *
 * id is the HMAC-SHA256 of the plaintext under the epoch's id key, aa its first two digits, sha256
 * that of the stored bytes, run the run that wrote it, ext the codec, .enc says that it is
 * encrypted.  All hex is lower case.  Held as bytes: a writer holds hundreds of thousands of them.
 */
#ifndef STORAGE_FORMAT_CHUNKNAME_H
#define STORAGE_FORMAT_CHUNKNAME_H

#include <stdbool.h>
#include <stdint.h>

#include "core/codec.h"
#include "core/crypto/hash.h"
#include "core/crypto/seal.h"

/* Epoch numbers go from 1 to this. */
enum { EPOCH_NUMBER_MAX = 10000 };
enum { RUN_BYTES = 8, CHUNK_NAME_MAX = 192 };

struct chunk_name {
    uint8_t  id[SHA256_BYTES];
    uint8_t  sha256[SHA256_BYTES];
    uint8_t  run[RUN_BYTES];
    uint32_t epoch;
    uint8_t  codec;  /* enum codec_kind */
    bool     sealed; /* encrypted */
};

/* Into out (CHUNK_NAME_MAX), and returns it. */
char *chunk_name_format(const struct chunk_name *, char *out);
/* -1 when text is not exactly what chunk_name_format() would write. */
int  chunk_name_parse(const char *text, struct chunk_name *);
bool chunk_name_equal(const struct chunk_name *, const struct chunk_name *);
/* As strcmp() of the two as text. */
int chunk_name_compare(const struct chunk_name *, const struct chunk_name *);

/* The identity under which an encrypted chunk is sealed (core/crypto/seal.h): type "chunk", its id
 * and the extension of its codec.  what: buffer. */
enum { CHUNK_SEALED_AS = SHA256_BYTES + 8 };
struct sealed_as chunk_sealed_as(const uint8_t *public, const uint8_t id[SHA256_BYTES],
                                 enum codec_kind, uint8_t            *what);

/* "<db>/chunks/<name>", db encoded.  Allocated. */
char *chunk_key(const char *db, const struct chunk_name *);

#endif
