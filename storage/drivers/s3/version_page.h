/*
 * version_page.h - <ListVersionsResult>: a page of a listing of versions, as it stands.  Whoever
 * uses it checks it.
 */
#ifndef STORAGE_DRIVERS_S3_VERSION_PAGE_H
#define STORAGE_DRIVERS_S3_VERSION_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/mem.h"

struct s3_version {
    char *key, *id;                 /* decoded; NULL: missing, or cannot be decoded */
    char *size, *modified, *latest; /* as they stand; NULL: missing */
    bool  deleted;                  /* a <DeleteMarker> */
};

struct s3_version_page {
    struct s3_version *v; /* in the order of the answer */
    size_t             n, cap;
    struct s3_version  open;       /* the one being read */
    struct strlist     prefixes;   /* CommonPrefixes, decoded */
    bool               bad_prefix; /* one could not be decoded */
    bool               truncated;
    char              *next_key, *next_id; /* where the next page begins; NULL: not said */
};

/* Into an empty (zeroed) page.  ERR_CORRUPT when it is another document, or none. */
int s3_xml_versions(const void *, size_t, struct s3_version_page *, struct err *);
/* Leaves it empty. */
void s3_version_page_free(struct s3_version_page *);

#endif
