/*
 * load.h - the parallel part: rows, large objects, and indexes as soon as their table is complete.
 *
 * One queue, the largest tables first: so the big table's indexes, which take longest, begin as
 * early as possible, and the small tables fill the gaps.
 */
#ifndef RESTORE_LOAD_LOAD_H
#define RESTORE_LOAD_LOAD_H

#include "core/pool.h"
#include "restore/job/restore.h"

enum task_kind {
    TASK_RANGES,      /* some ranges of a table that several workers load */
    TASK_WHOLE,       /* a table in one transaction of its own: TRUNCATE, COPY … FREEZE */
    TASK_PACK,        /* small tables that share chunks, in one transaction */
    TASK_INDEXES,     /* every early index of a small table */
    TASK_INDEX,       /* one index of a large table */
    TASK_LO_METADATA, /* the large objects themselves; then come their pages */
    TASK_LO_PAGES,
};

/* At most so many tables in one transaction: each is a lock until its end. */
enum { LOAD_PACK_TABLES = 256 };

struct load_task {
    enum task_kind              kind;
    struct table_job           *job;  /* not for packs and large objects */
    struct table_job          **pack; /* owned */
    size_t                      n_pack;
    size_t                      first, n; /* ranges */
    const struct archive_entry *entry;    /* TASK_INDEX */
};

struct load_run {
    struct restore    *r;
    struct pool       *pool;
    int                stage; /* of the tables to be loaded */
    struct load_task **tasks; /* every one ever added, to be freed; guarded by restore.lock */
    size_t             n_tasks, cap_tasks;
};

/* load_queue.c: adds a task to the queue (and to its table's group). */
struct load_task *load_add(struct load_run *, struct load_task, uint64_t priority);

/* load_plan.c: the first tasks. */
void load_plan(struct load_run *);
/* Cuts ranges [0, n) of a table into tasks of about 64 MiB of rows. */
void load_plan_ranges(struct load_run *, enum task_kind, struct table_job *,
                      const struct manifest_table *, uint64_t priority);

/* load_rows.c: each returns 0 when the restore can go on. */
int load_ranges(struct load_run *, struct worker *, const struct load_task *, struct err *);
int load_whole(struct load_run *, struct worker *, const struct load_task *, struct err *);
int load_pack(struct load_run *, struct worker *, const struct load_task *, struct err *);

/* load_copy.c.  The chunks of these ranges are read ahead. */
void load_expect(struct readahead *, const struct manifest_range *, size_t n);
/* The rows of one segment, valid until the next one is asked for; NULL with an error. */
const uint8_t *load_segment(struct readahead *, const struct manifest_segment *, struct err *);
/* One COPY of ranges into the table named by sql. */
int load_copy(struct restore *, struct worker *, const struct manifest_table *, size_t first,
              size_t n, const char *sql, struct err *);
/* What the worker has counted since counted_rows was 0 was rolled back. */
void load_uncount(struct restore *, struct worker *);
/* COPY … FROM STDIN for the table, or for its rows through another (quoted) name.  Allocated. */
char *load_copy_sql(const struct manifest_table *, const char *via, bool freeze);

/* load_index.c */
void load_table_done(struct load_run *,
                     struct table_job *); /* its rows are complete: queues its indexes */
int  load_indexes(struct load_run *, struct worker *, const struct load_task *, struct err *);
int  load_index(struct load_run *, struct worker *, const struct load_task *, struct err *);

/* load_lo.c */
int load_lo_metadata(struct load_run *, struct worker *, const struct load_task *, struct err *);
int load_lo_pages(struct load_run *, struct worker *, const struct load_task *, struct err *);

/* The worker's connection and reader of chunks, made when first needed. */
int worker_ready(struct restore *, struct worker *, struct err *);

#endif
