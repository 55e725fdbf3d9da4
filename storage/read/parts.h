/*
 * parts.h - the objects that a label names by digest: its chunk list and its manifest.
 */
#ifndef STORAGE_READ_PARTS_H
#define STORAGE_READ_PARTS_H

#include "core/buf.h"
#include "core/err.h"
#include "storage/format/chunk.h"
#include "storage/format/label.h"
#include "storage/format/manifest.h"
#include "storage/repo/repo.h"

/* The manifest that a label names: sizes and digests must match.  ERR_AUTH: it is encrypted, and
 * this host has no key. */
struct manifest *manifest_load(struct repo *, const struct label *, struct err *);
/* The same as it is stored, checked against the label, not opened; replaces stored's contents. */
int manifest_stored(struct repo *, const struct label *, struct buf *stored, struct err *);
/* Is it good?  Of an encrypted one that this host cannot open only size and digest are looked
 * at. */
int manifest_check_stored(struct repo *, const struct label *, struct err *);

/* Every chunk that the backup uses, in the order of their names. */
int chunk_list_read(struct repo *, const struct label *, chunk_ref_fn *, void *ctx, struct err *);
/* The same of a chunk list for which no label vouches any more: key is the object's. */
int chunk_list_read_unlabelled(struct repo *, const char *key, chunk_ref_fn *, void *ctx,
                               struct err *);

#endif
