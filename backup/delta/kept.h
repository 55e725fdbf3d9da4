/*
 * kept.h - what this host keeps of its newest backup of a database, so that the next one stores
 * what has changed.
 *
 * <state-dir>/<repo id>/<db>.rows, mode 0600: for each buffer of rows its marks (marks.h), the
 * pieces of chunks that it was stored as, and the ids of those chunks in each repository; and notes
 * of whoever asks, by which a buffer need not be filled again (backup/unread.h).  It holds no row,
 * and its marks are made under a random key of its own.  About 10 bytes a unit; no more bytes than
 * kept_begin() is told: buffers beyond that are stored whole when they change. Written to
 * <db>.rows.new as the backup goes, and renamed when the backup exists.
 *
 * Nothing depends on it: lost, stale, of another host's backup, or spoilt (each record has a
 * digest), its buffers are stored whole.  Failures to write it are no failures of the backup.
 */
#ifndef BACKUP_DELTA_KEPT_H
#define BACKUP_DELTA_KEPT_H

#include "backup/delta/match.h"
#include "storage/write/fanout.h"

struct kept_key {     /* of a buffer: where its rows come from */
    uint64_t place;   /* digest of the table, and the block where its range begins */
    uint32_t ordinal; /* of the task's buffers, from 0 */
};

/* The ordinal of a note: bytes that are no buffer's (kept_note_read()). */
#define KEPT_NOTE UINT32_MAX

/* One buffer, as stored. */
struct kept_buffer {
    struct match_earlier of; /* .available, .used: the reader's */
    uint32_t             raw_size;
    uint32_t list; /* the source that is the list of pieces; UINT32_MAX: it is a whole chunk */
    uint8_t  sha256[SHA256_BYTES]; /* of a delta's plaintext; else zeroes */
};
void kept_buffer_free(struct kept_buffer *);

/* ---- reading ---- */

struct kept; /* the last backup's; safe for several threads */

/* NULL: there is none that can be used.  repo_id: the first repository's. */
struct kept   *kept_open(const char *repo_id, const char *db, const uint8_t fingerprint_key[16]);
void           kept_close(struct kept *); /* accepts NULL */
void           kept_remove(const char *repo_id, const char *db);
const uint8_t *kept_marks_key(const struct kept *);
/* False: there is none, or it is spoilt.  The caller frees it. */
bool kept_read(struct kept *, const struct kept_key *, struct kept_buffer *);
/* A note.  False: there is none, or it is spoilt.  The caller frees the buffer. */
bool kept_note_read(struct kept *, uint64_t place, struct buf *);
/* The id of a chunk in a repository; NULL: none of this host's backups stored it there. */
const uint8_t *kept_chunk_id(const struct kept *, const char *repo_id, uint32_t chunk);
/* The repositories that it knows ids of; NULL from their number on. */
const char *kept_repo(const struct kept *, size_t number);
/* The ids there of n chunks that have these ids in another one: out gets as many; zeroes: none is
 * known.  False: of none of them. */
bool kept_translate(const struct kept *, const char *from_repo, const uint8_t *ids, size_t n,
                    size_t to, uint8_t *out);

/* ---- writing ---- */

struct kept_writer; /* safe for several threads */

/* NULL: the state directory cannot be written, or another run of this host writes it.  Its marks
 * are made with key. */
struct kept_writer *kept_begin(const char *repo_id, const char *db,
                               const uint8_t fingerprint_key[16],
                               const uint8_t marks_key[MARKS_KEY], uint64_t max_bytes);
/* Sources have numbers of the fanout in .chunk. */
void kept_add(struct kept_writer *, const struct kept_key *, const struct kept_buffer *);
void kept_note_add(struct kept_writer *, uint64_t place, const void *, size_t);
/* The backup exists: takes its place.  Needs the fanout, for ids; and was, which may be NULL, for
 * those in repositories that missed this backup, and will have the next one again. */
void kept_commit(struct kept_writer *, struct fanout *, const struct kept *was);
void kept_end(struct kept_writer *); /* accepts NULL; without a commit nothing has changed */

#endif
