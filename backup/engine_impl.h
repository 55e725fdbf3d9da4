/*
 * engine_impl.h - what the files of engine.h share: the results of tasks.
 */
#ifndef BACKUP_ENGINE_IMPL_H
#define BACKUP_ENGINE_IMPL_H

#include <stdlib.h>

#include "backup/engine.h"
#include "backup/packer.h"

/* Bytes in one of the buffers that a task fills, one after another: each becomes a chunk. */
struct piece {
    uint32_t buffer, unused; /* which, from 0 */
    uint64_t offset, length;
};

/* One COPY of a task. */
struct copied {
    struct manifest_table *table;
    enum copy_format       format;
    uint64_t               first_block, rows;
    struct fingerprint     fp, generated;
    struct piece          *pieces;
    size_t                 n, cap;
};

/* The results of a task. */
struct result {
    size_t        *buffers; /* the packer's tickets */
    size_t         n_buffers, cap_buffers;
    struct copied *copies;
    size_t         n_copies, cap_copies;
};

struct lane {
    struct parcel          *parcel; /* the current buffer; NULL before its first row */
    const struct scan_task *task;
    struct result          *result; /* of the task */
};

/* No locks: only one worker at a time has a task, its result and the lane. */
struct engine {
    struct manifest        *m;
    struct fanout          *f;
    struct deltas          *deltas;
    struct packer          *packer;
    const struct scan_plan *plan;
    struct result          *results; /* one a task */
    struct lane            *lanes;
    int                     n_lanes;
};

void engine_result_clear(struct result *);

#endif
