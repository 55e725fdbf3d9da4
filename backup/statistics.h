/*
 * statistics.h - what the planner knows of the tables (pg/snapshot/statistics.h), into chunks.
 *
 * Of whole backups only: a part may lack rows that statistics tell of.  Many tables share a chunk;
 * where one begins depends on the tables, so that a table that was analyzed since changes few
 * chunks.
 */
#ifndef BACKUP_STATISTICS_H
#define BACKUP_STATISTICS_H

#include "backup/job.h"

/* Tables whose statistics are stored, in the order of their bytes. */
struct statistics_member {
    size_t              table; /* of the manifest */
    struct chunk_number chunk;
    uint64_t            offset, length;
};

struct statistics {
    struct statistics_member *v;
    size_t                    n, cap;
};

/* Reads and stores them, in the snapshot, once the manifest has its tables and before rows are
 * read: as the first worker of these.  A failure of the server's leaves them out. */
int statistics_take(struct job *, struct statistics *, struct err *);
/* Into the manifest, once it has the definitions. */
void statistics_record(const struct statistics *, struct manifest *);
void statistics_free(struct statistics *);

#endif
