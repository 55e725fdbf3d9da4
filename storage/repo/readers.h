/*
 * readers.h - who reads and writes in the encrypted epochs of a repository: what `storage keys`
 * does.
 */
#ifndef STORAGE_REPO_READERS_H
#define STORAGE_REPO_READERS_H

#include <jansson.h>

#include "storage/repo/repo.h"

/* The next epoch, for the readers and writers of the current one, less drop (a key's id, or
 * NULL), and for encrypt-to where the configuration has it.  ERR_USAGE when nobody could read
 * it. */
int readers_next_epoch(struct repo *, const char *drop, struct err *);

/* k may read (with all that was written so far) or write from now on.  Needs an identity of a
 * reader; to make a writer this host's own keys are enough.  *done: how many epochs that
 * concerned. */
int readers_add(struct repo *, enum epoch_role, const struct public_key *k, unsigned *done,
                struct err *);
/* The key with this id is no recipient any more.  That keeps nobody from reading what he could
 * read: see readers_next_epoch(). Where it is the last reader: ERR_USAGE, or with keep_last a
 * warning, and it stays one. */
int readers_remove(struct repo *, const char *id, bool keep_last, unsigned *done, struct err *);
/* A repository that has no encrypted epoch and no backups gets those of another: what is stored
 * there can be copied without being opened.  One that has them gets those that came since. */
int readers_import(struct repo *to, struct repo *from, unsigned *done, struct err *);

#endif
