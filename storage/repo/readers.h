/*
 * readers.h - the readers and writers of a repository's encrypted epochs: what `storage keys` does.
 */
#ifndef STORAGE_REPO_READERS_H
#define STORAGE_REPO_READERS_H

#include "core/json.h"
#include "storage/repo/repo.h"

/* Begins the next epoch, for the readers and writers of the current one, except drop (a key's id,
 * or NULL), and for encrypt-to if configured.  ERR_USAGE when it would have no reader. */
int readers_next_epoch(struct repo *, const char *drop, struct err *);

/* Lets k read (including what was written so far) or write from now on.  Needs an identity of a
 * reader; to add a writer this host's own keys are enough.  *done: the number of epochs changed. */
int readers_add(struct repo *, enum epoch_role, const struct public_key *k, unsigned *done,
                struct err *);
/* Removes the key with this id from the recipients.  Its holder may still read what he could read
 * before: see readers_next_epoch().  The last reader: ERR_USAGE, or with keep_last it is kept, with
 * a warning. */
int readers_remove(struct repo *, const char *id, bool keep_last, unsigned *done, struct err *);
/* A repository without encrypted epochs and backups takes over the epochs of another, whose objects
 * can then be copied without being opened.  One that has done so before takes over newer epochs. */
int readers_import(struct repo *to, struct repo *from, unsigned *done, struct err *);

#endif
