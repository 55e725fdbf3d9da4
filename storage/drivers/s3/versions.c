/* Older versions: listing and reading them. */
#include <string.h>

#include "storage/drivers/aws/uri.h"
#include "storage/drivers/s3/call.h"
#include "storage/drivers/s3/list.h"
#include "storage/drivers/s3/s3.h"

static int
list_versions(struct storage *st, const char *prefix, storage_version_fn *fn, void *ctx,
              struct err *e)
{
    return s3_list_entries(s3_self(st), S3_VERSIONS, prefix, fn, ctx, e);
}

static int
list_dirs(struct storage *st, const char *prefix, storage_dirs_fn *fn, void *ctx, struct err *e)
{
    return s3_list_dirs(s3_self(st), S3_VERSIONS, prefix, fn, ctx, e);
}

static int
get_version(struct storage *st, const char *key, const char *id, struct buf *out, struct err *e)
{
    struct s3_storage *s = s3_self(st);
    struct s3_call     c = {.verb = "read an older version of",
                            .method = "GET",
                            .key = key,
                            .out = out,
                            .accept = s3_answer_of_read};
    int                rc;

    buf_clear(out);
    s3_query_add(&c.query, "versionId", id);
    s3_customer_key_headers(s, &c.headers);
    rc = s3_call(s, &c, e);
    s3_call_free(&c);
    return rc;
}

const struct storage_version_ops s3_version_ops = {
    .list = list_versions,
    .dirs = list_dirs,
    .get = get_version,
    .remove = s3_remove_versions,
};
