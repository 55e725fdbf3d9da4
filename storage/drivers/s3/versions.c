/* Older versions: listing and reading them. */
#include <string.h>

#include "core/log.h"
#include "storage/drivers/aws/uri.h"
#include "storage/drivers/aws/xml.h"
#include "storage/drivers/s3/call.h"
#include "storage/drivers/s3/list.h"
#include "storage/drivers/s3/s3.h"

/* ---- are there any? ---- */

enum { ANSWER_MAX = 64 << 10 };

static void
take_status(void *ctx, const char *path, const char *text)
{
    if (text != NULL && strcmp(path, "Status") == 0) {
        (void)snprintf(ctx, S3_STATUS_MAX, "%s", text);
    }
}

int
s3_versioning(struct s3_storage *s, char status[S3_STATUS_MAX], struct err *e)
{
    struct buf     out = BUF_INIT(ANSWER_MAX);
    struct s3_xml  xml = {.root = "VersioningConfiguration", .element = take_status, .ctx = status};
    struct s3_call c = {.verb = "ask for the versioning of", .method = "GET", .out = &out};
    int            rc;

    *status = '\0';
    s3_query_add(&c.query, "versioning", "");
    rc = s3_call(s, &c, e);
    if (rc == 0 ? s3_xml_parse(&xml, out.data, out.len, e) != 0
                : c.answer.status == 501 || (c.answer.status >= 400 && c.answer.status < 500)) {
        err_clear(e); /* no such call, or no right to it */
        rc = 1;
    }
    s3_call_free(&c);
    buf_free(&out);
    return rc;
}

/* Objects put since versioning was turned on have an id, earlier ones "null". */
static int
see_id(void *ctx, const struct object_version *v, struct err *e)
{
    bool *any = ctx;

    (void)e;
    *any = v->deleted || strcmp(v->id, "null") != 0;
    return *any ? -1 : 0;
}

static int
versions_kept(struct storage *st, struct err *e)
{
    char status[S3_STATUS_MAX];
    bool kept = false;
    int  rc = s3_versioning(s3_self(st), status, e);

    if (rc < 0) {
        return -1;
    }
    if (rc > 0) {
        rc = s3_list_entries(s3_self(st), S3_VERSIONS, "", see_id, &kept, e);
        if (rc != 0 && !kept) {
            return -1;
        }
    } else {
        kept = *status != '\0';
    }
    if (strcmp(status, "Suspended") == 0) {
        log_warn("%s: versioning is suspended: what was overwritten or removed since is not kept",
                 st->location);
    }
    if (kept) {
        return 0;
    }
    (void)err_set(e, ERR_USAGE,
                  "versioning was never turned on for the bucket of %s, which holds "
                  "nothing but what is there now",
                  st->location);
    return err_hint(e, "turn it on, if you want to be able to do this from then on");
}

/* ---- listing, reading ---- */

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
    .kept = versions_kept,
    .list = list_versions,
    .dirs = list_dirs,
    .get = get_version,
    .remove = s3_remove_versions,
};
