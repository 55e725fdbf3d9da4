#include "storage/drivers/aws/sts.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/human.h"
#include "core/mem.h"
#include "storage/drivers/aws/http.h"
#include "storage/drivers/aws/sign.h"
#include "storage/drivers/aws/source.h"
#include "storage/drivers/aws/xml.h"

enum { TOKEN_MAX = 16 << 10, BODY_MAX = 64 << 10 };
enum { CONNECT_MS = 3000, TOTAL_MS = 10000, TRIES = 3 };

/* ---- the answer ---- */

enum leaf { ACCESS, SECRET, TOKEN, EXPIRATION, CODE, MESSAGE, N_LEAVES };

static const char *const leaves[N_LEAVES] = {
    [ACCESS] = "Credentials/AccessKeyId",
    [SECRET] = "Credentials/SecretAccessKey",
    [TOKEN] = "Credentials/SessionToken",
    [EXPIRATION] = "Credentials/Expiration",
    [CODE] = "Error/Code",
    [MESSAGE] = "Error/Message",
};

struct answer {
    char *leaf[N_LEAVES];
};

/* path: "AssumeRoleResult/Credentials/AccessKeyId", or "Error/Code". */
static void
element(void *ctx, const char *path, const char *text)
{
    struct answer *a = ctx;
    size_t         n = strlen(path);

    for (int i = 0; text != NULL && i < N_LEAVES; i++) {
        size_t tail = strlen(leaves[i]);

        if (a->leaf[i] == NULL && n >= tail && strcmp(path + n - tail, leaves[i]) == 0 &&
            (n == tail || path[n - tail - 1] == '/')) {
            a->leaf[i] = xstrdup(text);
        }
    }
}

static int
judge(const struct answer *a, int status, const char *host, struct aws_credentials *out,
      struct err *e)
{
    struct err detail = ERR_INIT;

    if (a->leaf[CODE] != NULL || status != 200) {
        return aws_refused(host, status, a->leaf[CODE] == NULL ? "" : a->leaf[CODE],
                           a->leaf[MESSAGE] == NULL ? "" : a->leaf[MESSAGE], e);
    }
    if (a->leaf[ACCESS] == NULL || a->leaf[SECRET] == NULL || a->leaf[TOKEN] == NULL ||
        a->leaf[EXPIRATION] == NULL) {
        return err_set(e, ERR_CORRUPT, "the answer of %s holds no credentials", host);
    }
    if (aws_credentials_set(out, a->leaf[ACCESS], a->leaf[SECRET], a->leaf[TOKEN], "the answer",
                            e) != 0) {
        return -1;
    }
    if (aws_time(a->leaf[EXPIRATION], &out->expires, &detail) != 0) {
        aws_credentials_free(out);
        return err_set(e, ERR_CORRUPT, "the Expiration in the answer of %s is not a time", host);
    }
    return 0;
}

int
aws_sts_parse(const char *xml, size_t n, int status, const char *host, struct aws_credentials *out,
              struct err *e)
{
    struct answer a = {{NULL}};
    struct err    detail = ERR_INIT;
    int rc = s3_xml_parse(&(struct s3_xml){.element = element, .ctx = &a}, xml, n, &detail);

    if (rc != 0 && status == 200) {
        err_set(e, ERR_CORRUPT, "the answer of %s is not an STS answer", host);
    } else {
        rc = judge(&a, status, host, out, e);
    }
    for (int i = 0; i < N_LEAVES; i++) {
        aws_secret_free_text(a.leaf[i]);
    }
    return rc;
}

/* ---- the request ---- */

