#include "storage/drivers/s3/s3.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "storage/contract/location.h"
#include "storage/drivers/s3/call.h"

static int
get(struct storage *st, const char *key, bool fresh, struct buf *out, struct err *e)
{
    struct s3_storage *s = s3_self(st);
    struct s3_call     c = {.verb = "read",
                            .method = "GET",
                            .key = key,
                            .out = out,
                            .fresh = fresh,
                            .accept = s3_answer_of_read};
    int                rc;

    buf_clear(out);
    s3_customer_key_headers(s, &c.headers);
    rc = s3_call(s, &c, e);
    s3_call_free(&c);
    return rc;
}

static int
s3_get(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    return get(st, key, false, out, e);
}

static int
s3_get_anew(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    return get(st, key, true, out, e);
}

static int
accept_head(void *ctx, const struct s3_answer *a, struct err *e)
{
    struct object_info *info = ctx;
    const char         *size = s3_answer_header(a, "Content-Length");
    const char         *modified = s3_answer_header(a, "Last-Modified");
    char               *end = NULL;

    if (s3_answer_of_read(NULL, a, e) != 0) {
        return -1;
    }
    info->retain_until = s3_lock_shown(a);
    info->size = size == NULL ? 0 : strtoull(size, &end, 10);
    info->modified = modified == NULL ? -1 : curl_getdate(modified, NULL);
    if (end == NULL || end == size || *end != '\0' || info->modified == -1) {
        err_set(e, ERR_CORRUPT, "the answer has no size or no time");
        e->transient = true;
        return -1;
    }
    return 0;
}

static int
s3_head(struct storage *st, const char *key, struct object_info *info, struct err *e)
{
    struct s3_storage *s = s3_self(st);
    struct s3_call     c = {
            .verb = "look at", .method = "HEAD", .key = key, .accept = accept_head, .ctx = info};
    int rc;

    s3_customer_key_headers(s, &c.headers);
    rc = s3_call(s, &c, e);
    s3_call_free(&c);
    return rc;
}

static void
s3_close(struct storage *st)
{
    struct s3_storage *s = s3_self(st);

    s3_http_free(s->http);
    aws_provider_free(s->provider);
    s3_settings_free(&s->set);
    free(s);
}

static const struct storage_ops s3_ops = {
    .scheme = "s3",
    .put = s3_put,
    .get = s3_get,
    .get_anew = s3_get_anew,
    .head = s3_head,
    .list = s3_list,
    .dirs = s3_dirs,
    .remove = s3_remove,
    .retain = s3_retain,
    .versions = &s3_version_ops,
    .close = s3_close,
};

struct s3_storage *
s3_storage_of(struct storage *st)
{
    return st->ops == &s3_ops ? (struct s3_storage *)st : NULL;
}

struct storage *
storage_s3_open(const char *rest, const struct storage_location *place, bool create, struct err *e)
{
    struct s3_storage *s = xcalloc(1, sizeof *s);

    (void)create;
    s->base.ops = &s3_ops;
    if (s3_settings_read(rest, place, &s->set, e) != 0 ||
        (s->provider = aws_provider_new(s->set.profile, e)) == NULL ||
        (s->http = s3_http_new(&(struct s3_http_options){.ca_file = s->set.ca_file,
                                                         .bandwidth = s->set.bandwidth,
                                                         .idle_s = s->set.idle_s},
                               e)) == NULL) {
        s3_close(&s->base);
        return NULL;
    }
    s->base.distant = true;
    s->base.lock_days = s->set.lock_days;
    return &s->base;
}
