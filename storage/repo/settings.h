/*
 * settings.h - whether the repository's settings and key objects are the newest known.
 *
 * The highest trusted repo.<n>.json is in force, and the highest keys.<epoch>.<n>.json.  By
 * removing objects older ones can be put in force, each correctly signed: keep-last 1 instead of
 * 30, a reader who was removed.  A listing that lags has the same effect.  So
 *
 *   - each host remembers the highest n that it has seen, in <state-dir>/<repo id>/settings.json:
 *     JSON of type "settings-seen" with "repo": n and "keys": {"<epoch>": n};
 *   - labels and tombstones carry the n of the settings that were in force, and labels of encrypted
 *     backups that of their epoch's keys, for hosts that remember nothing.
 *
 * With lower numbers nothing is removed and nothing changed; reading continues, with a warning or a
 * finding.  A repository as of another time is neither compared nor remembered.
 */
#ifndef STORAGE_REPO_SETTINGS_H
#define STORAGE_REPO_SETTINGS_H

#include "storage/repo/repo.h"

/* Once r->in_force is known: compares it with this host's memory, and remembers it. */
void settings_recall(struct repo *);
/* A trusted label or tombstone was written under settings number n. */
void settings_noted(struct repo *, unsigned n);
/* A trusted label was written under key object number n of its epoch. */
void settings_noted_keys(struct repo *, unsigned epoch, unsigned n);
/* One sentence when they are not the newest, allocated; NULL: as far as known they are. */
char *settings_behind(const struct repo *);
/* Before anything is removed or changed: ERR_CORRUPT when they are not the newest. */
int settings_check(const struct repo *, struct err *);
/* Before an epoch's key object number n is changed, and after: ERR_CORRUPT when this host has seen
 * a higher one, or a label that it has read names one. */
int settings_check_keys(const struct repo *, unsigned epoch, unsigned n, struct err *);
/* For whoever only looks: a sentence for each encrypted epoch whose key object is not the newest
 * that this host has seen, or cannot be used at all.  Remembers the others.  An error: the store
 * does not answer. */
int settings_look_keys(struct repo *, struct strlist *sentences, struct err *);

#endif
