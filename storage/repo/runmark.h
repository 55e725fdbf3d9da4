/*
 * runmark.h - <db>/runs/: who is at work on a database.
 *
 *     <run>           a backup, copy or repair that may put chunks and a label
 *     <run>.prune     a prune
 *     <run>.revoked   declared dead by a prune: a label that it may still put does not count; never
 *                     removed
 *
 * A mark is put before its run reads anything, renewed every ten minutes (the same bytes again: its
 * modified time becomes now), and goes when the label stands, or when the run gave up before it
 * tried one.
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

/* A prune without a sign of life for so long does not keep others from pruning. */
enum { RUN_RENEW_SECONDS = 600, PRUNE_DEAD_SECONDS = 3 * RUN_RENEW_SECONDS };

struct run_mark {
    struct repo *repo;            /* the caller's */
    char         run[RUN_ID_MAX]; /* 16 hex digits, random */
    char        *key;
    struct buf   line;
    double       renewed; /* clock_seconds() */
    bool         stored;  /* it may stand */
};

/* Puts the mark of a new run: suffix "" of a writer, ".prune" of a prune.  run_mark_free() in any
 * case. */
int run_mark_begin(struct run_mark *, struct repo *, const char *db, const char *suffix,
                   struct err *);
/* Puts it again when it is due, or at once.  */
int run_mark_renew(struct run_mark *, bool at_once, struct err *);
/* The same in any case, and from any thread: changes nothing in the struct. */
int run_mark_put(const struct run_mark *, struct err *);
/* Takes it away; a warning when that fails: prunes look at the label, too. */
void run_mark_remove(struct run_mark *);
/* Only the memory: the mark stays, if it stands. */
void run_mark_free(struct run_mark *);

/* What the listing shows of one run. */
struct run_entry {
    char   run[RUN_ID_MAX];
    bool   writer, prune; /* its mark stands */
    bool   revoked;
    time_t modified; /* of the mark, by the store's clock */
};

struct run_list {
    struct run_entry *v; /* ascending by run */
    size_t            n, cap;
};

/* Does the mark <run>.revoked, which a listing shows, count?  Where a host asks for signatures
 * of prunes (trust.h) it must have one: whoever may put run marks could take every backup away
 * else.  The run itself stops at any. */
int run_revoked(struct repo *, const char *db, const char *run, bool *revoked, struct err *);

/* Those that count (run_revoked()) are revoked. */
int  run_list_load(struct repo *, const char *db, struct run_list *, struct err *);
void run_list_free(struct run_list *);
/* NULL: nothing of that run is there. */
const struct run_entry *run_list_find(const struct run_list *, const char *run);
/* "<db>/runs/<run><suffix>".  Allocated. */
char *run_key(const char *db, const char *run, const char *suffix);

#endif
