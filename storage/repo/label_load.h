/*
 * label_load.h - a label as it lies in the repository: whose signature it carries is asked, and
 * what is hidden in it is opened.
 */
#ifndef STORAGE_REPO_LABEL_LOAD_H
#define STORAGE_REPO_LABEL_LOAD_H

#include "storage/format/label.h"
#include "storage/repo/repo.h"

/* What is hidden in it is there when this host has a key to read it.  ERR_CORRUPT, ERR_NOT_FOUND
 * name the label. */
struct label *label_load(struct repo *, const char *db, const char *id, struct err *);
/* The same, read past caches (storage_get_anew()): a second opinion on one that was bad. */
struct label *label_load_anew(struct repo *, const char *db, const char *id, struct err *);
/* Of an encrypted one: seals what must not be read without a key. */
int label_hide(struct label *, const struct epoch *, struct err *);

/* As what an encrypted backup's manifest is sealed (core/crypto/seal.h): type "manifest", the
 * backup's id.  Borrows both. */
struct sealed_as label_manifest_as(const char *id, const struct epoch *);

#endif
