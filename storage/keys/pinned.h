/*
 * pinned.h - what a backup host remembers of a repository's encrypted epochs: <state dir>/<repo
 * id>/epochs.json, mode 0600.
 *
 * The keys that contents are named with (id key, fingerprint key) and the public key that they are
 * sealed to.  None of that can read a backup.  A remembered public key of an epoch is trusted from
 * then on: another one under the same number is refused, and so is a repository whose epoch is
 * older than the newest known here.
 */
#ifndef STORAGE_KEYS_PINNED_H
#define STORAGE_KEYS_PINNED_H

#include "storage/keys/epoch.h"

/* Fills in what is remembered.  0: ep->naming is set; 1: this epoch is not known here; -1 with
 * ERR_AUTH: its public key is another one. */
int pinned_recall(const char *repo_id, struct epoch *ep, struct err *);
/* The number of the newest epoch known here; 0: none, or this host cannot remember anything. */
int pinned_newest(const char *repo_id, unsigned *number, struct err *);
/* ERR_AUTH: another key is remembered under its number, and kept. */
/* Can this host remember anything?  Checked before an epoch is begun in which it could not
 * write. */
int pinned_ready(const char *repo_id, struct err *);
int pinned_remember(const char *repo_id, const struct epoch *, struct err *);

#endif
