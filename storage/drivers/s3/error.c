#include "storage/drivers/s3/error.h"

#include <stdlib.h>
#include <string.h>

static bool
is_one_of(const char *code, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(code, *list) == 0) {
            return true;
        }
    }
    return false;
}

/* With any status: stores differ in it. */
static const char *const transient_codes[] = {
    "InternalError", "ServiceUnavailable", "SlowDown", "RequestTimeout", "Throttling",
    "ThrottlingException", "TooManyRequests", "RequestLimitExceeded", "OperationAborted",
    "ConditionalRequestConflict",
    /* bytes were lost or altered on the way */
    "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch",
    NULL};
static const char *const clock_codes[] = {"RequestTimeTooSkewed", "RequestExpired", NULL};
static const char *const expired_codes[] = {"ExpiredToken", "ExpiredTokenException",
                                            "TokenRefreshRequired", "InvalidToken", NULL};
static const char *const key_codes[] = {"NoSuchKey", "NotFound", "NoSuchVersion", NULL};
static const char *const auth_codes[] = {"InvalidAccessKeyId", "SignatureDoesNotMatch",
                                         "InvalidSecurity",    "AccountProblem",
                                         "NotSignedUp",        NULL};

enum s3_meaning
s3_error_meaning(const struct s3_call *c)
{
    int         status = c->answer.status;
    const char *code = c->error.code;

    if (is_one_of(code, transient_codes)) {
        return S3_TRANSIENT;
    }
    if (is_one_of(code, clock_codes)) {
        return S3_CLOCK;
    }
    if (is_one_of(code, expired_codes)) {
        return S3_EXPIRED;
    }
    if (status == 429 || status == 408 || (status >= 500 && status != 501 && status != 505)) {
        return S3_TRANSIENT;
    }
    if (strcmp(c->method, "HEAD") == 0 && status != 404 && status != 412) {
        return S3_UNCLEAR;
    }
    return S3_FINAL;
}

/* The region that the store expects. */
static const char *
right_region(const struct s3_call *c)
{
    const char *header = s3_answer_header(&c->answer, "x-amz-bucket-region");

    return header != NULL ? header : c->error.region[0] != '\0' ? c->error.region : NULL;
}

static int
report_region(const struct s3_storage *s, const struct s3_call *c, struct err *e)
{
    const char *region = right_region(c);

    err_set(e, ERR_USAGE, "bucket \"%s\" is not in region %s", s->set.bucket, s->set.region);
    if (region != NULL && strcmp(region, s->set.region) != 0) {
        return err_hint(e, "set region = %.60s (--repo-option region=%.60s)", region, region);
    }
    if (c->error.endpoint[0] != '\0') {
        return err_hint(e, "the store says: endpoint %s", c->error.endpoint);
    }
    return err_hint(e, "set region and endpoint to those of the bucket");
}

static bool
is_about_region(const struct s3_call *c)
{
    return (c->answer.status >= 300 && c->answer.status < 400) ||
        strcmp(c->error.code, "PermanentRedirect") == 0 ||
        strcmp(c->error.code, "TemporaryRedirect") == 0 ||
        strcmp(c->error.code, "IllegalLocationConstraintException") == 0 ||
        (strcmp(c->error.code, "AuthorizationHeaderMalformed") == 0 && right_region(c) != NULL);
}

static int
report_denied(const struct s3_storage *s, const struct s3_call *c, struct err *e)
{
    err_set(e, ERR_AUTH, "the store refuses it");
    if (strcmp(c->error.code, "InvalidAccessKeyId") == 0) {
        return err_hint(e,
                        "the store does not know the access key: are these the credentials of this "
                        "store?");
    }
    if (strcmp(c->error.code, "SignatureDoesNotMatch") == 0) {
        return err_hint(e,
                        "the secret key does not belong to this access key, or something in "
                        "between changes requests");
    }
    if (strcmp(c->error.code, "InvalidObjectState") == 0) {
        return err_hint(e,
                        "the object is archived: have the store restore it, and keep backups in a "
                        "class that is "
                        "readable at once");
    }
    if (c->error.region[0] != '\0' && strcmp(c->error.region, s->set.region) != 0) {
        return err_hint(e, "set region = %s (--repo-option region=%s)", c->error.region,
                        c->error.region);
    }
    return err_hint(e, "may these credentials %s objects of bucket %s, below \"%s\"?", c->verb,
                    s->set.bucket, s->set.prefix);
}

