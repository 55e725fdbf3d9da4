/*
 * engine.h - rows in, chunks out: the sink between scan (pg/) and fanout (storage/).
 *
 * Each worker has a lane: a buffer of at most CHUNK_RAW_MAX bytes that rows are appended to.  It
 * becomes a chunk (packer.h) when it is full and at the end of each task (a block range of a big
 * table, or a pack of small ones), never later, so that a change in one range does not shift later
 * ones.  A task's chunks are kept with the task and reach the manifest when all are done: a task
 * that is tried again starts from nothing, and the manifest does not depend on the order in which
 * tasks end.
 */
#ifndef BACKUP_ENGINE_H
#define BACKUP_ENGINE_H

#include "backup/delta/delta.h"
#include "pg/rows/scan.h"
#include "storage/format/manifest.h"
#include "storage/write/fanout.h"

struct engine;

/* Lanes for jobs workers and for the thread that calls scan_run() (the fanout must have been opened
 * for as many). */
struct engine *engine_new(struct manifest *, struct fanout *, struct deltas *,
                          const struct scan_plan *, int jobs);
void           engine_free(struct engine *); /* accepts NULL */

/* For scan_run(), with the engine as ctx.  scan_table.user is the struct manifest_table that the
 * rows belong to. */
extern const struct scan_sink engine_sink;

/* After scan_run(): waits until everything is stored.  ERR_CORRUPT unless each planned COPY was
 * read. */
int engine_settle(struct engine *, struct err *);
/* Then: everything into the manifest. */
int engine_record(struct engine *, struct err *);

/* What was read of a task, for the next backup, as bytes that this host alone reads: marks[i] is
 * noted of its COPY i.  Between engine_settle() and engine_record(). */
void engine_note(struct engine *, const struct scan_task *, const uint64_t *marks, struct buf *);
/* Is that a note of such a task, with these marks? */
bool     engine_noted(const struct scan_task *, const uint64_t *marks, const struct buf *note);
uint64_t engine_noted_rows(const struct buf *note); /* of such a note */
/* The task is not read: its rows are those of its note.  False: what the note names cannot be used.
 * Before scan_run(), which must pass over it.  *bytes: of its rows. */
bool engine_reuse(struct engine *, const struct scan_task *, const struct buf *note,
                  uint64_t *bytes);
/* The first COPY of the task whose rows are others than in the note, after engine_settle(); NULL:
 * they are the same. */
const struct scan_item *engine_differs(struct engine *, const struct scan_task *,
                                       const struct buf *note);

/* Stores bytes other than rows (the archive, the globals) as chunks of their own; the segments
 * are appended.  worker: as for fanout_put(). */
int chunks_put(struct fanout *, int                worker, struct manifest *, const struct buf *,
               struct manifest_segment **, size_t *n, size_t *cap, struct err *);

#endif
