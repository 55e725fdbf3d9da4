/*
 * codec.h - compression of whole chunks in memory: zstd, gzip, none.
 *
 * The output is a plain stream that stock zstd and gunzip open.  A codec is
 * written "zstd:2", "gzip:6", "none".  Contexts are kept per thread by the caller:
 * one struct codec per worker, never shared.
 */
#ifndef CORE_CODEC_H
#define CORE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

enum codec_kind { CODEC_NONE, CODEC_ZSTD, CODEC_GZIP };

struct codec_spec {
    enum codec_kind kind;
    int             level;
    bool bare; /* no checksum in a zstd frame: for a content that is known by a digest of its own */
};

#define CODEC_DEFAULT ((struct codec_spec){.kind = CODEC_ZSTD, .level = 2})

/* ERR_USAGE names what is allowed. */
int         codec_parse(const char *text, struct codec_spec *, struct err *);
const char *codec_ext(enum codec_kind);                       /* "zst", "gz", "raw" */
int         codec_of_ext(const char *ext, enum codec_kind *); /* -1: none of ours */

struct codec;
struct codec *codec_new(struct codec_spec);
void          codec_free(struct codec *);

/* Replaces out's contents.  out->max must allow codec_bound().  High levels of zstd take a
 * minute for a chunk: they check cancel.h meanwhile (ERR_INTERRUPTED). */
int    codec_compress(struct codec *, const void *in, size_t n, struct buf *out, struct err *);
size_t codec_bound(enum codec_kind, size_t n);

/* How large the content of a zstd frame is, as its header says, or 0 when it does not. */
uint64_t codec_raw_size(const void *in, size_t n);

/* Replaces out's contents; the result must be exactly raw_size bytes, decoding
 * stops there (a bomb gives ERR_CORRUPT).  zstd windows beyond 2^24 are refused.
 * Any kind can be decoded, for whatever kind the codec was made. */
int codec_decompress(struct codec *, enum codec_kind, const void *in, size_t n, size_t raw_size,
                     struct buf *out, struct err *);

#endif
