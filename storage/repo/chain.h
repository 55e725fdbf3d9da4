/*
 * chain.h - labels name each other, so that the removal of a backup, or an old state of the
 * repository that was put back, is noticed.
 *
 * Each label names the heads that its writer saw when it began: the labels, by id and digest, that
 * no other label it saw names.  So every label but the newest is named by a later one; normally a
 * label has one head, the backup before it, plus those whose successors have expired meanwhile.  A
 * label that is named must exist, or a tombstone must say who expired it.  The newest, which
 * nothing names yet, is remembered by the hosts that saw it (lastseen.h).
 *
 * In a repository whose writers sign, each label also has its signer's sequence: the first of that
 * signer in this database has 1, each next one more.  A missing number is a label that was removed,
 * unless a tombstone has it.
 *
 * `pgassay verify chain` checks all of this (verify/stored/chain.c).
 */
#ifndef STORAGE_REPO_CHAIN_H
#define STORAGE_REPO_CHAIN_H

#include "core/json.h"
#include "storage/format/label.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/repo.h"

/* What a writer knows of the labels before its own. */

struct chain {
    bool               known; /* loaded: otherwise chain_fill() does nothing */
    struct label_head *tips;  /* by id; at most the CHAIN_HEADS_MAX newest */
    size_t             n, cap;
    char               signer[17];
    uint64_t           highest; /* of that signer; 0: none */
};

/* list: loaded at the same time.  Reads only tombstones, and those only when this host does not
 * remember its own sequence and they may hold more than the labels. */
int chain_load(struct repo *, const char *db, const struct backup_list *, struct chain *,
               struct err *);
/* Heads, signer and sequence: one more than the highest, and than what this host remembers of
 * itself. */
void chain_fill(const struct chain *, uint64_t remembered, struct label *);
/* That label is stored now: for the next one of the same writer. */
void chain_append(struct chain *, const struct label *);
void chain_free(struct chain *);

/* Some label names a backup of this id. */
bool chain_names(const struct backup_list *, const char *id);

/* *expired: a trusted tombstone says that this backup (NULL sha256: with any label; else with this
 * label, as far as the tombstone knows) was expired.  Reads only the tombstones of this backup. */
int chain_expired(struct repo *, const char *db, const struct strlist *tombstones, const char *id,
                  const char *sha256, bool *expired, struct err *);

#endif
