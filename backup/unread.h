/*
 * unread.h - what need not be read: tasks of a scan whose blocks have not changed since the last
 * backup of this host, by the server's WAL summaries (pg/snapshot/walsum.h) or, where there are
 * none, by the versions of their rows (pg/snapshot/rowver.h).
 *
 * Each backup keeps on its host (backup/delta/kept.h), beside the marks of its rows, what came of
 * each task: rows, fingerprints, and where in which buffers they lie; and where its snapshot stands
 * in the server's WAL, or among its transactions.  A task of the next one takes this over, and is
 * not read, when
 *
 *   - it is the same task: the same tables, block ranges, columns, files and format (facts of
 *     likeness_tables() and the COPY statement);
 *   - all of its tables are read in binary and without a condition: then their types are built in
 *     or enums, and rows mean the same wherever they are read;
 *   - no block of it has changed (summaries); or it is a range or the whole of a table of a
 *     megabyte or more, with as many rows as then, none of them newer (versions);
 *   - all chunks that its rows lie in may be used again, in each repository (deltas_again()).
 *
 * Whatever is in doubt is read.  Each n-th backup reads everything, and compares: rows that differ
 * where none should have changed are an alarm; from then on nothing is taken over until what is
 * kept is removed.
 */
#ifndef BACKUP_UNREAD_H
#define BACKUP_UNREAD_H

#include "backup/engine.h"

struct unread;

struct unread_options {
    struct snapshot               *snapshot;
    const struct snapshot_options *taken; /* as it was taken */
    int                            jobs;
    struct scan_table             *tables; /* of the plan, */
    size_t                         n;
    struct scan_plan              *plan;
    struct engine                 *engine;
    struct deltas                 *deltas;
    bool                           read_all;
    int every; /* each n-th backup reads all; 1: all do, and nothing is kept */
};

/* What says that something has not changed; kept on the host: numbers stay. */
enum unread_source { UNREAD_BY_NOTHING, UNREAD_BY_SUMMARIES, UNREAD_BY_VERSIONS };
const char *unread_source(enum unread_source); /* "the server's WAL summaries" */

/* What was not read. */
struct unread_sums {
    uint64_t           tables;  /* not a row of them */
    uint64_t           ranges;  /* tables count as one, if they have none */
    uint64_t           bytes;   /* of rows */
    struct strlist     differs; /* tables that have changed though they should not have */
    enum unread_source by;
};
void unread_sums_free(struct unread_sums *);

/* Between engine_new() and scan_run(): sets scan_task.known. */
struct unread *unread_find(const struct unread_options *);
/* After engine_settle(): compares, and notes it all for the next backup. */
void unread_keep(struct unread *, struct unread_sums *);
void unread_free(struct unread *); /* accepts NULL */

#endif
