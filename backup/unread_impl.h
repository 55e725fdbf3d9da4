/* unread_impl.h - what unread.c and unread_versions.c share. */
#ifndef BACKUP_UNREAD_IMPL_H
#define BACKUP_UNREAD_IMPL_H

#include "backup/unread.h"
#include "pg/snapshot/rowver.h"
#include "pg/snapshot/walsum.h"

/* What is kept of the backup as a whole. */
struct standing {
    struct walsum_point point;
    uint32_t            since_all;  /* backups since the last one that read everything */
    uint32_t            distrusted; /* the enum unread_source that was wrong */
};

/* What is kept of a table whose row versions may be looked at. */
struct counted {
    uint32_t oid;
    uint32_t wait;    /* so many backups do not look at it, if much of it has changed */
    uint64_t changes; /* that the server had counted when it was read */
};
struct counts {
    struct counted *v;
    size_t          n, cap;
};

struct unread {
    struct unread_options o;
    struct standing       was, now;
    struct rowver_point   was_versions, now_versions; /* xmin 0: there is none */
    struct counts         was_counts, now_counts;     /* in the order of the plan */
    bool                  compares; /* what could have been taken over is read, and compared */
    uint64_t             *marks;    /* of the tables: 0: more than its blocks; is always read */
    struct buf           *notes;    /* of the tasks: of the last backup; empty: none that fits */
    struct unread_sums    sums;
};

/* ---- by row versions (unread_versions.c) ---- */

/* Is it worth a look?  Small ones are soon read. */
bool unread_versions_want(const struct scan_table *);
void unread_versions_load(struct unread *);
/* The point of this backup, and what the server has counted; nothing where no table is worth it,
 * or during recovery. */
int unread_versions_begin(struct unread *, struct err *why);
/* The notes of ranges that may have changed since the last backup go. */
int  unread_versions_drop(struct unread *, struct err *why);
int  unread_versions_leave(struct unread *, struct err *why);
void unread_versions_note(struct unread *);

#endif
