/*
 * lastseen.h - what this host remembers of a repository, so that it notices when an old state of it
 * is put back.
 *
 * <state-dir>/<repo id>/<db>.seen (core/host/statedir.h): the newest whole backup that this host
 * took, restored, verified or listed, and the highest sequence of each signer (chain.h).  One line
 * of JSON, mode 0600, written to a temporary file and renamed. format, needs, type "seen"; backup,
 * label_sha256, snapshot; signers: {key id: sequence}
 *
 * It is not an authority: if the file cannot be read or written, a warning is logged and nothing
 * fails.  It only moves forward: an older backup does not replace a newer one, unless a tombstone
 * says that the newer one was expired.  A repository seen as of another time (--as-of) is neither
 * compared nor remembered.
 */
#ifndef STORAGE_REPO_LASTSEEN_H
#define STORAGE_REPO_LASTSEEN_H

#include "storage/format/label.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/repo.h"

struct lastseen_signer {
    char     id[17];
    uint64_t sequence;
};

struct lastseen {
    char                    backup[BACKUP_ID_MAX];  /* empty: none yet */
    char                    sha256[SHA256_HEX + 1]; /* of its label */
    time_t                  snapshot;
    struct lastseen_signer *v;
    size_t                  n, cap;
};

enum { LASTSEEN_SIGNERS_MAX = 256, LASTSEEN_BYTES_MAX = 1 << 16 };

/* Empty when there is no file, or an unreadable one, which is renamed to <db>.seen.bad with a
 * warning. */
void lastseen_load(const struct repo *, const char *db, struct lastseen *);
void lastseen_free(struct lastseen *);
/* Adds the databases of this repository that this host remembers and that are not in the list
 * yet. */
void lastseen_databases(const struct repo *, struct strlist *names);
/* 0: none. */
uint64_t lastseen_sequence(const struct lastseen *, const char *signer);

/* This host's other runs wait until it is released.  -1: it could not be taken; go on without
 * it. */
int  lastseen_lock(const struct repo *, const char *db);
void lastseen_unlock(int lock);

/* A backup that exists now.  lock: the caller's lastseen_lock(); -1: none. */
void lastseen_remember(const struct repo *, const char *db, const struct label *, int lock);
/* All of a list. */
void lastseen_remember_list(const struct repo *, const char *db, const struct backup_list *);

#endif
