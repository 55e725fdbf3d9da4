/*
 * retention_rules.h - which backups stay, which are removed, and why: a pure function of the
 * backups, the policy and the time.
 *
 * The rules are restic's, by the UTC calendar, applied to each scope by itself: a backup of two
 * tables never pushes out one of the whole database.  Rules count good backups only:
 *
 *   - a damaged backup, or one whose times are doubted (labeltime.h), never replaces another, and
 *     stays as long as a good one of its time would: it may still be healed, and partly read.
 *   - an imported one (a dump that another tool made, as of whatever time somebody says) counts
 *     among those that are older than the scope's first backup of our own.  A later one is like a
 *     damaged one: it never replaces another, and stays as long.
 *   - one whose label or lists cannot be read means that what is needed is not fully known: nothing
 *     is removed.
 *   - drop_damaged gives both up, unless they are pinned or locked, or their scope has no good
 *     backup; but never one that a newer program wrote, which may be good: then nothing is removed.
 *   - a void one (its run was revoked, so its chunks may be gone) is not a backup, and is removed,
 *     with or without rules.
 *
 * Never removed, whatever the rules say: the newest good backup of a scope, the newest whose drill
 * passed, the newest min-keep, pinned and locked backups; and all of them while there is a backup
 * from the future, or no rule.
 *
 * The shrink alarm: a backup whose rows, tables or bytes are below shrink-share of the largest
 * among the ten before it and those of the thirty days before it (of its scope, since the last
 * accepted one) looks wrong.  It, and all before it, stay until a later backup is large again or a
 * user accepts the new size.  Other pruning goes on.  What was imported neither raises it nor is
 * compared with: how much of the database a script has dumped says nothing of the database.
 */
#ifndef STORAGE_RETENTION_RETENTION_RULES_H
#define STORAGE_RETENTION_RETENTION_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "storage/retention/policy.h"

/* Bits.  The first are rules: keep-<period> is 1 << period, keep-within-<period> 1 << (N_PERIODS
 * + period). */
enum {
    WHY_MIN_KEEP = 1 << (2 * N_PERIODS),
    WHY_NEWEST = WHY_MIN_KEEP << 1,
    WHY_PROVEN = WHY_MIN_KEEP << 2, /* the newest whose drill passed */
    WHY_PINNED = WHY_MIN_KEEP << 3,
    WHY_LOCKED = WHY_MIN_KEEP << 4,
    WHY_SHRINK =
        WHY_MIN_KEEP << 5, /* from before a shrink that was not accepted, or the first after it */
    WHY_UNREADABLE = WHY_MIN_KEEP << 6, /* some backup cannot be read */
    WHY_FUTURE = WHY_MIN_KEEP << 7,     /* some backup is from the future: a clock is wrong */
    WHY_ALONE = WHY_MIN_KEEP << 8,      /* not good, but the best of its scope */
    WHY_NO_POLICY = WHY_MIN_KEEP << 9,
    WHY_BITS = 2 * N_PERIODS + 10,
    /* Never removed, not even in an emergency. */
    WHY_NEVER = (WHY_MIN_KEEP << 9) - WHY_MIN_KEEP,
};

enum retention_state {
    RETENTION_GOOD,
    RETENTION_DAMAGED,    /* some of its chunks are bad, or its times are doubted */
    RETENTION_UNREADABLE, /* its label, chunk list or manifest is bad */
    RETENTION_VOID,
};

struct retention_item {
    const char          *id;
    const char          *scope; /* of an unreadable label: "full" */
    enum retention_state state;
    time_t               time; /* of the snapshot */
    uint64_t             tables, rows, bytes;
    bool                 proven, pinned, locked;
    bool                 imported;
    bool                 beside; /* filled in: imported, and later than the first of our own */
    bool                 newer;  /* unreadable, because a newer program wrote it */
    unsigned             why;    /* filled in: all reasons to stay; none: it is removed */
};

/* The newest accepted backup of a scope: sizes before it are no longer compared with. */
struct accepted_size {
    const char *scope, *id;
};

struct retention_alarm {
    const char *scope;          /* borrowed, as all of it */
    const char *since, *newest; /* the first that looked wrong; the newest now */
    const char *measure;        /* "rows", "tables" or "bytes" */
    uint64_t    have, largest;  /* of since, and what it was compared with */
};

struct retention {
    const struct policy        *policy;
    time_t                      now; /* the store's */
    bool                        drop_damaged;
    struct retention_item      *items; /* ascending by id */
    size_t                      n;
    const struct accepted_size *baselines;
    size_t                      n_baselines;
    struct retention_alarm     *alarms; /* filled in, at most one a scope */
    size_t                      n_alarms, cap_alarms;
};

enum { SHRINK_BACKUPS = 10, SHRINK_DAYS = 30, CLOCK_TOLERANCE_SECONDS = 300 };

void retention_apply(struct retention *);
void retention_free(struct retention *); /* the alarms; items and baselines are the caller's */

/* "keep-daily", "newest" …; bit: its number, below WHY_BITS. */
const char *retention_why(unsigned bit);

/* The number of the hour, day, week (from Monday), month or year in UTC. */
int64_t period_of(enum period, time_t);

#endif
