/*
 * tombstone.h - <db>/tombstones/<backup>.<run>.json: this backup, as this run wrote it, was
 * expired.
 *
 * Put before the label is removed, and never removed.  A label whose tombstone stands is no backup:
 * a repeated PUT that arrives late, or a prune that was killed half way, brings nothing back whose
 * chunks may be gone.  The name holds the run, so that a copy which returns from another repository
 * (same backup, another run) counts again.
 *   type "tombstone"; backup, run, expired (when), by (the prune's run), tool; of a label that
 *   could be read also label_sha256, signer, sequence: the place that it had among the others
 *   (chain.h); of a backup that a person gave up (forget.h) reason
 */
#ifndef STORAGE_REPO_TOMBSTONE_H
#define STORAGE_REPO_TOMBSTONE_H

#include <stdbool.h>
#include <time.h>

#include "core/err.h"
#include "core/mem.h"
#include "storage/format/label.h"
#include "storage/repo/repo.h"

/* The run in the tombstone of a label that nobody can read. */
#define TOMBSTONE_NO_RUN "0000000000000000"

/* The label: NULL when it is unreadable.  One that stands already is no error. */
int tombstone_put(struct repo *, const char *db, const char *backup, const struct label *,
                  time_t expired, const char *by, struct err *);
/* The same of a person who gives the backup up, for a reason; label: NULL also when it is gone. */
int tombstone_give_up(struct repo *, const char *db, const char *backup, const struct label *,
                      const char *reason, struct err *);

struct tombstone {
    char     backup[BACKUP_ID_MAX], run[RUN_ID_MAX]; /* as its name says */
    char     label_sha256[SHA256_HEX +
                      1]; /* empty: nobody could read the label, or an older program wrote this */
    char     signer[17];      /* empty: the label had none */
    uint64_t sequence;
};

/* name: one of tombstones_load()'s.  ERR_CORRUPT when it is unreadable or untrusted. */
int tombstone_load(struct repo *, const char *db, const char *name, struct tombstone *,
                   struct err *);

/* "<backup>.<run>" of every tombstone of a database, sorted. */
int tombstones_load(struct repo *, const char *db, struct strlist *, struct err *);
/* There is one of this backup (run NULL: it is not known), and whoever put it may prune (trust.h).
 */
bool tombstones_stand(struct repo *, const char *db, const struct strlist *, const char *backup,
                      const char *run);
/* Any of this backup's, whatever its run: one that counts. */
bool tombstones_bury(struct repo *, const char *db, const struct strlist *, const char *backup);

#endif
