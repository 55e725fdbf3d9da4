/*
 * writer_impl.h - what the parts of the writer share: writer.c (the run), writer_reuse.c (what may be
 * reused) and writer_commit.c.
 */
#ifndef STORAGE_WRITER_IMPL_H
#define STORAGE_WRITER_IMPL_H

#include <pthread.h>

#include "storage/journal.h"
#include "storage/known.h"
#include "storage/writer.h"

/* What one thread needs to store a chunk. */
struct writer_worker {
    struct codec *codec;
    struct buf    stored;
};

struct writer {
    struct repo          *repo;            /* the caller's */
    char                 *db;
    struct codec_spec     codec;
    char                  id[BACKUP_ID_MAX];
    char                  run[RUN_ID_MAX];
    struct buf            mark;            /* the run mark's bytes, to renew it */
    char                 *mark_key;
    struct writer_worker *workers;
    int                   n_workers;
    struct journal       *journal;
    bool                  label_tried;     /* it may stand */

    pthread_mutex_t       lock;            /* for what follows; never held over storage calls */
    pthread_cond_t        settled;         /* an entry left KNOWN_WRITING */
    struct known_set      known;
    struct writer_stats   stats;
    double                renewed;         /* clock_seconds() */
};

/* Fills known: rules 1 to 4 of "Reuse".  newest (BACKUP_ID_MAX) gets the id of the newest backup, or stays. */
int writer_find_reusable(struct writer *, char *newest, struct err *);
/* ERR_BUSY when somebody revoked this run. */
int writer_check_revoked(struct writer *, struct err *);

#endif
