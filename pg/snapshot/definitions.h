/*
 * definitions.h - the definitions of what is held in a snapshot, in a thread of their own.
 *
 * pg_dump, then the check that nothing it dumped has changed meanwhile (ddlcheck.h), then globals,
 * and owners and grantees that are not among them; last snapshot_options.defined().  Uses no
 * session but pg_dump's and `now`: the coordinator's is the caller's meanwhile.
 */
#ifndef PG_SNAPSHOT_DEFINITIONS_H
#define PG_SNAPSHOT_DEFINITIONS_H

#include <pthread.h>
#include <stdatomic.h>

#include "pg/snapshot/dump.h"

struct definitions {
    const struct snapshot_options *o;
    struct snapshot *s;    /* its archive, globals and warnings are the thread's while it runs */
    PGconn          *now;  /* READ COMMITTED, no transaction open */
    bool             last; /* what has changed is no reason to start over */
    /* Results: */
    int            rc;
    struct err     err;
    struct strlist moved;
    bool           refused; /* rc and err are those of defined() */
    /* Within definitions.c: */
    struct schema_dump dump;
    pthread_t          thread;
    atomic_bool        stop;
};

/* What pg_dump needs to know of the coordinator's session.  To be followed by definitions_free(),
 * whatever it returns. */
int  definitions_prepare(struct definitions *, struct err *);
void definitions_free(struct definitions *);

/* In the calling thread. */
void definitions_make(struct definitions *);
/* In another thread.  As soon as the snapshot is known to be of no use, s->in_vain is true. */
int definitions_start(struct definitions *, struct err *);
/* Waits for its end; give_up: which comes soon, pg_dump being stopped. */
void definitions_finish(struct definitions *, bool give_up);

#endif
