/*
 * definitions.h - the definitions of what is held in a snapshot: pg_dump, in a thread of its own.
 *
 * pg_dump, then the check that nothing it dumped has changed meanwhile (ddlcheck.h), then globals,
 * and owners and grantees that are not among them; last snapshot_options.defined().  Where nobody
 * else changes anything, pg_dump alone.
 *
 * Owners: the snapshot has them (snapshot.definitions), and its end is theirs.  Options, snapshot
 * and `now` are borrowed, for as long as they are being made.  Meanwhile the snapshot's archive
 * is the thread's, with `now` its globals and warnings, too; it uses no session but pg_dump's and
 * `now`: the coordinator's is the caller's.
 *
 * Ended early: by an interrupt (core/cancel.h), or by who finishes them giving up; either stops
 * pg_dump.
 *
 * Errors: of the preparation, to who asks for it; of the thread, in rc and err, for who finishes
 * it.  As soon as the snapshot is known to be of no use, snapshot.in_vain says so, to any thread.
 */
#ifndef PG_SNAPSHOT_DEFINITIONS_H
#define PG_SNAPSHOT_DEFINITIONS_H

#include <pthread.h>
#include <stdatomic.h>

#include "pg/snapshot/dump.h"

struct definitions {
    const struct snapshot_options *o;
    struct snapshot               *s;
    PGconn *now;  /* READ COMMITTED, no transaction open; NULL: pg_dump alone */
    bool    last; /* what has changed is no reason to start over */
    /* Results: */
    int            rc;
    struct err     err;
    struct strlist moved;
    bool           refused; /* rc and err are those of defined() */
    /* Within definitions.c: */
    struct schema_dump dump;
    pthread_t          thread;
    bool               running;
    atomic_bool        stop;
};

/* What pg_dump needs to know of the coordinator's session, asked there.  -1: only to be freed. */
int definitions_prepare(struct definitions *, struct err *);

/* In the calling thread. */
void definitions_make(struct definitions *);
/* In another thread; if none can be had, in this one. */
void definitions_start(struct definitions *);
/* Waits for its end, if it runs; give_up: which comes soon, pg_dump being stopped. */
void definitions_finish(struct definitions *, bool give_up);

void definitions_free(struct definitions *); /* accepts NULL; gives up what still runs */

#endif
