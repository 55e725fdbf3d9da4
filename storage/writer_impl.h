/*
 * writer_impl.h - what the parts of the writer share: writer.c (the run), writer_reuse.c (what may be
 * reused), writer_io.c (putting chunks) and writer_commit.c.
 */
#ifndef STORAGE_WRITER_IMPL_H
#define STORAGE_WRITER_IMPL_H

#include <pthread.h>

#include "storage/journal.h"
#include "storage/known.h"
#include "storage/writer.h"

/* What one thread needs to store chunks: it compresses into one buffer while its I/O thread puts the other. */
struct writer_worker {
    struct codec     *codec;
    struct buf        stored[2];
    int               turn;              /* the buffer to compress into */
    struct writer    *writer;
    pthread_t         thread;
    bool              started;
    /* Under the writer's lock: */
    const struct buf *sending;           /* NULL: nothing is on its way */
    size_t            index;             /* of what is, in known */
};

struct writer {
    struct repo          *repo;            /* the caller's */
    char                 *db;
    struct codec_spec     codec;
    char                  id[BACKUP_ID_MAX];
    char                  run[RUN_ID_MAX];
    struct buf            mark;            /* the run mark's bytes, to renew it */
    char                 *mark_key;
    bool                  marked;          /* the run mark was stored */
    struct writer_worker *workers;
    int                   n_workers;
    struct journal       *journal;
    bool                  label_tried;     /* it may stand */

    pthread_mutex_t       lock;            /* for what follows; never held over storage calls */
    pthread_cond_t        changed;         /* a chunk was handed over, or settled */
    bool                  stopping;
    struct err            failed;          /* the first put() that failed */
    struct known_set      known;
    struct writer_stats   stats;
    double                renewed;         /* clock_seconds() */
};

/* Fills known: rules 1 to 4 of "Reuse".  newest (BACKUP_ID_MAX) gets the id of the newest backup, or stays. */
int writer_find_reusable(struct writer *, char *newest, struct err *);
/* One thread a worker. */
int  writer_io_start(struct writer *, struct err *);
/* Hands over what stands in the worker's buffer, waiting for the one before it.  The entry at index becomes *k, and
 * later KNOWN_WRITTEN or KNOWN_FAILED.  -1 when an earlier put() of any worker failed. */
int  writer_io_send(struct writer *, struct writer_worker *, size_t index, const struct known *k, struct err *);
/* Until nothing is on its way; -1 when anything failed. */
int  writer_io_drain(struct writer *, struct err *);
void writer_io_stop(struct writer *);
/* ERR_BUSY when somebody revoked this run. */
int writer_check_revoked(struct writer *, struct err *);

#endif
