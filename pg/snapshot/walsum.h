/*
 * walsum.h - which blocks of which tables have changed between two snapshots of a server, by its
 * WAL summaries (PostgreSQL 17 and later, summarize_wal = on).
 *
 * The two snapshots may be days apart, and the process that held the first one is gone: it leaves a
 * struct walsum_point.  walsum.c says why nothing can be missed between two of them.  Whatever is
 * in doubt is an error, whose text says what: then everything must be read.
 *
 * All is asked in the snapshot's transaction, which stays usable after an error (but for a lost
 * connection or an interrupt, which its next statement reports).
 */
#ifndef PG_SNAPSHOT_WALSUM_H
#define PG_SNAPSHOT_WALSUM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/crypto/hash.h"
#include "pg/conn/conn.h"

/* Where a snapshot stands in a server's WAL.  LSNs are bytes from 0/0. */
struct walsum_point {
    uint64_t since; /* WAL from here on has all changes that the snapshot does not show; 0: it is
                       not known from where */
    uint64_t since_xid;            /* the first transaction id that was free there */
    uint64_t mark;                 /* WAL before this has all changes that it shows */
    uint8_t  server[SHA256_BYTES]; /* of what must be alike at both snapshots: likeness.h */
};

/* The point of the snapshot that conn holds.  before: an earlier one, or NULL.  May run CHECKPOINT,
 * where the role has the right to.  ERR_NOT_FOUND: this server writes no summaries. */
int walsum_here(PGconn *, const struct walsum_point *before, struct walsum_point *,
                struct err *why);

/* Asked of a table: which groups of width blocks have changed? */
struct walsum_want {
    uint32_t space, node;
    uint64_t width; /* 0: all blocks are one group */
};
/* want: its index; group: its number, from 0; WALSUM_ALL: the file was cut, or made anew. */
enum { WALSUM_ALL = -1 };
typedef void walsum_changed_fn(void *ctx, size_t want, int64_t group);
/* What has changed from one point to another.  Waits some seconds for the summaries to get there.
 * Calls back in the order of want and group, each once. */
int walsum_changed(PGconn *conn, const struct walsum_point *from, const struct walsum_point *to,
                   const struct walsum_want *v, size_t n, walsum_changed_fn *fn, void *ctx,
                   struct err *why);

#endif
