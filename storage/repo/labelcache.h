/*
 * labelcache.h - the labels that this host has read, so that they need not be read from a distant
 * store in every run.
 *
 * <state-dir>/<repo id>/<db>.labels, mode 0600: a line "pgassay labels 1", then for each label a
 * line "ID SIZE" and its bytes as they are stored, ascending by id.  It is only a cache: a label is
 * taken from it only when the current listing shows an object of that size and with the MD5 of
 * these bytes, and then it is parsed and its signature is checked as if just read from the store.
 * So a label that is damaged, of another repository, or outdated is never taken.  If listings hold
 * no digest (storage.h: a directory, some ways of encrypting a bucket) nothing is cached.
 *
 * A file that cannot be read or written costs nothing but the time to read the labels.  It holds
 * the labels that were listed last, 64 MiB of them at most, the newest.
 */
#ifndef STORAGE_REPO_LABELCACHE_H
#define STORAGE_REPO_LABELCACHE_H

#include <stdbool.h>

#include "core/buf.h"
#include "storage/contract/storage.h"
#include "storage/repo/repo.h"

struct labelcache;

struct labelcache *labelcache_open(const struct repo *, const char *db);
/* The label of that id, which the listing shows so, into out.  False: it must be read. */
bool labelcache_get(struct labelcache *, const char *id, const struct object_info *, struct buf *);
/* It was read, and is remembered if these are the bytes that the listing shows. */
void labelcache_keep(struct labelcache *, const char *id, const struct object_info *,
                     const struct buf *);
/* Writes it when there is something new.  whole: all labels of the listing were got or kept. */
void labelcache_close(struct labelcache *, bool whole);

#endif
