/*
 * narrow_impl.h - shared by narrow*.c; private to them.
 */
#ifndef RESTORE_PART_NARROW_IMPL_H
#define RESTORE_PART_NARROW_IMPL_H

#include <pthread.h>

#include "pg/rows/row_set.h"
#include "pg/rows/scan.h"
#include "restore/part/narrow.h"

#define RANGE_BYTES_MAX (96 * MIB) /* of one range, on each side; a usual one has 16 */

enum side { BACKUP, LIVE };

/* What is read: all that are stored; of the live table by key only the key's. */
struct columns {
    const char **v;
    size_t       n;
};

/* A table that holds rows: of the backup, of the live database, mostly of both. */
struct leaf {
    const struct manifest_table *table; /* NULL: the backup does not have it */
    struct scan_table            scan;
    struct columns               columns[2];
    size_t                      *places; /* of the live ones among those of the backup */
    char                        *schema, *name;
};

/* One task: a block range, or a whole leaf. */
struct piece {
    const struct leaf           *leaf;
    const struct manifest_range *range; /* NULL: no row of the backup was there */
};

struct batch {
    const struct leaf *leaf;
    enum side          side;
    struct buf         rows;
    uint64_t           n;
};

struct lane { /* of one worker */
    struct row_set      rows[2];
    struct readahead   *chunks;
    const struct piece *piece;
};

struct narrow {
    struct restore          *r;
    PGconn                  *conn;
    const struct live_table *t;
    const char              *stage[2];
    bool                     by_key;
    struct leaf             *leaves;
    size_t                   n_leaves;
    struct piece            *pieces; /* one a task of the plan */
    size_t                   cap_pieces;
    struct scan_plan         plan;
    struct lane             *lanes; /* one a worker, and the coordinator's */
    bool                     busy;  /* the coordinator's connection is read from */
    pthread_mutex_t          lock;  /* guards what follows */
    struct batch            *batches;
    size_t                   n_batches, cap_batches;
    uint64_t                 waiting, left; /* bytes: in batches, in all */
    size_t                   differing;     /* pieces */
    bool                     gave_up, unread;
};

/* narrow_plan.c: the leaves that hold the live rows, and the plan.  *possible false: they cannot be
 * read leaf by leaf, or not by ranges. */
int narrow_plan(struct narrow *, bool *possible, struct err *);

/* narrow_left.c: a row that is left.  An error sets gave_up if it is too much. */
int narrow_keep(struct narrow *, const struct leaf *, enum side, const void *row, size_t size,
                struct err *);
int narrow_give_up(struct narrow *, struct err *); /* -1 */
/* Puts what was kept into the temporary tables: only by the thread that the connection belongs
 * to. */
int  narrow_write(struct narrow *, struct err *);
void narrow_left_free(struct narrow *);

#endif
