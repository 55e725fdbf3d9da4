/*
 * rowver.h - which block ranges of which tables hold the same rows at two snapshots of a server, by
 * the ids of the transactions that made its rows: on any server, without its help.
 *
 * The two snapshots may be days apart, and the process that held the first one is gone: it leaves a
 * struct rowver_point, and the number of rows that it read in each range.  rowver.c says why
 * nothing can be missed.  Whatever is in doubt is an error, whose text says what: then everything
 * must be read.
 *
 * All is asked in the snapshot's transaction, which stays usable after an error (but for a lost
 * connection or an interrupt, which its next statement reports).  A table is gone through once,
 * without its TOAST, which takes the server 0.1 or 0.2 µs a row; to send a row takes from 0.25 µs
 * on.
 */
#ifndef PG_SNAPSHOT_ROWVER_H
#define PG_SNAPSHOT_ROWVER_H

#include "core/crypto/hash.h"
#include "pg/snapshot/fates.h"

struct rowver_point {
    uint64_t     xmin; /* ids below it had ended for the snapshot; 0: no point */
    uint64_t     xmax; /* it shows nothing of ids from here on */
    struct fates fates;
    uint8_t      server[SHA256_BYTES]; /* of what must be alike at both snapshots: likeness.h */
};

/* The point of the snapshot that conn holds, but for its fates, which rowver_leave() makes: after
 * the snapshot was taken. Not during recovery. */
int rowver_here(PGconn *, struct rowver_point *, struct err *why);
int rowver_leave(const struct pg_target *, struct rowver_point *, struct err *why);
/* 0: what an earlier point says can be compared with the snapshot now. */
int rowver_since(PGconn *, const struct rowver_point *before, const struct rowver_point *now,
                 struct err *why);

/* A table that the snapshot has locked, and that a query can be planned on. */
struct rowver_want {
    const char     *schema, *name;
    uint64_t        width;    /* blocks of a range; the last one has no end */
    size_t          n;        /* of ranges */
    const uint64_t *rows;     /* of each, as they were read at the point; UINT64_MAX: not known */
    bool            probably; /* all of it is as it was: this is asked first */
};
/* same: of each range: its rows are those that were read at the point.  In any transaction on the
 * snapshot; an error if it would have to wait for a lock. */
int rowver_same(PGconn *, const struct rowver_point *before, const struct rowver_want *, bool *same,
                struct err *why);

#endif
