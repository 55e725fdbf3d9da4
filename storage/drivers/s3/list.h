/*
 * list.h - listing a bucket, page by page: each page is checked before any of it is passed on.
 */
#ifndef STORAGE_DRIVERS_S3_LIST_H
#define STORAGE_DRIVERS_S3_LIST_H

#include "storage/contract/versions.h"
#include "storage/drivers/s3/bucket.h"
#include "storage/drivers/s3/page.h"

/* Calls back for every object, or every version, below the prefix.  An object has no id.
 * Keys that pgassay never uses (a console's "folder") are skipped. */
int s3_list_entries(struct s3_storage *, enum s3_listed, const char *prefix, storage_version_fn *,
                    void *ctx, struct err *);
/* ... for every name between the prefix and the next '/'. */
int s3_list_dirs(struct s3_storage *, enum s3_listed, const char *prefix, storage_dirs_fn *,
                 void *ctx, struct err *);

#endif
