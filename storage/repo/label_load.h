/*
 * label_load.h - reading a label: its signature is verified, and its hidden fields are opened.
 */
#ifndef STORAGE_REPO_LABEL_LOAD_H
#define STORAGE_REPO_LABEL_LOAD_H

#include "storage/format/label.h"
#include "storage/repo/fetch.h"
#include "storage/repo/repo.h"

/* Its hidden fields are filled in if this host has a key to read them.  ERR_CORRUPT, ERR_NOT_FOUND
 * name the label. */
struct label *label_load(struct repo *, const char *db, const char *id, struct err *);
/* One whose bytes were read, or could not be, already. */
struct label *label_read(struct repo *, const char *db, const char *id, const struct fetch *,
                         struct err *);
/* The same of a baseline's (baselines.h). */
struct label *label_read_baseline(struct repo *, const char *db, const char *id,
                                  const struct fetch *, struct err *);
/* The same as label_load(), read past caches (storage_get_anew()): a second opinion on one that was
 * bad. */
struct label *label_load_anew(struct repo *, const char *db, const char *id, struct err *);
/* *stands: the label exists by its key, whatever a listing shows. */
int label_stands(struct repo *, const char *db, const char *id, bool *stands, struct err *);
/* Sets the error for a label that exists and is in no listing: always -1. */
int label_not_shown(const char *id, struct err *);
/* Of an encrypted backup: seals the fields that must not be read without a key. */
int label_hide(struct label *, const struct epoch *, struct err *);

/* The identity under which an encrypted backup's manifest is sealed (core/crypto/seal.h): type
 * "manifest", the backup's id.  Borrows both. */
struct sealed_as label_manifest_as(const char *id, const struct epoch *);

#endif
