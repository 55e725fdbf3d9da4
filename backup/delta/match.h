/*
 * match.h - which bytes of new plaintext stand in what the last backup stored, and where.
 *
 * An earlier one is what was at the same place: its units (marks.h), and the pieces of chunks that
 * its plaintext consisted of.  Equal marks are equal bytes; bytes are not looked at, and the
 * earlier ones are not at hand.
 *
 * Bounded: a reader needs at most DELTA_SOURCES_MAX - 2 earlier chunks, which together with what is
 * new have at most 1.5 times the bytes of the plaintext; new rows and list are at most half of it.
 */
#ifndef BACKUP_DELTA_MATCH_H
#define BACKUP_DELTA_MATCH_H

#include <stdbool.h>

#include "backup/delta/marks.h"
#include "storage/format/delta.h"

/* A segment of a chunk that the last backup knew, by its index in what is kept. */
struct match_source {
    uint32_t chunk;
    uint32_t offset, length;
    uint32_t raw_size;  /* of the chunk */
    bool     available; /* may be used */
    uint64_t used;      /* bytes that the result copies */
};

/* One buffer of the last backup.  Its runs name its own sources. */
struct match_earlier {
    struct match_source *sources;
    size_t               n_sources;
    struct delta_runs    runs;
    struct marks         marks;
};

struct match {
    /* Runs of the new plaintext: those of earlier ones name all their sources, one after another;
     * MATCH_NEW the literal bytes. */
    struct delta_runs     runs;
    struct buf            fresh; /* the literal bytes, one after another */
    struct match_earlier *earlier;
    size_t                n_earlier;
    size_t                n_sources; /* of all of them */
};
#define MATCH_NEW UINT32_MAX

/* True: it is worth it, and within the bounds; the sources that are used have used > 0.  The
 * earlier ones must outlive the match. */
bool match_find(struct match *, struct match_earlier *, size_t n, const uint8_t *raw, size_t len,
                const struct marks *);
/* A source by its number in runs. */
struct match_source *match_source(const struct match *, uint32_t number);
void                 match_free(struct match *);

#endif
