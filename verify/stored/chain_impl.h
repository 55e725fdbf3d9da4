/*
 * chain_impl.h - shared by the files of `chain`: chain.c (databases, labels, heads),
 * chain_signers.c (sequences), chain_finding.c (a finding).
 */
#ifndef VERIFY_STORED_CHAIN_IMPL_H
#define VERIFY_STORED_CHAIN_IMPL_H

#include "storage/repo/lastseen.h"
#include "storage/repo/repo.h"
#include "storage/repo/tombstone.h"
#include "verify/job/result.h"

/* A signer's number, and the label that has or had it. */
struct chain_link {
    char     signer[17];
    uint64_t sequence;
    char     id[BACKUP_ID_MAX], run[RUN_MARK_MAX];
};

/* The check of one database. */
struct chain_walk {
    struct repo       *repo;
    const char        *db;
    struct backup_list list;
    struct tombstone  *tombs;
    size_t             n_tombs, cap_tombs;
    struct lastseen    seen;
    struct chain_link *links;
    size_t             n_links, cap_links;
    struct strlist     unknown;     /* ids of labels whose sequence is unknown, sorted: unreadable,
                                       replaced, or expired by a tombstone that does not give it */
    struct strlist        reported; /* "id digest" of heads that are findings already */
    struct findings       findings;
    struct result_chained counts;
};

void chain_finding(struct chain_walk *, enum finding_class, const char *object, const char *what,
                   const char *have);

/* Gaps, numbers used twice, and what this host remembers of them. */
void chain_signers(struct chain_walk *);

#endif
