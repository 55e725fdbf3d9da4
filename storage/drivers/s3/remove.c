/* Removing objects: DeleteObjects, or one by one if the store does not support it. */
#include <stdlib.h>
#include <string.h>

#include "storage/contract/versions.h"
#include "storage/drivers/aws/uri.h"
#include "storage/drivers/s3/call.h"
#include "storage/drivers/s3/s3.h"

enum { BATCH = 1000, BODY_MAX = 8 << 20, ANSWER_MAX = 8 << 20 };

struct batch {
    struct s3_storage *s;
    /* Of the first key that could not be removed: */
    char           *key;
    struct s3_error error;
    bool            transient;
};

static void
note_failure(void *ctx, const char *key, const char *code, const char *message)
{
    struct batch *b = ctx;
    bool          transient = strcmp(code, "InternalError") == 0 || strcmp(code, "SlowDown") == 0 ||
        strcmp(code, "ServiceUnavailable") == 0;

    if (strcmp(code, "NoSuchKey") == 0) {
        return; /* already removed */
    }
    b->transient = b->transient || transient;
    if (b->key == NULL) {
        b->key = xstrdup(key);
        (void)snprintf(b->error.code, sizeof b->error.code, "%s", code);
        (void)snprintf(b->error.message, sizeof b->error.message, "%s", message);
    }
}

static int
accept_result(void *ctx, const struct s3_answer *a, struct err *e)
{
    struct batch *b = ctx;

    free(b->key);
    *b = (struct batch){.s = b->s};
    if (s3_xml_deleted(a->body->data, a->body->len, note_failure, b, e) != 0) {
        /* Status 200, but an error in the body: AWS does this when it took long. */
        s3_xml_error(a->body->data, a->body->len, &b->error);
        if (b->error.code[0] != '\0') {
            err_set(e, ERR_IO, "%s%s%s", b->error.code, b->error.message[0] == '\0' ? "" : ": ",
                    b->error.message);
        }
        e->transient = true;
        return -1;
    }
    if (b->key == NULL) {
        return 0;
    }
    err_set(e, strcmp(b->error.code, "AccessDenied") == 0 ? ERR_AUTH : ERR_IO, "\"%s\": %s%s%s",
            b->key, b->error.code, b->error.message[0] == '\0' ? "" : ": ", b->error.message);
    e->transient = b->transient;
    return -1;
}

static int
format_body(const struct s3_storage *s, const struct object_version *v, size_t n, struct buf *body,
            struct err *e)
{
    int rc = buf_puts(
        body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>", e);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        char *full = xasprintf("%s%s", s->set.prefix, v[i].key);
        char *key = s3_xml_escape(full);
        char *id = v[i].id == NULL ? NULL : s3_xml_escape(v[i].id);

        rc = id == NULL
            ? buf_printf(body, e, "<Object><Key>%s</Key></Object>", key)
            : buf_printf(body, e, "<Object><Key>%s</Key><VersionId>%s</VersionId></Object>", key,
                         id);
        free(full);
        free(key);
        free(id);
    }
    return rc != 0 ? rc : buf_puts(body, "</Delete>", e);
}

/* The store does not support the request, or (Ceph) requires a right on the whole bucket for it. */
static bool
not_in_bulk(const struct s3_call *c)
{
    return c->answer.status == 501 || c->answer.status == 405 || c->answer.status == 403 ||
        strcmp(c->error.code, "NotImplemented") == 0 || strcmp(c->error.code, "MalformedXML") == 0;
}

/* 1: not in bulk: removing one by one will work, or show the error. */
static int
remove_batch(struct s3_storage *s, const struct object_version *v, size_t n, struct err *e)
{
    struct buf     body = BUF_INIT(BODY_MAX);
    struct buf     answer = BUF_INIT(ANSWER_MAX);
    struct batch   b = {.s = s};
    struct s3_call c = {.verb = "remove objects below",
                        .method = "POST",
                        .out = &answer,
                        .accept = accept_result,
                        .ctx = &b};
    int            rc = format_body(s, v, n, &body, e);

    if (rc == 0) {
        s3_md5_header(body.data, body.len, &c.headers);
        strlist_add(&c.headers, "Content-Type: application/xml");
        s3_query_add(&c.query, "delete", "");
        c.body = body.data;
        c.body_len = body.len;
        rc = s3_call(s, &c, e);
        if (rc != 0 && not_in_bulk(&c)) {
            err_clear(e);
            rc = 1;
        }
    }
    s3_call_free(&c);
    buf_free(&body);
    buf_free(&answer);
    free(b.key);
    return rc;
}

static int
remove_one(struct s3_storage *s, const struct object_version *v, struct err *e)
{
    struct s3_call c = {
        .verb = "remove", .method = "DELETE", .key = v->key, .accept = s3_answer_of_remove};
    int rc;

    if (v->id != NULL) {
        s3_query_add(&c.query, "versionId", v->id);
    }
    rc = s3_call(s, &c, e);
    s3_call_free(&c);
    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = 0;
    }
    return rc;
}

int
s3_remove_versions(struct storage *st, const struct object_version *v, size_t n, struct err *e)
{
    struct s3_storage *s = s3_self(st);

    for (size_t i = 0; i < n;) {
        size_t many = n - i < BATCH ? n - i : BATCH;

        if (many > 1 && !atomic_load(&s->no_bulk)) {
            int rc = remove_batch(s, v + i, many, e);

            if (rc < 0) {
                return -1;
            }
            if (rc > 0) {
                atomic_store(&s->no_bulk, true);
            } else {
                i += many;
            }
            continue;
        }
        if (remove_one(s, &v[i], e) != 0) {
            return -1;
        }
        i++;
    }
    return 0;
}

int
s3_remove(struct storage *st, const char *const *keys, size_t n, struct err *e)
{
    struct object_version *v = xcalloc(n + 1, sizeof *v);
    int                    rc;

    for (size_t i = 0; i < n; i++) {
        v[i].key = keys[i]; /* no id: the version that a plain read returns */
    }
    rc = s3_remove_versions(st, v, n, e);
    free(v);
    return rc;
}
