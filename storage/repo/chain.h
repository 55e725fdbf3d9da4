/*
 * chain.h - what labels say of each other, so that a backup which somebody took away, or an old
 * state of the repository that he put back, is missed.
 *
 * Each label names the heads that its writer saw when it began: the labels, by id and digest, that
 * no other label it saw names.  So whatever stands is named by something that came after it;
 * normally a label has one head, the backup before it, and beside it those whose successors have
 * expired meanwhile.  A label that is named must stand, or a tombstone must say who expired it.
 * What nothing names yet, the newest, is in the memory of the hosts that saw it (lastseen.h).
 *
 * In a repository whose writers sign, each label also has its signer's sequence: the first of that
 * signer in this database has 1, each next one more.  A number that is missing is a label that was
 * removed, unless a tombstone has it.
 *
 * `pgassay verify chain` reads all of that (verify/chain.c).
 */
#ifndef STORAGE_REPO_CHAIN_H
#define STORAGE_REPO_CHAIN_H

#include <jansson.h>

#include "storage/format/label.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/repo.h"

/* What a writer knows of the labels before its own. */

struct chain {
    bool               known; /* loaded: otherwise chain_fill() says nothing */
    struct label_head *tips;  /* by id; not more than CHAIN_HEADS_MAX, the newest */
    size_t             n, cap;
    char               signer[17];
    uint64_t           highest; /* of that signer; 0: none */
};

/* list: of the same moment.  Reads no object but tombstones, and those only when this host does
 * not remember its own sequence and they may hold more than the labels. */
int chain_load(struct repo *, const char *db, const struct backup_list *, struct chain *,
               struct err *);
/* Heads, signer and sequence: one more than the highest, and than what this host remembers of
 * itself. */
void chain_fill(const struct chain *, uint64_t remembered, struct label *);
/* That label stands now: for a next one by the same hands. */
void chain_append(struct chain *, const struct label *);
void chain_free(struct chain *);

/* Some label names a backup of this id. */
bool chain_names(const struct backup_list *, const char *id);

/* *expired: a trusted tombstone says that this backup (NULL sha256: in whatever shape; else with
 * this label, as far as the tombstone knows) was expired.  Reads the tombstones of this backup
 * alone. */
int chain_expired(struct repo *, const char *db, const struct strlist *tombstones, const char *id,
                  const char *sha256, bool *expired, struct err *);

#endif
