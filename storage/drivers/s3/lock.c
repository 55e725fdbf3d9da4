/* Object Lock: headers of a PUT that locks, extending a lock, and reading back the result. */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "storage/drivers/aws/uri.h"
#include "storage/drivers/s3/call.h"
#include "storage/drivers/s3/s3.h"

static const char *
mode(const struct s3_storage *s)
{
    return s->set.lock == S3_LOCK_COMPLIANCE ? "COMPLIANCE" : "GOVERNANCE";
}

int
s3_lock_allowed(const struct s3_storage *s, const struct blob *blob, struct err *e)
{
    long off = atomic_load(&s->clock_offset);
    char text[32];

    if (blob->retain_until == 0 || labs(off) <= CLOCK_OFF_MAX) {
        return 0;
    }
    err_set(e, ERR_IO,
            "this host's clock is %s %s the store's: what is written would be locked for too %s",
            duration_human((double)labs(off), text, sizeof text), off > 0 ? "behind" : "ahead of",
            off > 0 ? "short" : "long");
    return err_hint(e, "set the clock: a lock cannot be shortened");
}

void
s3_lock_headers(const struct s3_storage *s, const struct blob *blob, struct strlist *headers)
{
    char until[32];

    if (blob->retain_until != 0) {
        strlist_take(headers, xasprintf("x-amz-object-lock-mode: %s", mode(s)));
        strlist_take(headers,
                     xasprintf("x-amz-object-lock-retain-until-date: %s",
                               time_rfc3339(blob->retain_until, until, sizeof until)));
    }
}

time_t
s3_lock_shown(const struct s3_answer *a)
{
    const char *m = s3_answer_header(a, "x-amz-object-lock-mode");
    const char *text = s3_answer_header(a, "x-amz-object-lock-retain-until-date");
    time_t      until;

    /* Without a mode it is no lock: a store that answers 200 to everything might return only the
     * date. */
    if (m == NULL || text == NULL ||
        (strcmp(m, "GOVERNANCE") != 0 && strcmp(m, "COMPLIANCE") != 0) ||
        s3_time(text, &until) != 0) {
        return 0;
    }
    return until;
}

int
s3_lock_check(struct storage *st, const char *key, time_t until, struct err *e)
{
    struct s3_storage *s = s3_self(st);
    struct object_info info = {0};
    char               text[32];
    char              *name;

    if (st->ops->head(st, key, &info, e) != 0) {
        return err_wrap(e, "could not read back the lock");
    }
    if (info.retain_until >= until) {
        return 0;
    }
    name = s3_name(s, key);
    err_set(e, ERR_IO, "\"%s\" is not locked until %s, although the store did not object", name,
            time_rfc3339(until, text, sizeof text));
    free(name);
    return err_hint(e,
                    "the bucket must have been made with Object Lock, the store must support it, "
                    "and the key needs "
                    "s3:PutObjectRetention and s3:GetObjectRetention; \"pgassay storage doctor\" "
                    "tries it");
}

int
s3_retain(struct storage *st, const char *key, time_t until, struct err *e)
{
    struct s3_storage *s = s3_self(st);
    struct s3_call     c = {.verb = "lock", .method = "PUT", .key = key};
    char               text[32];
    char              *body = xasprintf(
                     "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>%s</Mode>"
                                  "<RetainUntilDate>%s</RetainUntilDate></Retention>",
                     mode(s), time_rfc3339(until, text, sizeof text));
    int rc;

    s3_query_add(&c.query, "retention", "");
    strlist_add(&c.headers, "Content-Type: application/xml");
    s3_md5_header(body, strlen(body), &c.headers);
    c.body = body;
    c.body_len = strlen(body);
    rc = s3_call(s, &c, e);
    s3_call_free(&c);
    free(body);
    return rc != 0 ? rc : s3_lock_check(st, key, until, e);
}
