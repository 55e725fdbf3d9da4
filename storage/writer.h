/*
 * writer.h - one run that writes a backup: docs/repository-format.md says in what order.
 *
 *     writer_begin()   run mark, trash and condemned lists, listing, what may be reused
 *     writer_put()     any thread: id -> known? reuse : compress, hash, put
 *     writer_commit()  chunk list and manifest, then the label
 *     writer_end()     after a failure takes the run mark away, unless a label may stand
 *
 * What an interrupted run of this host wrote is reused through its journal:
 * <state-dir>/<repo id>/<db>.journal, one object name and sizes a line, fsynced now and then, emptied
 * after a commit (journal.h; state-dir: core/statedir.h).
 *
 * The run mark is renewed every 10 minutes by writer_put() and writer_tick().
 */
#ifndef STORAGE_WRITER_H
#define STORAGE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "core/codec.h"
#include "core/err.h"
#include "storage/label.h"
#include "storage/manifest.h"
#include "storage/repo.h"

struct writer;

struct writer_options {
    const char       *db;           /* configured name */
    struct codec_spec codec;
    int               workers;      /* how many threads call writer_put(), each with its own number */
};

struct writer_stats {
    uint64_t new_chunks, new_bytes;       /* stored bytes written */
    uint64_t reused_chunks, reused_bytes; /* stored bytes that were there */
};

/* Chunks of at most this many bytes of plaintext. */
enum { CHUNK_RAW_MAX = 24 << 20 };

struct writer *writer_begin(struct repo *, const struct writer_options *, struct err *);
const char    *writer_backup_id(const struct writer *);
const char    *writer_run(const struct writer *);

/* Stores one chunk's plaintext, or finds it stored.  The put() itself may still be on its way when this returns: a
 * failure of it is returned by a later writer_put(), or by writer_commit(), which waits for all.  *out is the caller's to free (chunk_ref_free). */
int  writer_put(struct writer *, int worker, const void *raw, size_t n, struct chunk_ref *out, struct err *);
void chunk_ref_free(struct chunk_ref *);

/* Now and then from a thread that has time: renews the run mark, notices a revoked run (ERR_BUSY). */
int  writer_tick(struct writer *, struct err *);

/* Completes the label (id, run, db, digests, sizes of chunks and stored bytes; finished and tool when they are empty)
 * and commits.  0: the backup is there.  -1 with ERR_BUSY: the run was revoked, the backup is void if it is there. */
int  writer_commit(struct writer *, const struct manifest *, struct label *, struct err *);

void writer_stats(const struct writer *, struct writer_stats *);
void writer_end(struct writer *);             /* accepts NULL; after commit or failure */

#endif
