/*
 * lastseen.h - what this host remembers of a repository, so that an old state of it which somebody
 * puts back is noticed here.
 *
 * <state-dir>/<repo id>/<db>.seen (core/host/statedir.h): the newest whole backup that this host
 * took, restored, verified or listed, and the highest sequence of each signer (chain.h).  One line
 * of JSON, mode 0600, written to one side and renamed. format, needs, type "seen"; backup,
 * label_sha256, snapshot; signers: {key id: sequence}
 *
 * It is a memory, no authority: a file that cannot be read or written costs a line in the log, and
 * nothing fails for it. Only what goes on is written over: an older backup does not take the place
 * of a newer one, unless a tombstone says that the newer one was expired.  A repository seen as of
 * another time (--as-of) is neither compared nor remembered.
 */
#ifndef STORAGE_REPO_LASTSEEN_H
#define STORAGE_REPO_LASTSEEN_H

#include "storage/format/label.h"

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

/* Empty when there is nothing, or nothing that can be read: a warning, and the file is set aside
 * as <db>.seen.bad. */
void lastseen_load(const struct repo *, const char *db, struct lastseen *);
void lastseen_free(struct lastseen *);
/* Adds the databases of this repository of which this host remembers anything and that are not
 * in the list yet. */
void lastseen_databases(const struct repo *, struct strlist *names);
/* 0: none. */
uint64_t lastseen_sequence(const struct lastseen *, const char *signer);

/* This host's other runs wait until it is let go.  -1: it could not be taken; go on without. */
int  lastseen_lock(const struct repo *, const char *db);
void lastseen_unlock(int lock);

/* A backup that stands now.  lock: the caller's lastseen_lock(); -1: none. */
void lastseen_remember(const struct repo *, const char *db, const struct label *, int lock);
/* All of a list. */
void lastseen_remember_list(const struct repo *, const char *db, const struct backup_list *);

/* How the remembered backup fares in a list of the same moment. */
enum rollback_state {
    ROLLBACK_NONE,     /* it stands, or was expired, or there is none */
    ROLLBACK_GONE,     /* no label and no trusted tombstone */
    ROLLBACK_REPLACED, /* another label, not that of a copy, stands under its id */
};
struct rollback {
    enum rollback_state state;
    char                backup[BACKUP_ID_MAX];
    time_t              snapshot;
};
/* What cannot be found out is a warning, and not missed. */
void rollback_judge(struct repo *, const char *db, const struct backup_list *, struct rollback *);
/* A sentence for people, allocated; found: what stands there instead, or NULL.  NULL when all is
 * well. */
char *rollback_text(const struct rollback *, const struct label *found);
/* For who is about to write: a warning when something is missed. */
void rollback_warn(struct repo *, const char *db, const struct backup_list *);

/* backup_find(), and for the newest (no id, no time): what is missed, and the memory brought up
 * to date.  An id, a time or a repository as of another time: nothing is missed.  A missed
 * backup that is older than what was found does not count. */
struct label *rollback_find(struct repo *, const char *db, const char *which, time_t at,
                            struct rollback *, struct err *);

#endif
