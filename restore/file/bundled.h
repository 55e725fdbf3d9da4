/*
 * bundled.h - a backup in a bundle of `pgassay storage export`: which file holds which table's
 * rows, each compared with SHA256SUMS before anything is made.
 *
 * A bundle is recognised by what lies in it, whoever packed it last and in whatever order: a
 * manifest.json beside a schema.dump.  What SHA256SUMS does not name is not used.
 */
#ifndef RESTORE_FILE_BUNDLED_H
#define RESTORE_FILE_BUNDLED_H

#include "core/crypto/hash.h"
#include "restore/file/unpack.h"
#include "storage/format/manifest.h"

struct bundled_file {
    char                        *name; /* of the entry */
    char                         sha256[SHA256_HEX + 1];
    const struct manifest_table *rows; /* whose they are; NULL: no rows */
};

struct bundled {
    char                *dir; /* "shop-20261121T021500Z-4f2a/", or whatever it is called now */
    struct manifest     *m;
    struct bundled_file *v; /* by name */
    size_t               n, cap;
};

/* Reads all of it.  schema: the entry that is its schema.dump.  ERR_CORRUPT: it is not whole, or
 * a file is not as SHA256SUMS says; *out is there in any case, and the caller's. */
int  bundled_read(struct bundled **out, const struct unpack_file *, const char *schema,
                  struct err *);
void bundled_free(struct bundled *); /* accepts NULL */

/* Whose rows an entry holds; NULL: it holds none. */
const struct manifest_table *bundled_rows(const struct bundled *, const char *name);

#endif