/* Stores have several codes for an object that needs a customer's key, or a different one; for the
 * former their messages are similar. */
static bool
is_about_customer_key(const struct s3_storage *s, const struct s3_call *c)
{
    int  status = c->answer.status;
    bool reads = strcmp(c->method, "GET") == 0 || strcmp(c->method, "HEAD") == 0;

    if (!reads || c->key == NULL || (status != 400 && status != 403)) {
        return false;
    }
    if (s->set.customer_key != NULL) {
        return status == 400 || strcmp(c->error.code, "AccessDenied") == 0;
    }
    return strcasestr(c->error.message, "server side encryption") != NULL ||
        strstr(c->error.message, "SSE-C") != NULL;
}

static int
report_customer_key(const struct s3_storage *s, const struct s3_call *c, struct err *e)
{
    err_set(e, c->answer.status == 403 ? ERR_AUTH : ERR_IO, "the store refuses it");
    if (s->set.customer_key == NULL) {
        return err_hint(e,
                        "the object is encrypted with a key that the store does not keep: set "
                        "sse-customer-key-file (--repo-option sse-customer-key-file=FILE)");
    }
    return err_hint(e,
                    "was it stored with the key in sse-customer-key-file? And may these "
                    "credentials %s objects of bucket %s, below \"%s\"?",
                    c->verb, s->set.bucket, s->set.prefix);
}

/* The meaning, as the inner part of the message. */
static int
report(const struct s3_storage *s, const struct s3_call *c, struct err *e)
{
    int         status = c->answer.status;
    const char *code = c->error.code;

    if (strcmp(code, "NoSuchBucket") == 0) {
        err_set(e, ERR_IO, "there is no bucket \"%s\"", s->set.bucket);
        return err_hint(e,
                        "make it with the store's own tools, or correct the name, the endpoint or "
                        "the region");
    }
    if (is_about_region(c)) {
        return report_region(s, c, e);
    }
    if (status == 404 && (strcmp(c->method, "HEAD") == 0 || is_one_of(code, key_codes))) {
        return err_set(e, ERR_NOT_FOUND, "does not exist");
    }
    if (s3_error_meaning(c) == S3_CLOCK) {
        err_set(e, ERR_IO,
                "the clocks of this host and of the store differ by more than the store allows");
        return err_hint(e, "set this host's clock (NTP)");
    }
    if (s3_error_meaning(c) == S3_EXPIRED) {
        err_set(e, ERR_AUTH, "the credentials have expired");
        return err_hint(e, "renew them, or configure a source that renews them automatically");
    }
    if (is_about_customer_key(s, c)) {
        return report_customer_key(s, c, e);
    }
    if (status == 401 || status == 403 || is_one_of(code, auth_codes)) {
        return report_denied(s, c, e);
    }
    err_set(e, ERR_IO, "the store refuses it");
    if (code[0] == '\0' && status < 500) {
        err_hint(e, "this is not the answer of an S3 store: is the endpoint (%s://%s) right?",
                 s->set.tls ? "https" : "http", s->set.host);
    }
    return -1;
}

int
s3_error_report(const struct s3_storage *s, const struct s3_call *c, struct err *e)
{
    size_t n;

    (void)report(s, c, e);
    e->transient = s3_error_meaning(c) == S3_TRANSIENT;
    if (e->kind == ERR_NOT_FOUND) {
        return -1;
    }
    n = strlen(e->text);
    (void)snprintf(e->text + n, sizeof e->text - n, " (HTTP %d%s%s)%s%s", c->answer.status,
                   c->error.code[0] == '\0' ? "" : " ", c->error.code,
                   c->error.message[0] == '\0' ? "" : ": ", c->error.message);
    return -1;
}