/* "&name=value", percent-encoded; no copy is left elsewhere, unlike with buf_printf(). */
static int
add_field(struct buf *body, const char *name, const char *value, struct err *e)
{
    static const char digits[] = "0123456789ABCDEF";

    if (value == NULL) {
        return 0;
    }
    if (buf_puts(body, body->len == 0 ? "" : "&", e) != 0 || buf_puts(body, name, e) != 0 ||
        buf_puts(body, "=", e) != 0) {
        return -1;
    }
    for (const char *p = value; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        char          hex[3] = {'%', digits[c >> 4], digits[c & 15]};
        bool          plain = isalnum(c) || strchr("-_.~", c) != NULL;

        if (buf_append(body, plain ? p : hex, plain ? 1 : sizeof hex, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* AWS_REGION, AWS_DEFAULT_REGION, the profile's; NULL: none of them, or no region of AWS. */
static const char *
sts_region(const char *profile)
{
    const char *region = aws_env("AWS_REGION");

    if (region == NULL) {
        region = aws_env("AWS_DEFAULT_REGION");
    }
    if (region == NULL) {
        region = profile;
    }
    return region != NULL &&
            region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' &&
            strchr(region, '-') != NULL
        ? region
        : NULL;
}

static const char *
endpoint_given(void)
{
    const char *given = aws_env("AWS_ENDPOINT_URL_STS");

    return given != NULL ? given : aws_env("AWS_ENDPOINT_URL");
}

static char *
endpoint(const char *profile_region)
{
    const char *given = endpoint_given();
    const char *region = sts_region(profile_region);

    if (given != NULL) {
        return xstrdup(given);
    }
    return region != NULL ? xasprintf("https://sts.%s.amazonaws.com%s/", region,
                                      strncmp(region, "cn-", 3) == 0 ? ".cn" : "")
                          : xstrdup("https://sts.amazonaws.com/");
}

/* pgassay-<host>: shown in the audit log when no session name is set. */
static void
session_name(char out[64])
{
    char host[48] = "";

    (void)gethostname(host, sizeof host - 1);
    for (char *p = host; *p != '\0'; p++) {
        if (!isalnum((unsigned char)*p) && strchr("-_.=,@", *p) == NULL) {
            *p = '-';
        }
    }
    (void)snprintf(out, 64, "pgassay-%s", host);
}

static int
make_body(const struct aws_role *r, const char *token, struct buf *body, struct err *e)
{
    char session[64];

    session_name(session);
    return aws_secret_reserve(body, e) != 0 ||
            add_field(body, "Action", token == NULL ? "AssumeRole" : "AssumeRoleWithWebIdentity",
                      e) != 0 ||
            add_field(body, "Version", "2011-06-15", e) != 0 ||
            add_field(body, "RoleArn", r->arn, e) != 0 ||
            add_field(body, "RoleSessionName", r->session == NULL ? session : r->session, e) != 0 ||
            add_field(body, "DurationSeconds", r->duration, e) != 0 ||
            add_field(body, "ExternalId", r->external_id, e) != 0 ||
            add_field(body, "WebIdentityToken", token, e) != 0
        ? -1
        : 0;
}

/* Signature version 4 of the role's base credentials. */
static void
sign(const struct aws_role *r, const char *url, const struct buf *body, struct strlist *headers)
{
    const char    *authority = strstr(url, "://") + strlen("://");
    size_t         n = strcspn(authority, "/");
    char           at[20];
    char           digest[SHA256_HEX + 1];
    const char    *region = sts_region(r->region);
    char          *value;
    struct s3_sign s = {.method = "POST",
                        .path = authority[n] == '\0' ? "/" : authority + n,
                        .query = "",
                        .headers = headers,
                        .payload_sha256 = digest,
                        .time = time_compact(time(NULL), at, sizeof at),

                        .region = region == NULL ? "us-east-1" : region,
                        .service = "sts",
                        .access_key = r->base->access_key,
                        .secret_key = r->base->secret_key};

    sha256_hex(body->data, body->len, digest);
    strlist_take(headers, xasprintf("Host: %.*s", (int)n, authority));
    strlist_take(headers, xasprintf("X-Amz-Date: %s", at));
    if (r->base->session_token != NULL) {
        strlist_take(headers, xasprintf("X-Amz-Security-Token: %s", r->base->session_token));
    }
    value = s3_sign_authorization(&s);
    strlist_take(headers, xasprintf("Authorization: %s", value));
    free(value);
}

static int
post(const struct aws_role *r, const char *url, struct buf *body, struct aws_credentials *out,
     struct err *e)
{
    struct strlist     headers = {0};
    struct aws_request request = {.method = "POST",
                                  .url = url,
                                  .body = buf_str(body),
                                  .connect_ms = CONNECT_MS,
                                  .total_ms = TOTAL_MS,
                                  .tries = TRIES};
    struct buf         answer = BUF_INIT(AWS_ANSWER_MAX);
    char              *host = aws_url_host(url);
    int                status;
    int                rc;

    strlist_add(&headers, "Content-Type: application/x-www-form-urlencoded");
    strlist_add(&headers, "Accept: text/xml");
    if (r->token_file == NULL) {
        sign(r, url, body, &headers);
    }
    request.headers = &headers;
    rc = aws_http(&request, &answer, &status, e);
    if (rc == 0) {
        rc = aws_sts_parse(buf_str(&answer), answer.len, status, host, out, e);
    }
    for (size_t i = 0; i < headers.n; i++) {
        sodium_memzero(headers.v[i], strlen(headers.v[i]));
    }
    strlist_free(&headers);
    aws_secret_free(&answer);
    free(host);
    return rc;
}

int
aws_assume_role(const struct aws_role *r, struct aws_credentials *out, struct err *e)
{
    struct buf token = BUF_INIT(TOKEN_MAX);
    struct buf body = BUF_INIT(BODY_MAX);
    char      *url = endpoint(r->region);
    int        rc = -1;

    if (strstr(url, "://") == NULL) {
        err_set(e, ERR_USAGE, "the endpoint of STS \"%s\" is not a URL", url);
    } else if (r->token_file != NULL && aws_read_file(r->token_file, &token, e) != 0) {
        e->kind = ERR_AUTH; /* a missing token is a failure, not an unconfigured source */
    } else if (make_body(r, r->token_file == NULL ? NULL : buf_str(&token), &body, e) == 0) {
        rc = post(r, url, &body, out, e);
    }
    free(url);
    aws_secret_free(&body);
    aws_secret_free(&token);
    return rc;
}

int
aws_from_web_identity(struct aws_credentials *out, struct err *e)
{
    struct aws_role r = {.arn = aws_env("AWS_ROLE_ARN"),
                         .token_file = aws_env("AWS_WEB_IDENTITY_TOKEN_FILE"),
                         .session = aws_env("AWS_ROLE_SESSION_NAME")};

    if (r.token_file == NULL) {
        return err_set(e, ERR_NOT_FOUND, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    }
    if (r.arn == NULL) {
        return err_set(e, ERR_AUTH, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but not AWS_ROLE_ARN");
    }
    return aws_assume_role(&r, out, e);
}
