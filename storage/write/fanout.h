/*
 * fanout.h - one backup into one repository or several: the database is read once.
 *
 * Each repository has its own writer (writer.h), with its own run mark, reuse, id key and label,
 * and its own commit.  A chunk is compressed once, if any repository lacks it, and its bytes are
 * put by the threads of each that does; an encrypted repository gets them sealed to its own key.  A
 * repository that fails, at any step, is left out from then on; the others go on, and the backup
 * fails only when all have failed.  The slowest repository sets the pace: memory is bounded by
 * chunkbuf.h, two stored chunks a worker, or three where anything is encrypted.
 *
 * Chunks are known by numbers of the fanout, until fanout_commit() has the draft encoded for each
 * repository, by its own names.
 */
#ifndef STORAGE_WRITE_FANOUT_H
#define STORAGE_WRITE_FANOUT_H

#include "core/codec.h"
#include "storage/repo/source.h"
#include "storage/write/writer.h"

struct fanout;

/* One of the repositories.  The caller keeps an array of them, zeroed except repo, for as long as
 * the fanout lives, and may only read them between fanout_begin() and fanout_end(). */
struct fanout_repo {
    struct repo        *repo; /* the caller's; NULL: left out from the start, and failed says why */
    struct err          failed; /* ERR_NONE: no failure */
    struct label       *label;  /* what was committed; the caller's to free */
    struct writer_stats stats;  /* after fanout_commit() */
    /* Within fanout.c: */
    struct writer       *writer;
    struct chunk_number *numbers; /* the writer's, by the fanout's */
    size_t               cap;
};

struct fanout_options {
    const char               *db;     /* configured name */
    const struct repo_source *source; /* what it stands for, NULL: not checked */
    bool                      adopt;
    time_t                    taken; /* writer_options.taken */
    struct codec_spec         codec;
    int workers; /* number of threads that call fanout_put(), each with its own number */
};

/* NULL when no repository could be opened for writing: the error is the first one's. */
struct fanout *fanout_begin(struct fanout_repo *, size_t n, const struct fanout_options *,
                            struct err *);
const char    *fanout_backup_id(const struct fanout *);
/* A repository has nothing of this database yet: every chunk will be compressed. */
bool fanout_is_first(const struct fanout *);
/* The key for the manifest's fingerprints: 16 bytes, of the first repository. */
const uint8_t *fanout_fingerprint_key(const struct fanout *);

/* Stores one chunk's plaintext wherever it is not stored yet.  The put() calls may still be running
 * when this returns: later failures are reported by a later call.  -1 when every repository has
 * failed, or the chunk could not be compressed. */
int fanout_put(struct fanout *, int worker, const void *raw, size_t n, struct chunk_number *chunk,
               struct err *);
/* Repositories, those that were left out among them, and their ids; NULL: it could not be opened.
 */
size_t      fanout_repos(const struct fanout *);
const char *fanout_repo_id(const struct fanout *, size_t repo);
/* A chunk by its ids, SHA256_BYTES for each repository (NULL: it has none there).  True: today's
 * rules of reuse allow it in each that is left; with chunk, it is used from now on.  With NULL this
 * is only asked.  By ids, not by names, so that a content is one chunk of a backup, as in
 * fanout_put(), also where it was stored twice. */
bool fanout_claim(struct fanout *, const uint8_t *const *ids, struct chunk_number *chunk);
/* After fanout_commit(): what chunks are in a repository; false: it does not have the backup. */
bool fanout_refs(struct fanout *, size_t repo, const struct chunk_number *, size_t n,
                 struct chunk_ref *refs);
/* To be called now and then from any thread: renews the run marks. */
int fanout_tick(struct fanout *, struct err *);

/* Commits in every repository that is left; chunks by numbers of fanout_put().  Fills in label and
 * stats of the repositories; the rest of the label is completed for each.  0: at least one has the
 * backup. */
int  fanout_commit(struct fanout *, const struct draft *, const struct label *, struct err *);
void fanout_end(struct fanout *); /* accepts NULL; after commit or failure */

#endif
