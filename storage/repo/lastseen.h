/*
 * seen.h - what this host remembers of a repository, so that an old state of it which somebody puts
 * back is noticed here.
 *
 * <state-dir>/<repo id>/<db>.seen (core/statedir.h): the newest whole backup that this host took,
 * restored, verified or listed, and the highest sequence of each signer (chain.h).  One line of
 * JSON, mode 0600, written to one side and renamed.
 *   format, needs, type "seen"; backup, label_sha256, snapshot; signers: {key id: sequence}
 *
 * It is a memory, no authority: a file that cannot be read or written costs a line in the log, and
 * nothing fails for it. Only what goes on is written over: an older backup does not take the place
 * of a newer one, unless a tombstone says that the newer one was expired.  A repository seen as of
 * another time (--as-of) is neither compared nor remembered.
 */
#ifndef STORAGE_REPO_LASTSEEN_H
#define STORAGE_REPO_LASTSEEN_H

#include "storage/format/label.h"

struct seen_signer {
    char     id[17];
    uint64_t sequence;
};

struct seen {
    char                backup[BACKUP_ID_MAX];  /* empty: none yet */
    char                sha256[SHA256_HEX + 1]; /* of its label */
    time_t              snapshot;
    struct seen_signer *v;
    size_t              n, cap;
};

enum { SEEN_SIGNERS_MAX = 256, SEEN_BYTES_MAX = 1 << 16 };

/* Empty when there is nothing, or nothing that can be read: a warning, and the file is set aside
 * as <db>.seen.bad. */
void seen_load(const struct repo *, const char *db, struct seen *);
void seen_free(struct seen *);
/* Adds the databases of this repository of which this host remembers anything and that are not
 * in the list yet. */
void seen_databases(const struct repo *, struct strlist *names);
/* 0: none. */
uint64_t seen_sequence(const struct seen *, const char *signer);

/* This host's other runs wait until it is let go.  -1: it could not be taken; go on without. */
int  seen_lock(const struct repo *, const char *db);
void seen_unlock(int lock);

/* A backup that stands now.  lock: the caller's seen_lock(); -1: none. */
void seen_remember(const struct repo *, const char *db, const struct label *, int lock);
/* All of a list. */
void seen_remember_list(const struct repo *, const char *db, const struct backup_list *);

/* How the remembered backup fares in a list of the same moment. */
enum seen_state {
    SEEN_WELL,     /* it stands, or was expired, or there is none */
    SEEN_GONE,     /* no label and no trusted tombstone */
    SEEN_REPLACED, /* another label, not that of a copy, stands under its id */
};
struct seen_missed {
    enum seen_state state;
    char            backup[BACKUP_ID_MAX];
    time_t          snapshot;
};
/* What cannot be found out is a warning, and not missed. */
void seen_judge(struct repo *, const char *db, const struct backup_list *, struct seen_missed *);
/* A sentence for people, allocated; found: what stands there instead, or NULL.  NULL when all is
 * well. */
char *seen_text(const struct seen_missed *, const struct label *found);
/* For who is about to write: a warning when something is missed. */
void seen_warn(struct repo *, const char *db, const struct backup_list *);

/* backup_find(), and for the newest (no id, no time): what is missed, and the memory brought up
 * to date.  An id, a time or a repository as of another time: nothing is missed.  A missed
 * backup that is older than what was found does not count. */
struct label *seen_find(struct repo *, const char *db, const char *which, time_t at,
                        struct seen_missed *, struct err *);

#endif
