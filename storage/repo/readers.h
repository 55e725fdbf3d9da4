/*
 * readers.h - beginning an encrypted epoch, and who reads and writes in those there are: what
 * `storage keys` does.
 *
 * An epoch is begun by storing its key object first and repo.<n>.json, which names it, last:
 * whoever dies in between leaves an object that means nothing.  Only then does this host remember
 * it: one that it remembers and the repository does not have looks like an old state put back.  Its
 * key pair is new and random, and so are the keys that contents are named with; the secret half is
 * sealed to the readers and then forgotten, unless this host has an identity among them.
 */
#ifndef STORAGE_REPO_READERS_H
#define STORAGE_REPO_READERS_H

#include <jansson.h>

#include "storage/repo/repo.h"

struct epoch_plan {
    unsigned                 number;
    const struct public_key *readers; /* at least one */
    size_t                   n_readers;
    const struct public_key *writers; /* beside this host, which is one by its sign-key */
    size_t                   n_writers;
    struct epoch            *made; /* NULL, or gets it, not remembered yet; epoch_deinit() */
};

/* Stores the keys of a new epoch and changes object, a repo object, to name it.  This host
 * remembers it (pinned.h), unless the caller takes it and does so when the object is stored. */
int epoch_begin(struct storage *, json_t *object, const struct epoch_plan *, struct err *);

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
