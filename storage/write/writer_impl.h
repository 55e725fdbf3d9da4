/*
 * writer_impl.h - shared by the parts of the writer: writer.c (begin, claim, end), writer_run.c
 * (the run mark), writer_reuse.c (what may be reused), writer_io.c (putting chunks), writer_sent.c
 * (is it there?), writer_lock.c (Object Lock) and writer_commit.c.
 */
#ifndef STORAGE_WRITE_WRITER_IMPL_H
#define STORAGE_WRITE_WRITER_IMPL_H

#include <pthread.h>

#include "storage/repo/runmark.h"
#include "storage/write/journal.h"
#include "storage/write/writer.h"

/* A chunk that waits to be put. */
struct writer_item {
    struct chunkbuf    *chunk;
    struct chunk_number number;
    struct writer_item *next;
};

struct writer {
    struct repo        *repo; /* the caller's */
    char               *db;
    char                id[BACKUP_ID_MAX];
    struct run_mark     mark;  /* renewed: under the lock */
    const struct epoch *epoch; /* the repository's; without naming keys if nothing is encoded */
    const struct repo_source *source; /* the caller's, or NULL */
    bool                      adopt;
    time_t                    taken;   /* as in writer_options */
    bool                      replace; /* as in writer_options */
    struct journal           *journal;
    struct chain              own_chain; /* unless the caller has one */
    struct chain             *chain;
    struct batch             *batch;       /* the caller's, or NULL */
    bool                      label_tried; /* it may stand */
    bool                      committed;
    time_t
        lock_until; /* what this backup needs is locked until then, 0: not locked (object_lock.h) */
    size_t     listed; /* chunks of the epoch that were there when the run began */
    pthread_t *threads;
    int        n_threads; /* started */

    pthread_mutex_t     lock;    /* for the following members; never held over storage calls */
    pthread_cond_t      changed; /* a chunk was handed over, or settled; stopping */
    bool                stopping;
    struct writer_item *first, *last; /* the queue; chunkbufs bound its length */
    size_t              busy;         /* chunks in the queue and being put */
    struct err          failed;       /* the first put() that failed */
    struct chunkindex   known;        /* by chunk number */
    struct writer_stats stats;
};

/* Fills known: rules 1 to 4 of "Reuse".  newest (BACKUP_ID_MAX) gets the id of the newest backup,
 * or stays. */
int writer_find_reusable(struct writer *, char *newest, struct err *);
/* Every chunk of this run's epoch that the store lists now. */
typedef void writer_listed_fn(void *ctx, const struct chunk_name *, uint64_t size);
int          writer_list_chunks(struct writer *, writer_listed_fn *, void *ctx, struct err *);
/* Does the store have what it said that it took?  -1: ERR_IO when not, or the error of asking.  Of
 * the chunks: once nothing is on its way. */
int writer_look(struct writer *, const char *key, struct object_info *, struct err *);
int writer_sent_chunks(struct writer *, struct err *);
int writer_sent(struct writer *, const char *key, uint64_t size, struct err *);
int writer_io_start(struct writer *, int threads, struct err *);
/* Waits until no put() is pending; -1 when anything failed. */
int writer_io_drain(struct writer *, struct err *);
/* The queue is still put: the next run of this host will find it. */
void writer_io_stop(struct writer *);
/* This host's clock against the store's, once the run mark stands. */
int writer_check_clock(struct writer *, struct err *);
/* What this backup reuses is locked as long as what it wrote. */
int writer_lock_reused(struct writer *, const struct chunk_number *chunks, size_t n, struct err *);
/* ERR_BUSY when somebody revoked this run. */
int writer_check_revoked(struct writer *, struct err *);

#endif
