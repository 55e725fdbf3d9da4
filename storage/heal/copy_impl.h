/*
 * copy_impl.h - shared by the parts of a copy: copy.c (which backups), copy_send.c (one of them)
 * and copy_stored.c (what the destination holds already).
 */
#ifndef STORAGE_HEAL_COPY_IMPL_H
#define STORAGE_HEAL_COPY_IMPL_H

#include "storage/format/chunk.h"
#include "storage/format/chunkindex.h"
#include "storage/heal/copy.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/chain.h"
#include "storage/repo/source.h"
#include "storage/write/batch.h"

/* One copy_run(). */
struct copy {
    struct repo               *from, *to;
    const struct copy_request *request;
    struct repo_source         source;
    struct backup_list         here, there; /* at the source, at the destination */
    bool                      *read;        /* by entry of there: its chunk list was read */
    struct chain               chain;       /* of the destination */
    struct batch               batch; /* trusted: of the destination's chunk lists, what was read
                                         and what we wrote; dry run: copy_trust_stored()'s */
};

/* Sends what the destination lacks and commits; or, as a dry run, counts it. */
int copy_send(struct copy *, const struct label *, struct copy_entry *, struct err *);
int copy_count(struct copy *, const struct label *, struct copy_entry *, struct err *);
/* It is encrypted for keys that the destination has, too: it need not be opened. */
bool copy_goes_as_stored(const struct copy *, const struct label *);
/* Reads the chunk lists of the two backups beside this one at the destination: what they name may
 * be reused. */
int copy_trust_neighbours(struct copy *, const struct label *, struct err *);
/* For a dry run: adds exactly these stored bytes, whatever their name.  False: they were known. */
bool copy_trust_stored(struct copy *, const struct chunk_ref *);

#endif
