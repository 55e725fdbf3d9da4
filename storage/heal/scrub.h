/*
 * scrub.h - rereading what is stored, a part of it each night.
 *
 * A scrub goes round the ring of usedchunks.h: it begins where the last one of this database ended,
 * on any host, so it first reads what was read the longest ago, and new objects wait for at most
 * one round.  Its progress is recorded in <db>/scrubs/<time>-<random>.json; if that is lost a new
 * round begins.  Concurrent scrubs read the same twice, which is harmless.
 *
 * An object that is bad or missing at two readings (the second from the medium, over a new
 * connection) is condemned, so that the next backup stores its contents again; one that was
 * condemned and reads well again is acquitted.  Only lists of condemned objects and records of
 * former scrubs are ever removed.
 */
#ifndef STORAGE_HEAL_SCRUB_H
#define STORAGE_HEAL_SCRUB_H

#include "storage/repo/backuplist.h"
#include "storage/repo/condemned.h"

struct scrub_request {
    uint64_t span;      /* this much of the ring (usedchunks.h); UINT64_MAX: all of it */
    uint64_t max_bytes; /* of chunks, as stored; one chunk more may be read.  0: no limit */
    double   deadline;  /* start no chunk after this clock_seconds(); 0: none */
    int      jobs;      /* threads that read and hash */
    bool     quiet;     /* no progress line */
};

enum scrub_end { SCRUB_COMPLETE, SCRUB_SHARE, SCRUB_BYTES, SCRUB_TIME, SCRUB_INTERRUPTED };

struct bad_object {
    bool           missing;
    bool           spare;  /* no backup names it: a duplicate of a bad one */
    bool           healed; /* there is a good object with the same content */
    char          *problem;
    struct strlist backups; /* that refer to it */
    struct strlist tables;  /* whose bytes it holds (chunkusers.h), in any of them */
};

struct scrub {
    struct repo       *repo; /* the caller's, as is db */
    const char        *db;
    struct backup_list backups;        /* after scrub_run(): judged (damage.h) */
    struct strlist     missing;        /* missing backups, a sentence each (missing.h) */
    uint64_t           objects, bytes; /* chunks read, as stored */
    struct chunkindex  bad_names;
    struct bad_object *bad;
    size_t             cap_bad; /* as many as bad_names, by its index */
    size_t             condemned,
        condemned_chunks; /* newly: chunks, chunk lists, manifests; of these, chunks */
    size_t acquitted;     /* struck from the lists: good again, or gone and not needed any more */
    enum scrub_end     end;
    time_t             since; /* all that was stored then has been read since; 0: not yet */
    struct scrub_work *work;  /* while it runs */
};

/* Zero-initialise s, set repo and db.  0: s has the findings, also when it was interrupted
 * (SCRUB_INTERRUPTED).  -1: it could not go on; what was found until then is recorded if
 * possible. */
int scrub_run(struct scrub *, const struct scrub_request *, struct err *);
/* Reads the backups again and judges them: after a repair. */
int scrub_judge(struct scrub *, struct err *);
/* No backup is damaged. */
bool        scrub_good(const struct scrub *);
void        scrub_free(struct scrub *);
const char *scrub_end_text(
    enum scrub_end); /* "complete", "share", "bytes", "time", "interrupted" */

/* When this database was last scrubbed, as text that sorts by time; "" when never.  Allocated;
 * NULL on error. */
char *scrub_last(struct repo *, const char *db, struct err *);
/* The share, 0 to 1, of what is stored that scrubs begun at or after since have read; *last: when
 * the newest of all began, 0 when there was none.  No chunk is read. */
int scrub_share_since(struct repo *, const char *db, time_t since, double *share, time_t *last,
                      struct err *);

#endif
