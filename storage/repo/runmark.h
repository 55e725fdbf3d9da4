/*
 * runmark.h - <db>/runs/: the runs at work on a database.
 *
 *     <run>           a backup, copy or repair that may put chunks and a label
 *     <run>.prune     a prune
 *     <run>.revoked   declared dead by a prune: a label that it may still put does not count; never
 *                     removed
 *
 * A mark is put before its run reads anything, renewed every ten minutes (the same bytes again: its
 * modified time becomes now), and removed when the label is stored, or when the run gives up before
 * it tries to.
 */
#ifndef STORAGE_REPO_RUNMARK_H
#define STORAGE_REPO_RUNMARK_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "core/buf.h"
#include "core/err.h"
#include "storage/format/label.h"
#include "storage/repo/repo.h"

enum {
    RUN_RENEW_SECONDS = 600,  /* of writers: they are waited for for 72 hours */
    PRUNE_RENEW_SECONDS = 30, /* of prunes */
    /* A prune without a sign of life for so long does not keep others from pruning: */
    PRUNE_DEAD_SECONDS = 4 * PRUNE_RENEW_SECONDS,
    PRUNE_OLD_DEAD_SECONDS = 3 * RUN_RENEW_SECONDS, /* one of an older program */
};

struct run_mark {
    struct repo *repo;              /* the caller's */
    char         run[RUN_MARK_MAX]; /* 16 hex digits, random */
    char        *key;
    struct buf   line;
    double       renew_s; /* how often: stands in the mark, too */
    double       renewed; /* clock_seconds() */
    bool         stored;  /* it may stand */
};

/* Puts the mark of a new run: suffix "" of a writer, ".prune" of a prune.  run_mark_free() in any
 * case. */
int run_mark_begin(struct run_mark *, struct repo *, const char *db, const char *suffix,
                   struct err *);
/* Puts it again if it is due, or at_once.  */
int run_mark_renew(struct run_mark *, bool at_once, struct err *);
/* The same in any case, and from any thread: changes nothing in the struct. */
int run_mark_put(const struct run_mark *, struct err *);
/* ERR_BUSY when a prune has revoked it. */
int run_mark_check(const struct run_mark *, struct err *);
/* Removes it; failure is only a warning: prunes look at the label, too. */
void run_mark_remove(struct run_mark *);
/* Frees memory only: a stored mark stays. */
void run_mark_free(struct run_mark *);

/* A run, as the listing shows it. */
struct run_entry {
    char   run[RUN_MARK_MAX];
    bool   writer, prune; /* its mark exists */
    bool   revoked;
    time_t modified; /* of the mark, by the store's clock */
};

struct run_list {
    struct run_entry *v; /* ascending by run */
    size_t            n, cap;
};

/* Does the mark <run>.revoked, which a listing shows, count?  If a host requires signatures of
 * prunes (trust.h) it must have one: otherwise anybody who may put run marks could revoke every
 * backup.  The run itself stops at any. */
int run_revoked(struct repo *, const char *db, const char *run, bool *revoked, struct err *);

/* Does a prune of which only the mark is known keep others away?  Not when its process, on this
 * machine, has ended; else for as long as it shows signs of life.  now: by the store's clock.  What
 * cannot be read is taken for alive. */
bool prune_works(struct repo *, const char *db, const struct run_entry *, time_t now);

/* Those that count (run_revoked()) are revoked. */
int  run_list_load(struct repo *, const char *db, struct run_list *, struct err *);
void run_list_free(struct run_list *);
/* NULL: there is nothing of that run. */
const struct run_entry *run_list_find(const struct run_list *, const char *run);
/* "<db>/runs/<run><suffix>".  Allocated. */
char *run_key(const char *db, const char *run, const char *suffix);

#endif
