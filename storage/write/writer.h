/*
 * writer.h - one run that writes a backup into one repository: docs/repository-format.md says in
 * what order.
 *
 *     writer_begin()   run mark, trash and condemned lists, listing, what may be reused
 *     writer_claim()   any thread: is this content stored?  If not, the caller must
 *     writer_send()    hand it over
 *     writer_refs()    what is it called here?
 *     writer_commit()  chunk list and manifest, then the label
 *     writer_end()     after a failure takes the run mark away, unless a label may stand
 *
 * A backup writes into one or several repositories through fanout.h; storage copy (copy.h) is a
 * writer, too.
 *
 * Chunks go by numbers, which are the writer's own and mean nothing to another.  What says where
 * rows lie is encoded by the caller, by the names that writer_refs() gives: bytes, to a writer.
 *
 * What an interrupted run of this host wrote is reused through its journal: <state-dir>/<repo
 * id>/<db>.journal, one object name and sizes a line, fsynced now and then, emptied after a commit
 * (journal.h; state-dir: core/host/statedir.h).
 *
 * The run mark is renewed every 10 minutes by writer_tick().
 */
#ifndef STORAGE_WRITE_WRITER_H
#define STORAGE_WRITE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "storage/format/chunkindex.h"
#include "storage/format/draft.h"
#include "storage/format/label.h"
#include "storage/repo/chain.h"
#include "storage/repo/repo.h"
#include "storage/repo/source.h"
#include "storage/write/chunkbuf.h"

struct writer;

struct writer_options {
    const char               *db;     /* configured name */
    const struct repo_source *source; /* what it stands for: another one bound to the name is
                                    ERR_EXISTS; NULL: not looked at */
    bool     adopt;                   /* let this one take over the name */
    int      threads;                 /* that put chunks */
    unsigned epoch;                   /* 0: the current one */
    bool as_stored; /* nothing is encoded here: what comes is as it is stored, named, and sealed to
                       the epoch */
    bool replace; /* what stands in the place of the label is bad, and goes when the new one is put
                   */
    const struct chunkindex
        *trusted; /* what stands in chunk lists of this repository that the caller has read,
                   * whatever its state there; NULL: the lists are read here */
    struct chain *
        chain; /* with trusted: of the same reading; kept up to date by writer_commit().  NULL: it
                * is read here with the lists, or, with trusted, the label will know of no others */
};

struct writer_stats {
    uint64_t new_chunks, new_bytes;       /* stored bytes written */
    uint64_t reused_chunks, reused_bytes; /* stored bytes that were there */
};

struct writer *writer_begin(struct repo *, const struct writer_options *, struct err *);
const char    *writer_backup_id(const struct writer *);
const char    *writer_run(const struct writer *);
/* Instead of the id that writer_begin() made up: several repositories have one backup under one
 * id. */
void writer_set_id(struct writer *, const char *id);

/* The id of a content in this repository.  Not for a writer of what is as it is stored. */
void writer_chunk_id(const struct writer *, const void *raw, size_t n, uint8_t id[SHA256_BYTES]);
/* The key of row fingerprints that goes with its ids: FINGERPRINT_KEY bytes. */
const uint8_t *writer_fingerprint_key(const struct writer *);
/* Must writer_encode() change what is put? */
bool writer_seals(const struct writer *);
/* What is to be stored of compressed bytes: themselves, or sealed.  Fills in out, but for
 * raw_size and codec, which are looked at. */
int writer_encode(const struct writer *, const uint8_t id[SHA256_BYTES], const void *packed,
                  size_t n, struct chunkbuf *out, struct err *);
/* The number of a content.  *missing: it is not stored, nobody is storing it, and writer_send()
 * is now the caller's duty: without it there will be no commit. */
struct chunk_number writer_claim(struct writer *, const uint8_t id[SHA256_BYTES], bool *missing);
/* The number of a reusable chunk with just these stored bytes, whatever it is called; false when
 * there is none. */
bool writer_claim_stored(struct writer *, const struct chunk_ref *, struct chunk_number *);
/* Never waits, and never fails: the put() is on its way when this returns, and a failure of it
 * shows in writer_failed() and writer_commit().  Shares the buffer until then. */
void writer_send(struct writer *, struct chunk_number, struct chunkbuf *);
/* -1 with the error once a put() has failed: nothing can come of this run any more. */
int writer_failed(struct writer *, struct err *);

/* For a run that will not commit, but stores what backups need that are there already
 * (repair.h): waits for all chunks. */
int writer_settle(struct writer *, struct err *);

/* Now and then from any thread: renews the run mark, notices a revoked run (ERR_BUSY). */
int writer_tick(struct writer *, struct err *);

/* Waits for all chunks; refs[i] is what chunks[i] is called here.  ERR_CORRUPT: one that this run
 * neither stored nor found stored. */
int writer_refs(struct writer *, const struct chunk_number *chunks, size_t n,
                struct chunk_ref *refs, struct err *);
/* As what the manifest is to be sealed; false: it is stored in plain. */
bool writer_sealed_as(const struct writer *, struct sealed_as *);

/* What a backup consists of beside its label. */
struct writer_backup {
    const struct chunk_number *chunks; /* this writer's, each once */
    size_t                     n;
    const struct encoded      *manifest;
};

/* Waits for all chunks, completes the label (id, run, db, digests, place in the chain, sizes of
 * chunks and stored bytes; finished and tool when they are empty) and commits.  0: the backup is
 * there.  -1 with ERR_BUSY: the run was revoked, the backup is void if it is there. */
int writer_commit(struct writer *, const struct writer_backup *, struct label *, struct err *);
/* The same of a draft, which is encoded by the names of this repository; its chunks are by this
 * writer's numbers. */
int writer_commit_draft(struct writer *, const struct draft *, struct label *, struct err *);

void writer_stats(struct writer *, struct writer_stats *);
/* What this run knew and wrote: after a commit all that is marked as used stands in its chunk
 * list. */
const struct chunkindex *writer_known(const struct writer *);
void                     writer_end(struct writer *); /* accepts NULL; after commit or failure */

#endif
