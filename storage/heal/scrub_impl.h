/*
 * scrub_impl.h - shared by the parts of the scrub: scrub.c (the round), scrub_read.c (threads that
 * read), scrub_trace.c (what depends on a bad object), scrub_condemn.c (what is condemned and
 * acquitted), scrub_memory.c (how far the last one came).
 */
#ifndef STORAGE_HEAL_SCRUB_IMPL_H
#define STORAGE_HEAL_SCRUB_IMPL_H

#include <pthread.h>

#include "storage/heal/scrub.h"
#include "storage/read/usedchunks.h"

/* A manifest or chunk list that does not match its label. */
struct bad_list {
    char  backup[BACKUP_ID_MAX];
    char *object; /* "manifest.json.zst" */
    char *problem;
};

struct scrub_work {
    const struct scrub_request *request;
    struct condemned            condemned;  /* before this scrub */
    struct chunkindex           acquitted;  /* of these */
    struct strlist              good_lists; /* manifests read well: their keys below <db>/ */
    bool                        all_lists;  /* the chunk list of every backup was read */
    struct bad_list            *bad_lists;
    size_t                      n_bad_lists, cap_bad_lists;
    uint64_t       from, next; /* positions: where it began, and where the next one begins */
    bool           round;      /* next came to from again */
    time_t         started;
    char          *record;        /* the key of what this scrub has remembered so far */
    struct strlist records;       /* of former scrubs, oldest first */
    size_t         n_superfluous; /* of these, from the oldest */
    size_t         settled;       /* of s->bad: already confirmed and condemned */

    pthread_mutex_t lock; /* while threads read: for s->bad, s->bad_names and what is below */
    struct chunkindex_entry **item;
    size_t                    n_items;     /* in the order of the ring; used: read */
    uint64_t                  slice_first; /* the place of the slice they belong to */
};

/* Reads the items; *done: how many from the beginning of the order are read. */
int scrub_read(struct scrub *, size_t *done, struct err *);

/* From s->bad[from] on: finds the backups that name them (rereading their lists, as a prune may
 * have been at work), and drops those that none names any more. */
int scrub_confirm(struct scrub *, size_t from, struct err *);
/* Condemns bad objects that are not yet condemned; strikes acquitted ones. */
int scrub_condemn(struct scrub *, struct err *);
/* Fills in tables. */
int scrub_trace(struct scrub *, struct err *);

/* Fills in w->from, w->records and s->since from the repository. */
int scrub_recall(struct scrub *, struct err *);
/* Records w->from to next; removes superfluous records.  A store that cannot be written is only a
 * warning. */
void scrub_remember(struct scrub *, uint64_t next);

#endif
