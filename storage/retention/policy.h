/*
 * policy.h - what a repository keeps: the rules, and where they are written down.
 *
 * The words are restic's, with the same meaning (docs/runbook.md, "How long are backups
 * kept").  The policy lies in repo.<n>.json, not in a configuration file, so that two hosts that
 * prune cannot differ.  There is one for the repository, and each database may override single keys
 * of it.
 *
 * A key that this program does not know makes the policy unusable (ERR_CORRUPT): an unknown rule
 * could mean that a backup is removed that should stay.  Only commands that prune or print the
 * policy read it; backup and restore never fail because of it.
 */
#ifndef STORAGE_RETENTION_POLICY_H
#define STORAGE_RETENTION_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/json.h"
#include "storage/repo/repo.h"

/* One backup of each; PERIOD_EACH: every backup by itself. */
enum period {
    PERIOD_EACH,
    PERIOD_HOUR,
    PERIOD_DAY,
    PERIOD_WEEK,
    PERIOD_MONTH,
    PERIOD_YEAR,
    N_PERIODS
};

struct span { /* of time, by the calendar: "1y5m7d2h"; all zero: none */
    int years, months, days, hours;
};

enum { KEEP_ALL = -1 }; /* "unlimited" */

struct policy {
    int keep[N_PERIODS]; /* keep-last, keep-hourly … keep-yearly: so many; 0: no such rule */
    struct span within[N_PERIODS]; /* keep-within, keep-within-hourly … keep-within-yearly */
    int         min_keep;          /* this many of the newest always stay; at least 1 */
    double   shrink_share; /* below this share of its predecessors a backup looks wrong; 0: never */
    uint32_t set;          /* bit i: the i-th key was given */
};

enum { MIN_KEEP_DEFAULT = 1, POLICY_KEYS = 2 * N_PERIODS + 2 };
#define SHRINK_SHARE_DEFAULT 0.5

/* Nothing set, so that nothing expires. */
#define POLICY_INIT                                                                                \
    {                                                                                              \
        .min_keep = MIN_KEEP_DEFAULT, .shrink_share = SHRINK_SHARE_DEFAULT                         \
    }

/* The i-th key, below POLICY_KEYS: keep-last, keep-hourly … keep-yearly, keep-within …
 * keep-within-yearly, min-keep, shrink-share; NULL at the end. */
const char *policy_key(size_t i);
/* ERR_USAGE names the key. */
int policy_set(struct policy *, const char *key, const char *text, struct err *);
/* The i-th key's value as policy_set() takes it, when it was given or has an effective default;
 * else NULL.  Allocated. */
char *policy_text(const struct policy *, size_t i);
bool  policy_given(const struct policy *, size_t i);
/* Has at least one rule; without any, everything is kept. */
bool policy_expires(const struct policy *);

int span_parse(const char *text, struct span *, struct err *);
/* "1y5m7d2h"; out: at least 48. */
char *span_text(const struct span *, char *out, size_t cap);
bool  span_is_zero(const struct span *);

/* What is set, as in repo.<n>.json; and back. */
json_t *policy_json(const struct policy *);
int     policy_parse(json_t *, struct policy *, struct err *);

/* In force for db; NULL: for every database that overrides nothing. */
int policy_load(const struct repo *, const char *db, struct policy *, struct err *);
/* Only what was set for db itself; NULL: for the repository. */
int policy_load_own(const struct repo *, const char *db, struct policy *, struct err *);
/* Writes repo.<n+1>.json with this as db's own policy (NULL: the repository's); nothing set: it is
 * removed.  ERR_EXISTS when somebody else changed the repository's settings meanwhile. */
int policy_store(struct repo *, const char *db, const struct policy *, struct err *);

#endif
