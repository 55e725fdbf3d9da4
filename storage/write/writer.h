/*
 * writer.h - one run that writes a backup into one repository, in the order of
 * docs/repository-format.md.
 *
 *     writer_begin()   run mark, trash and condemned lists, listing, what may be reused
 *     writer_claim()   any thread: is this content stored?  If not, the caller must
 *     writer_send()    hand it over
 *     writer_refs()    its name here
 *     writer_commit()  chunk list and manifest, then the label
 *     writer_end()     after a failure removes the run mark, unless a label may exist
 *
 * A backup writes into one or several repositories through fanout.h; storage copy (copy.h) is a
 * writer, too.
 *
 * Chunks are known by numbers, which are the writer's own and mean nothing to another.  The
 * description of where rows lie is encoded by the caller, by the names from writer_refs(): to a
 * writer it is just bytes.
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
#include "storage/write/batch.h"
#include "storage/write/chunkbuf.h"

struct writer;

struct writer_options {
    const char               *db;     /* configured name */
    const struct repo_source *source; /* what it stands for: another one bound to the name is
                                         ERR_EXISTS; NULL: not checked */
    bool     adopt;                   /* bind the name to this one */
    int      threads;                 /* threads that put chunks */
    time_t   taken; /* of what was dumped before: the id is made of this time; 0: of now */
    unsigned epoch; /* 0: the current one */
    bool as_stored; /* nothing is encoded here: chunks arrive as stored, named, and sealed to the
                       epoch */
    bool replace;   /* the existing label is bad, and is removed when the new one is put
                     */
    struct batch *batch; /* one of several backups, whose id the caller sets (writer_set_id()): the
                            chunk lists were read before; NULL: they are read here */
    struct chain
        *chain; /* with a batch: loaded before it; updated by writer_commit().  NULL: it is read
                   here with the lists or, with a batch, the label will name no others */
};

struct writer_stats {
    uint64_t new_chunks, new_bytes;       /* stored bytes written */
    uint64_t reused_chunks, reused_bytes; /* stored bytes that were reused */
};

struct writer *writer_begin(struct repo *, const struct writer_options *, struct err *);
const char    *writer_backup_id(const struct writer *);
const char    *writer_run(const struct writer *);
/* Replaces the id that writer_begin() made: a backup has one id in several repositories. */
void writer_set_id(struct writer *, const char *id);

/* The id of a content in this repository.  Not for a writer of chunks as stored. */
void writer_chunk_id(const struct writer *, const void *raw, size_t n, uint8_t id[SHA256_BYTES]);
/* The key of row fingerprints that belongs to its ids: FINGERPRINT_KEY bytes. */
const uint8_t *writer_fingerprint_key(const struct writer *);
/* Must writer_encode() change what is put? */
bool writer_seals(const struct writer *);
/* Makes the stored form of compressed bytes: themselves, or sealed.  Fills in out, except raw_size
 * and codec, which are read. */
int writer_encode(const struct writer *, const uint8_t id[SHA256_BYTES], const void *packed,
                  size_t n, struct chunkbuf *out, struct err *);
/* The number of a content.  *missing: it is not stored, nobody is storing it, and writer_send()
 * is now the caller's duty: without it there will be no commit. */
struct chunk_number writer_claim(struct writer *, const uint8_t id[SHA256_BYTES], bool *missing);
/* The number of a reusable chunk with exactly these stored bytes, whatever its name; false when
 * there is none. */
bool writer_claim_stored(struct writer *, const struct chunk_ref *, struct chunk_number *);
/* The same for a content that is not at hand; false: it would have to be stored.  use: this backup
 * refers to it. */
bool writer_find(struct writer *, const uint8_t id[SHA256_BYTES], bool use, struct chunk_number *);
/* Never waits, and never fails: the put() is queued when this returns; its failure is reported by
 * writer_failed() and writer_commit().  Shares the buffer until then. */
void writer_send(struct writer *, struct chunk_number, struct chunkbuf *);
/* -1 with the error once a put() has failed: the run cannot commit any more. */
int writer_failed(struct writer *, struct err *);

/* For a run that will not commit, but stores what existing backups need (repair.h): waits for all
 * chunks, and sees that they are there. */
int writer_settle(struct writer *, struct err *);

/* To be called now and then from any thread: renews the run mark, notices a revoked run
 * (ERR_BUSY). */
int writer_tick(struct writer *, struct err *);

/* Waits for all chunks; refs[i] is the name of chunks[i] here.  ERR_CORRUPT: one that this run
 * neither stored nor found stored. */
int writer_refs(struct writer *, const struct chunk_number *chunks, size_t n,
                struct chunk_ref *refs, struct err *);
/* The identity under which the manifest is sealed; false: it is not sealed. */
bool writer_sealed_as(const struct writer *, struct sealed_as *);

/* What a backup consists of besides its label. */
struct writer_backup {
    const struct chunk_number *chunks; /* this writer's, each once */
    size_t                     n;
    const struct encoded      *manifest;
};

/* Waits for all chunks, completes the label (id, run, db, digests, place in the chain, sizes of
 * chunks and stored bytes; finished and tool when they are empty) and commits.  0: the backup
 * exists.  -1 with ERR_BUSY: the run was revoked, and the backup is void if it exists. */
int writer_commit(struct writer *, const struct writer_backup *, struct label *, struct err *);
/* The same for a draft, which is encoded by the names of this repository; its chunks have this
 * writer's numbers. */
int writer_commit_draft(struct writer *, const struct draft *, struct label *, struct err *);

void writer_stats(struct writer *, struct writer_stats *);
/* What this run knew and wrote. */
const struct chunkindex *writer_known(const struct writer *);
void                     writer_end(struct writer *); /* accepts NULL; after commit or failure */

#endif
