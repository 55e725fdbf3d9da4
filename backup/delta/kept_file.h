/*
 * kept_file.h - the layout of what kept.h keeps.  It is read on the host that wrote it, by the same
 * program: numbers are in memory's order, and another layout is another magic.
 *
 *     header    struct kept_header
 *     records   each: struct kept_record, sources, runs, digests, lengths as varints; or, of a
 *               note, the digest of its place and bytes, the place, and the bytes
 *     index     struct kept_place of each record; the chunks' numbers; of each repository its id
 *               and theirs
 *     footer    struct kept_footer
 *
 * Digests are SipHash-2-4 under the file's own key: a file that was spoilt or cut is not used.
 */
#ifndef BACKUP_DELTA_KEPT_FILE_H
#define BACKUP_DELTA_KEPT_FILE_H

#include <stdint.h>

#include "backup/delta/kept.h"

#define KEPT_MAGIC "pgassay rows 3\n"

struct kept_header {
    char     magic[16];
    uint8_t  key[MARKS_KEY];
    uint64_t prints; /* which fingerprint key */
};

struct kept_place {
    uint64_t place, offset, length; /* bytes of the file */
    uint32_t ordinal, unused;
};

struct kept_record {
    uint64_t digest; /* of all that follows */
    uint64_t place;
    uint32_t ordinal, raw_size, list, n_sources, n_runs, n_marks;
    uint8_t  sha256[SHA256_BYTES];
};

struct kept_file_source {
    uint32_t chunk, offset, length, raw_size;
};

struct kept_footer {
    uint64_t digest; /* of all that follows, and of the index */
    uint64_t index, length;
    uint32_t n_records, n_chunks, n_repos, unused;
};

enum { KEPT_REPO_ID = 40 };

/* Tells fingerprint keys apart. */
uint64_t kept_prints(const uint8_t marks_key[MARKS_KEY], const uint8_t fingerprint_key[16]);
/* <state-dir>/<repo id>/<db>.rows; NULL: there is no state directory. */
char *kept_path(const char *repo_id, const char *db);

#endif
