/*
 * undelete_impl.h - shared by undelete.c and undelete_text.c; private to them.
 */
#ifndef RESTORE_PART_UNDELETE_IMPL_H
#define RESTORE_PART_UNDELETE_IMPL_H

#include "restore/part/live_tables.h"
#include "restore/part/undelete.h"

/* The findings about one table, and what was done. */
struct found {
    const struct live_table *t;
    char                     stage[48], live[48], diff[48]; /* temporary tables */
    bool                     narrow;                        /* perhaps: narrow.h */
    bool                     only_keys;                     /* changed rows are not looked for */
    bool                     narrowed, staged;              /* what has been filled */
    uint64_t                 deleted, changed, added;
    uint64_t                 inserted, updated, kept;
    PGresult                *shown;
};

struct undelete {
    struct restore    *r;
    PGconn            *conn;
    struct live_tables tables;
    struct found      *v; /* one a table, in their order */
};

/* Prints it, and sets restore.differences. */
void undelete_tell(const struct undelete *);

#endif
