/*
 * tarball.h - writing a tar archive, by libarchive, piece by piece.
 *
 * The bytes depend on nothing but what is put in: each file is root's (0:0, no names), readable by
 * its owner alone, and of the same time; the format is ustar, with a pax header only where a name
 * or a size needs one.
 */
#ifndef STORAGE_EXCHANGE_TARBALL_H
#define STORAGE_EXCHANGE_TARBALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "core/err.h"

/* Takes the archive's next bytes: 0, or -1 with the error, after which it is not called again. */
typedef int tarball_write_fn(void *ctx, const void *, size_t, struct err *);

struct tarball_to {
    tarball_write_fn *write;
    void             *ctx;
    bool              zstd; /* compressed */
    time_t            time; /* of every file */
};

struct tarball;
struct tarball *tarball_new(const struct tarball_to *, struct err *);
/* A file of so many bytes, which tarball_data() gives, before the next one begins. */
int tarball_file(struct tarball *, const char *name, uint64_t bytes, bool program, struct err *);
int tarball_data(struct tarball *, const void *, size_t, struct err *);
/* The end of the archive; ERR_IO also when the last file got less than was said. */
int  tarball_end(struct tarball *, struct err *);
void tarball_free(struct tarball *); /* accepts NULL */

#endif
