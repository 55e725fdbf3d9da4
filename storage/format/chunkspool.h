/*
 * chunkspool.h - a sorted set of chunk names with sizes, in a temporary file: any number, in the
 * memory of one.
 *
 * Written in ascending order, then read in ascending order, as often as needed.  The file (in
 * $TMPDIR, else /tmp) has no name and vanishes with the process.
 */
#ifndef STORAGE_FORMAT_CHUNKSPOOL_H
#define STORAGE_FORMAT_CHUNKSPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "storage/format/chunk.h"
#include "storage/format/chunkname.h"

struct chunkspool {
    FILE    *file;
    char     name[CHUNK_NAME_MAX]; /* the last one written; the current one when reading */
    uint64_t size;
    size_t   n;   /* written */
    bool     end; /* no current one */
};

struct chunkspool *chunkspool_new(struct err *);
void               chunkspool_free(struct chunkspool *); /* accepts NULL */
/* Must not sort before the last one (ERR_CORRUPT); a duplicate is dropped. */
int chunkspool_add(struct chunkspool *, const char *name, uint64_t size, struct err *);
/* The same, of a line of a chunk list: ctx is the spool. */
int chunkspool_add_line(void *ctx, const struct chunk_ref *line, struct err *);
/* Makes the first one current. */
int chunkspool_rewind(struct chunkspool *, struct err *);
int chunkspool_next(struct chunkspool *, struct err *);
/* Advances until the current one is name or sorts after it; *there: it is name. */
int chunkspool_seek(struct chunkspool *, const char *name, bool *there, struct err *);

/* The union of sets that are given one after another; few are open at any time. */
enum { CHUNKSPOOL_OPEN_MAX = 16 };
struct chunkspool_union {
    struct chunkspool *v[CHUNKSPOOL_OPEN_MAX];
    size_t             n;
};
int chunkspool_union_add(struct chunkspool_union *, struct chunkspool *,
                         struct err *); /* takes the set, also on failure */
/* All of them in one, which stays the union's; rewound. */
struct chunkspool *chunkspool_union_all(struct chunkspool_union *, struct err *);
void               chunkspool_union_free(struct chunkspool_union *);

#endif
