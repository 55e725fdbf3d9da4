/*
 * page.h - a page of a listing, as in the answer: of objects (<ListBucketResult>, version
 * 2) or of all their versions (<ListVersionsResult>).  The caller checks it.
 */
#ifndef STORAGE_DRIVERS_S3_PAGE_H
#define STORAGE_DRIVERS_S3_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/mem.h"

enum s3_listed { S3_OBJECTS, S3_VERSIONS };

struct s3_entry {
    char    *key; /* decoded; NULL: missing, or cannot be decoded */
    uint64_t size;
    bool     has_size;
    char    *etag;        /* likewise */
    char    *modified;    /* as in the answer; NULL: missing */
    char    *id, *latest; /* of versions, likewise */
    bool     deleted;     /* a <DeleteMarker> */
};

struct s3_page {
    struct s3_entry *v; /* in the order of the answer */
    size_t           n, cap;
    struct strlist   prefixes;   /* CommonPrefixes, decoded */
    bool             bad_prefix; /* one could not be decoded */
    bool             truncated;
    /* Where the next page begins: a continuation token, or a key and a version's id (may be
     * missing).  NULL: not given. */
    char *next, *next_id;
    long  count; /* KeyCount of S3_OBJECTS; -1: missing */
};

/* ERR_CORRUPT when it is another document, or not XML. */
int s3_page_read(enum s3_listed, const void *, size_t, struct s3_page *, struct err *);
/* Leaves it empty. */
void s3_page_free(struct s3_page *);

#endif
