/*
 * nameset.h - a sorted set of chunk names with sizes, in a temporary file: as many as there are, in
 * the memory of one.
 *
 * Written in ascending order, then read in ascending order, as often as wanted.  The file has no
 * name ($TMPDIR, else /tmp) and goes with the process.
 */
#ifndef STORAGE_FORMAT_CHUNKSPOOL_H
#define STORAGE_FORMAT_CHUNKSPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "storage/format/chunkname.h"

struct nameset {
    FILE    *file;
    char     name[CHUNK_NAME_MAX]; /* the last one written; the current one when reading */
    uint64_t size;
    size_t   n;   /* written */
    bool     end; /* there is no current one */
};

struct nameset *nameset_new(struct err *);
void            nameset_free(struct nameset *); /* accepts NULL */
/* Not before the last one (ERR_CORRUPT); the very same again is dropped. */
int nameset_add(struct nameset *, const char *name, uint64_t size, struct err *);
/* Makes the first one current. */
int nameset_rewind(struct nameset *, struct err *);
int nameset_next(struct nameset *, struct err *);
/* Goes forward until the current one is name or behind it; *there: it is name. */
int nameset_seek(struct nameset *, const char *name, bool *there, struct err *);

/* The union of sets that are given one after another; few are open at any time. */
enum { NAMESET_OPEN_MAX = 16 };
struct nameset_union {
    struct nameset *v[NAMESET_OPEN_MAX];
    size_t          n;
};
int nameset_union_add(struct nameset_union *, struct nameset *,
                      struct err *); /* takes the set, also on failure */
/* All of them in one, which stays the union's; rewound. */
struct nameset *nameset_union_all(struct nameset_union *, struct err *);
void            nameset_union_free(struct nameset_union *);

#endif
