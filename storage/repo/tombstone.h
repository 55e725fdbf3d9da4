/*
 * tombstone.h - <db>/tombstones/<backup>.<run>.json: this backup, as this run wrote it, was
 * expired.
 *
 * Put before the label is removed, and never removed.  A label with a tombstone is not a backup:
 * neither a repeated PUT that arrives late nor a killed prune brings a backup back whose chunks may
 * be gone.  The name holds the run, so that a copy from another repository (same backup, another
 * run) counts again.
 *   type "tombstone"; backup, run, expired (when), by (the prune's run), tool; of a readable label
 *   also label_sha256, signer, sequence: its place in the chain (chain.h); of a backup that a user
 *   gave up (forget.h) reason
 */
#ifndef STORAGE_REPO_TOMBSTONE_H
#define STORAGE_REPO_TOMBSTONE_H

#include <stdbool.h>
#include <time.h>

#include "core/err.h"
#include "core/mem.h"
#include "storage/format/label.h"
#include "storage/repo/repo.h"

/* The run in the tombstone of an unreadable label. */
#define TOMBSTONE_NO_RUN "0000000000000000"

/* label: NULL when it is unreadable.  An existing tombstone is not an error. */
int tombstone_put(struct repo *, const char *db, const char *backup, const struct label *,
                  time_t expired, const char *by, struct err *);
/* The same for a backup that a user gives up, for a reason; label: NULL also when it is gone. */
int tombstone_give_up(struct repo *, const char *db, const char *backup, const struct label *,
                      const char *reason, struct err *);

struct tombstone {
    char     backup[BACKUP_ID_MAX], run[RUN_MARK_MAX]; /* as its name says */
    char     label_sha256[SHA256_HEX +
                      1]; /* empty: the label was unreadable, or an older program wrote this */
    char     signer[17];      /* empty: the label had none */
    uint64_t sequence;
    unsigned settings; /* n of the repo.<n>.json that was in force; 0: not said */
};

/* name: one of tombstones_load()'s.  ERR_CORRUPT when it is unreadable or untrusted. */
int tombstone_load(struct repo *, const char *db, const char *name, struct tombstone *,
                   struct err *);

/* "<backup>.<run>" of every tombstone of a database, sorted. */
int tombstones_load(struct repo *, const char *db, struct strlist *, struct err *);
/* There is one of this backup (run NULL: unknown), and its signer may prune (trust.h).
 */
bool tombstones_stand(struct repo *, const char *db, const struct strlist *, const char *backup,
                      const char *run);
/* Any of this backup, whatever its run: one that counts. */
bool tombstones_bury(struct repo *, const char *db, const struct strlist *, const char *backup);

#endif
