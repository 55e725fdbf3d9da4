/*
 * snapshot.h - the coordinator: one consistent view of a database, held for the whole backup.
 *
 * snapshot_take(): list, LOCK … IN ACCESS SHARE MODE under a timeout, take and export the snapshot,
 * list again in it, compare; run pg_dump --schema-only -Fc on it at once; directly after it check
 * that no DDL that locks do not stop happened in between (start over, three times at most, then a
 * warning with names).  Globals, which have no snapshot, come after pg_dump.  All this is done by a
 * thread of its own; meanwhile the coordinator reads columns, sizes and sequences, and the caller
 * rows, if it wants to.  When the lock table is too small, one follows the other: export, pg_dump,
 * check, LOCK, check, and only then rows.  Of a database that nobody else uses (unshared):
 * snapshot, list; pg_dump beside all that follows.
 */
#ifndef PG_SNAPSHOT_SNAPSHOT_H
#define PG_SNAPSHOT_SNAPSHOT_H

#include <stdatomic.h>
#include <time.h>

#include "core/buf.h"
#include "core/mem.h"
#include "pg/snapshot/catalog.h"

struct snapshot;

struct snapshot_options {
    const struct pg_target *target;
    int                     lock_timeout_ms; /* per attempt, for all tables; default 10000 */
    /* Decides what is in the selection: NULL is everything.  Called for each table; false: no
     * lock, no data. */
    bool (*wants)(void *ctx, const struct cat_table *);
    void *ctx;
    /* Nothing is locked and pg_dump is not run: catalog and sequences alone, for a quick look.  A
     * table may then be gone before it is read. */
    bool no_definitions;
    /* Nobody else changes anything there: nothing is locked, and pg_dump runs beside what follows,
     * until snapshot_definitions(); so meanwhile() and defined() are not called. */
    bool unshared;
    bool rough_sizes; /* see catalog_read(): for who only asks whether a table is large */
    /* Each of these two may be called again, after another snapshot was taken: what came of the
     * former call is void then.  If one fails, so does snapshot_take(), without a further try.
     *
     * meanwhile(): while pg_dump may still be running, for what needs no definitions, such as rows.
     * All of the snapshot is there but archive, globals and warnings.  When snapshot_in_vain(), it
     * should end, whatever it returns.
     *
     * defined(): archive and globals are there, and are good.  In another thread than meanwhile(),
     * perhaps at the same time: it uses neither the snapshot's connection nor its sequences. */
    int (*meanwhile)(void *work, struct snapshot *, struct err *);
    int (*defined)(void *work, struct snapshot *, struct err *);
    void *work;
    const char *const
        *dump_args; /* more options for pg_dump (-t, -n …), NULL-terminated, or NULL */
};

struct definitions;

struct snapshot {
    PGconn                *conn;  /* the coordinator, in its exporting transaction */
    char                  *id;    /* for SET TRANSACTION SNAPSHOT */
    time_t                 taken; /* when it was exported, by this host's clock */
    struct catalog         catalog;
    struct buf             archive; /* pg_dump -Fc -Z0 schema archive; ceiling 2 GiB */
    char                  *pg_dump_version;
    struct definitions    *definitions;  /* being made, or made; NULL: none */
    struct buf             globals_sql;  /* pg_dumpall --globals-only */
    json_t                *globals_data; /* the same as data: roles, memberships, tablespaces */
    bool                   globals, passwords;
    struct sequence_state *sequences;
    size_t                 n_sequences;
    struct strlist         warnings;
    atomic_bool            in_vain;
};

/* Fills in *s, whatever it held before.  On failure *s is as after snapshot_end(). */
int snapshot_take(const struct snapshot_options *, struct snapshot *, struct err *);
/* Waits for pg_dump: archive is there.  -1: it failed. */
int snapshot_definitions(struct snapshot *, struct err *);
/* Whether it is known already that another snapshot must be taken, or none: from any thread. */
bool snapshot_in_vain(const struct snapshot *);
/* A worker's connection; each task is one transaction on the snapshot: snapshot_begin(), COPY …,
 * COMMIT. */
PGconn *snapshot_worker(const struct snapshot_options *, const struct snapshot *, struct err *);
int     snapshot_begin(PGconn *worker, const struct snapshot *, struct err *);
/* Every 30 s: checks whether the coordinator is still there. */
int snapshot_ping(struct snapshot *, struct err *);
/* True when an error means that the snapshot itself is gone (a recovery conflict on a standby,
 * the coordinator's end): then everything read so far is void, and a new snapshot may succeed.
 * Adds the hint that names the settings. */
bool snapshot_lost(const struct snapshot *, struct err *);
void snapshot_end(struct snapshot *); /* accepts a zeroed one */

#endif
