/*
 * parts.h - the objects that a label names by digest: its chunk list and its manifest.
 */
#ifndef STORAGE_READ_PARTS_H
#define STORAGE_READ_PARTS_H

#include "core/buf.h"
#include "core/err.h"
#include "storage/format/chunk.h"
#include "storage/format/chunkindex.h"
#include "storage/format/label.h"
#include "storage/format/manifest.h"
#include "storage/repo/repo.h"

/* The manifest that a label names: sizes and digests must match.  ERR_AUTH: it is encrypted, and
 * this host has no key. */
struct manifest *manifest_load(struct repo *, const struct label *, struct err *);
/* The same as stored, checked against the label, not opened; replaces stored's contents. */
int manifest_stored(struct repo *, const struct label *, struct buf *stored, struct err *);
/* Is it good?  If it is encrypted and this host cannot open it, only size and digest are
 * checked. */
int manifest_check_stored(struct repo *, const struct label *, struct err *);

/* Every chunk that the backup uses, in the order of their names. */
int chunk_list_read(struct repo *, const struct label *, chunk_ref_fn *, void *ctx, struct err *);
/* The same of an object that was fetched already, from backup_key(…, label_part_name(l,
 * LABEL_CHUNKS)): if it is not what the label says, or was not to be had, it is read again. */
int chunk_list_read_fetched(struct repo *, const struct label *, const struct buf *fetched,
                            chunk_ref_fn *, void *ctx, struct err *);
/* The same for a chunk list that no label vouches for any more: key is the object's. */
int chunk_list_read_unlabelled(struct repo *, const char *key, chunk_ref_fn *, void *ctx,
                               struct err *);
/* All of them, to be found by name, id or stored bytes.  The index is the caller's to free. */
int chunk_list_index(struct repo *, const struct label *, struct chunkindex *, struct err *);

/* Is it good?  A manifest as by manifest_check_stored(). */
int part_check(struct repo *, const struct label *, enum label_part, struct err *);
/* The same, avoiding whatever may have corrupted the first reading. */
int part_check_anew(struct repo *, const struct label *, enum label_part, struct err *);

#endif
