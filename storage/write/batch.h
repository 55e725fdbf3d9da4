/*
 * batch.h - what several backups of one run share, which are written one after the other into one
 * database of a repository: the contents that may be reused, and one listing of its chunks an epoch
 * in place of one for each backup (WB of docs/prune-protocol.md).
 *
 * The listing was made long before the last of them begins.  It is good for as long as nothing that
 * it shows can have been removed unnoticed, and the batch's own run mark sees to that: it stands
 * before the first backup reads the trash lists, so every list that is put later waits for it.  No
 * backup has this run, since its label would end the wait.  What an earlier list named is known
 * from the first reading; what a later one names, each backup reads again, under its own mark.
 *
 *     batch_begin()            the mark; not for a single backup: it lists for itself
 *     writer_options.batch     for each backup
 *     batch_end()              removes the mark
 *
 * One thread.  trusted grows: callers add what chunk lists name before the first backup, a writer
 * what it has committed.
 */
#ifndef STORAGE_WRITE_BATCH_H
#define STORAGE_WRITE_BATCH_H

#include "storage/format/chunkindex.h"
#include "storage/repo/runmark.h"

/* Chunks of this epoch were listed. */
struct batch_listing {
    unsigned epoch;
    size_t   chunks; /* so many are there */
};

struct batch {
    struct run_mark       hold;    /* zeros: nothing is shared but trusted */
    struct chunkindex     trusted; /* of listed epochs only CHUNKINDEX_REUSABLE may be reused */
    struct batch_listing *listed;
    size_t                n_listed, cap_listed;
};

int  batch_begin(struct batch *, struct repo *, const char *db, struct err *);
void batch_tick(struct batch *); /* renews the mark when it is due */
void batch_end(struct batch *);  /* in any case */

/* ---- for writers ---- */

/* NULL: this epoch must be listed. */
const struct batch_listing *batch_listing(const struct batch *, unsigned epoch);
/* ERR_BUSY when a prune has revoked the batch's run: what was listed may be gone. */
int batch_check(const struct batch *, struct err *);
/* What a writer knows when it has listed its epoch. */
void batch_learn(struct batch *, const struct chunkindex *known, const struct batch_listing *);
/* It has committed: what its backup refers to is there. */
void batch_keep(struct batch *, const struct chunkindex *known, const struct batch_listing *);
/* It stored chunks and failed: the next one lists, to find these. */
void batch_list_anew(struct batch *);

#endif
