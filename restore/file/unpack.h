/*
 * unpack.h - compressed files and bundles, by libarchive, as a stream with limits.
 *
 * gzip (gunzip.h), bzip2, xz, zstd and lz4; tar, zip and 7z.  No other of libarchive's filters is
 * used, since some run programs.  Nothing is ever written: an entry is a name and bytes.  All of it
 * may be hostile, so:
 *
 *   bombs    more bytes than allowed, in all or for each byte of the file, are an error, counted at
 *            every layer.  Nothing is skipped unread, so what is skipped is counted, too.  One
 *            compression in another is refused, but for that of a bundle and that of its entry
 *   escapes  an absolute name or "..", a link that leads out, a device, a pipe, a socket or an
 *            encrypted entry is an error; other links and directories are passed over
 *
 * Errors: ERR_CORRUPT (truncated, damaged, refused), ERR_IO.  They name the file.
 */
#ifndef RESTORE_FILE_UNPACK_H
#define RESTORE_FILE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct unpack_limits {
    uint64_t size_bytes; /* of what comes out, at any layer */
    uint64_t ratio; /* of that to the file, from 64 MiB on: small files may compress better than
                       anything that is worth a limit */
};

/* produced: bytes that came out of so many of the file.  ERR_CORRUPT: more than allowed. */
int unpack_check_limits(const struct unpack_limits *, uint64_t file_bytes, uint64_t produced,
                        struct err *);

struct unpack_file {
    int                         fd; /* a regular file, read with pread() */
    const char                 *name;
    uint64_t                    size_bytes;
    const struct unpack_limits *limits;
};

struct unpack;

/* One pass over the file, which must outlive it.  bundle: as tar, zip or 7z, else as one entry
 * without a name, whatever it holds. */
int  unpack_open(struct unpack **, const struct unpack_file *, bool bundle, struct err *);
void unpack_close(struct unpack *); /* accepts NULL */

/* The next entry that is a file: 1, name borrowed until the next call; 0: the end, and what
 * compresses the bundle ended properly; -1. */
int unpack_next(struct unpack *, const char **name, struct err *);
/* Bytes of the entry: 1; 0: its end; -1.  Borrowed until the next call. */
int unpack_read(struct unpack *, const void **data, size_t *n, struct err *);
/* The current entry, whose own compression is undone, as one entry without a name: read this
 * instead, and close it before anything else is done with the bundle. */
int unpack_inside(struct unpack **, struct unpack *bundle, struct err *);

/* What compresses it, "zstd"; NULL: nothing. */
const char *unpack_filter(struct unpack *);

#endif
