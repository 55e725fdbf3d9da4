/*
 * bundle.h - one backup as one file that needs no pgassay: a tar archive with definitions, rows,
 * and the commands with which PostgreSQL's own programs restore them.
 *
 * The same backup gives the same bytes.  Rows are handed out in the format in which they are
 * stored, text or binary, each chunk checked before its bytes count; what is written is not
 * encrypted.  Memory: the manifest as struct and as text, the texts of the bundle, and three
 * chunks.
 *
 * What lies in it is said in docs/repository-format.md, "Bundles".
 */
#ifndef STORAGE_EXCHANGE_BUNDLE_H
#define STORAGE_EXCHANGE_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/crypto/hash.h"
#include "core/err.h"
#include "storage/exchange/tarball.h"
#include "storage/format/label.h"
#include "storage/format/manifest.h"
#include "storage/repo/repo.h"

struct bundle_file {
    char    *name; /* below the bundle's directory */
    uint64_t bytes;
    char     sha256[SHA256_HEX + 1]; /* once it is written */
    bool     program;
    /* What it is made of: a text, or rows (binary: with COPY's header and trailer around them). */
    struct buf                   text;
    const struct manifest_range *ranges;
    size_t                       n_ranges;
    bool                         binary;
};

struct bundle {
    struct repo          *repo; /* borrowed, as is the label */
    const struct label   *label;
    struct manifest      *m;
    char                 *dir; /* "DB-ID/", in which everything lies */
    struct bundle_file   *files;
    size_t                n, cap;
    uint64_t              bytes;            /* of all files */
    struct manifest_range archive, globals; /* borrow the manifest's segments */
};

/* What will be in it: the manifest is read, no rows are.  ERR_AUTH: no key here that reads it. */
struct bundle *bundle_plan(struct repo *, const struct label *, struct err *);
/* Writes it.  ERR_CORRUPT or ERR_NOT_FOUND name a chunk that is bad or missing. */
int  bundle_write(struct bundle *, tarball_write_fn *, void *ctx, bool zstd, struct err *);
void bundle_free(struct bundle *); /* accepts NULL */

#endif
