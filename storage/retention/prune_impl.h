/*
 * prune_impl.h - shared by the parts of prune.h.  prune.c: the order of things; prune_clock.c:
 * clock, mark, other runs; prune_refs.c: what labels need; prune_unlabelled.c:
 * directories without one; prune_expire.c: labels that expire and the rest of their directories;
 * prune_trash.c: trash lists; prune_runs.c: the runs that these wait for; prune_chunks.c: the
 * listing of chunks against all these.  P0 to P8 are the steps of docs/prune-protocol.md.
 */
#ifndef STORAGE_RETENTION_PRUNE_IMPL_H
#define STORAGE_RETENTION_PRUNE_IMPL_H

#include "storage/format/chunkindex.h"
#include "storage/format/chunkspool.h"
#include "storage/repo/runmark.h"
#include "storage/retention/prune.h"

/* Seconds between this host's clock and the store's, and that a label may be ahead of the store's.
 * Less than elsewhere (CLOCK_OFF_MAX): ages decide what is removed. */
enum { PRUNE_CLOCK_OFF_MAX = 300 };

/* One trash list. */
struct trash {
    char                 *name;     /* below <db>/trash/ */
    time_t                written;  /* by the store's clock */
    bool                  ours;     /* written by this run */
    bool                  has_runs; /* R(t) is stored */
    struct strlist        runs;     /* R(t): the last one read; any will do */
    struct strlist        run_keys; /* the objects that hold it */
    enum prune_list_state state;    /* PRUNE_SWEPT: may be swept (P5), later: was swept */
    char                 *why;      /* when it waits */
};

struct trash_list {
    struct trash *v; /* ascending by name */
    size_t        n, cap;
};

struct prune {
    struct repo                *repo;
    const struct prune_request *req;
    struct prune_result        *out;
    char                       *enc; /* the database's name in keys */
    struct run_mark             mark;
    double                      began;   /* clock_seconds() when the store's clock was out->now */
    bool                        changed; /* something was removed */

    struct backup_list      backups;   /* as first listed */
    struct strlist          gone;      /* ids that expire, sorted */
    struct chunkspool_union refs;      /* what the others need, with sizes */
    struct strlist          abandoned; /* ids without a label that may be removed, sorted */
    struct strlist          counted;   /* "<backup>.<run>" whose lists are in refs, sorted */
    struct strlist
        leftovers; /* P8: objects of backups without a label, seen before the runs were listed */
    struct trash_list       trash;
    struct chunkspool_union trashed;    /* the names in all of them */
    struct chunkspool_union ready;      /* ... in those that may be swept */
    struct strlist          stray_runs; /* R(t) of lists that are gone */
    struct chunkindex       condemned;
    struct run_list         runs;  /* as last listed */
    struct strlist          ended; /* runs whose label was seen, sorted */
};

/* By the store's clock. */
time_t prune_now(const struct prune *);
/* Waits until no listing can be older than now: more than 2Δ.  Does nothing on a store whose
 * listings are always current. */
int prune_wait(struct prune *, struct err *);
/* Called now and then: renews the run mark, and checks for SIGINT. */
int prune_tick(struct prune *, struct err *);
/* A mark without a label or .revoked: the run may still put a label. */
bool prune_live(const struct prune *, const struct run_entry *);

/* ---- prune_refs.c ---- */

/* Calls decide() on the listed backups and reads what all the others need.  Any doubt is an
 * error. */
int prune_read_labels(struct prune *, struct err *);
/* P6: the labels again; adds what new ones need. */
int prune_read_new_labels(struct prune *, struct err *);

/* ---- prune_unlabelled.c ---- */

/* All labels, by a listing that does not lag; ERR_CORRUPT when they are all gone. */
int prune_list_labels(struct prune *, struct err *);
/* Which directories without a label may be removed (abandoned), which stay with what they need,
 * and which stop the run. */
int prune_judge_unlabelled(struct prune *, struct err *);
/* Checked just before something is removed; in doubt the label counts as there. */
bool prune_label_stands(struct prune *, const char *id, struct err *);

/* ---- prune_expire.c ---- */

int prune_expire(struct prune *, struct err *);           /* P1 */
int prune_find_leftovers(struct prune *, struct err *);   /* P2 */
int prune_remove_leftovers(struct prune *, struct err *); /* P8 */
/* Removes obsolete marks: of runs that have a label or are revoked, and of dead prunes. */
int prune_tidy_marks(struct prune *, struct err *);

/* ---- prune_trash.c ---- */

int prune_read_trash(struct prune *, struct err *);
/* Once more before anything is removed: what a scrub condemned meanwhile protects what a repair
 * stored meanwhile. */
int prune_read_condemned(struct prune *, struct err *);
/* P3: names (rewound) in lists of bounded size. */
int prune_write_trash(struct prune *, struct chunkspool *names, struct err *);
/* The names in the lists that may be swept, in p->ready. */
int prune_read_ready(struct prune *, struct err *);
/* End of P7: a list with a name in kept (rewound for each) stays; the others are removed. */
int  prune_forget_trash(struct prune *, struct chunkspool *kept, struct err *);
void trash_list_free(struct trash_list *);

/* ---- prune_runs.c ---- */

int prune_store_runs(struct prune *, struct err *);  /* P4 */
int prune_judge_trash(struct prune *, struct err *); /* P5, with what may be revoked */

/* ---- prune_chunks.c ---- */

/* P0: before a backup expires, the chunks must have been listed once, whole. */
int prune_try_listing(struct prune *, struct err *);
int prune_find_garbage(struct prune *, struct chunkspool *garbage, struct err *); /* P2 */
/* P7: removes what may be removed of p->ready; kept gets the others that are still stored. */
int prune_sweep(struct prune *, struct chunkspool *kept, struct err *);

#endif
