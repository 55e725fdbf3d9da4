#include "storage/aws_sts.h"

#include <ctype.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/enc.h"
#include "core/mem.h"
#include "storage/aws_http.h"
#include "storage/aws_source.h"

enum { DEPTH_MAX = 16, NAME_MAX_BYTES = 64, TEXT_MAX = 16 << 10, TOKEN_MAX = 16 << 10, BODY_MAX = 64 << 10 };
enum { CONNECT_MS = 3000, TOTAL_MS = 10000, TRIES = 3 };

/* ---- the answer ---- */

enum leaf { ACCESS, SECRET, TOKEN, EXPIRATION, CODE, MESSAGE, N_LEAVES };

static const struct {
    const char *parent, *name;
} leaves[N_LEAVES] = {
    [ACCESS] = {"Credentials", "AccessKeyId"}, [SECRET] = {"Credentials", "SecretAccessKey"},
    [TOKEN] = {"Credentials", "SessionToken"}, [EXPIRATION] = {"Credentials", "Expiration"},
    [CODE] = {"Error", "Code"},                [MESSAGE] = {"Error", "Message"},
};

struct answer {
    XML_Parser parser;
    char       stack[DEPTH_MAX][NAME_MAX_BYTES];   /* names of the open elements */
    size_t     depth;
    struct buf text;                               /* since the last tag */
    char      *leaf[N_LEAVES];
};

static void XMLCALL
begin_element(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct answer *a = ctx;

    (void)attributes;
    if (a->depth == DEPTH_MAX || strlen(name) >= NAME_MAX_BYTES) {
        (void)XML_StopParser(a->parser, XML_FALSE);
        return;
    }
    memcpy(a->stack[a->depth++], name, strlen(name) + 1);
    buf_clear(&a->text);
}

static void XMLCALL
end_element(void *ctx, const XML_Char *name)
{
    struct answer *a = ctx;
    const char    *parent = a->depth >= 2 ? a->stack[a->depth - 2] : "";

    for (int i = 0; i < N_LEAVES; i++) {
        if (a->leaf[i] == NULL && strcmp(parent, leaves[i].parent) == 0 && strcmp(name, leaves[i].name) == 0) {
            a->leaf[i] = xstrdup(buf_str(&a->text));
        }
    }
    buf_clear(&a->text);
    a->depth--;
}

static void XMLCALL
characters(void *ctx, const XML_Char *text, int n)
{
    struct answer *a = ctx;
    struct err     full = ERR_INIT;

    if (buf_append(&a->text, text, (size_t)n, &full) != 0) {
        (void)XML_StopParser(a->parser, XML_FALSE);
    }
}

/* No answer has one: what it could declare is of no use to us. */
static void XMLCALL
doctype(void *ctx, const XML_Char *a, const XML_Char *b, const XML_Char *c, int d)
{
    (void)a, (void)b, (void)c, (void)d;
    (void)XML_StopParser(((struct answer *)ctx)->parser, XML_FALSE);
}

static int
parse(struct answer *a, const char *xml, size_t n, struct err *e)
{
    int rc = -1;

    if (aws_secret_reserve(&a->text, e) != 0) {
        return -1;
    }
    a->parser = XML_ParserCreate(NULL);
    if (a->parser == NULL) {
        return err_set(e, ERR_IO, "out of memory");
    }
    XML_SetUserData(a->parser, a);
    XML_SetElementHandler(a->parser, begin_element, end_element);
    XML_SetCharacterDataHandler(a->parser, characters);
    XML_SetStartDoctypeDeclHandler(a->parser, doctype);
    rc = XML_Parse(a->parser, xml, (int)n, 1) == XML_STATUS_OK ? 0 : -1;
    XML_ParserFree(a->parser);
    return rc;
}

static int
judge(const struct answer *a, int status, const char *host, struct aws_credentials *out, struct err *e)
{
    struct err detail = ERR_INIT;

    if (a->leaf[CODE] != NULL || status != 200) {
        const char *code = a->leaf[CODE] == NULL ? "" : a->leaf[CODE];
        const char *message = a->leaf[MESSAGE] == NULL ? "" : a->leaf[MESSAGE];

        err_set(e, ERR_AUTH, "%s refused (%d%s%s)%s%.300s", host, status, *code == '\0' ? "" : " ", code,
                *message == '\0' ? "" : ": ", message);
        utf8_clean(e->text);
        return -1;
    }
    if (a->leaf[ACCESS] == NULL || a->leaf[SECRET] == NULL || a->leaf[TOKEN] == NULL || a->leaf[EXPIRATION] == NULL) {
        return err_set(e, ERR_CORRUPT, "the answer of %s holds no credentials", host);
    }
    if (aws_credentials_set(out, a->leaf[ACCESS], a->leaf[SECRET], a->leaf[TOKEN], "the answer", e) != 0) {
        return -1;
    }
    if (aws_time(a->leaf[EXPIRATION], &out->expires, &detail) != 0) {
        aws_credentials_free(out);
        return err_set(e, ERR_CORRUPT, "the Expiration in the answer of %s is not a time", host);
    }
    return 0;
}

int
aws_sts_parse(const char *xml, size_t n, int status, const char *host, struct aws_credentials *out, struct err *e)
{
    struct answer a = {.text = BUF_INIT(TEXT_MAX)};
    int           rc = parse(&a, xml, n, e);

    if (rc != 0 && status == 200) {
        err_set(e, ERR_CORRUPT, "the answer of %s is not an STS answer", host);
    } else {
        rc = judge(&a, status, host, out, e);
    }
    for (int i = 0; i < N_LEAVES; i++) {
        aws_secret_free_text(a.leaf[i]);
    }
    aws_secret_free(&a.text);
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
    if (buf_puts(body, body->len == 0 ? "" : "&", e) != 0 || buf_puts(body, name, e) != 0 || buf_puts(body, "=", e) != 0) {
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

static bool
is_region(const char *s)
{
    return s != NULL && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' && strchr(s, '-') != NULL;
}

static char *
endpoint(const char *region)
{
    const char *given = aws_env("AWS_ENDPOINT_URL_STS");

    if (given == NULL) {
        given = aws_env("AWS_ENDPOINT_URL");
    }
    if (given != NULL) {
        return xstrdup(given);
    }
    if (aws_env("AWS_DEFAULT_REGION") != NULL) {
        region = aws_env("AWS_DEFAULT_REGION");
    }
    if (aws_env("AWS_REGION") != NULL) {
        region = aws_env("AWS_REGION");
    }
    return is_region(region) ? xasprintf("https://sts.%s.amazonaws.com%s/", region,
                                         strncmp(region, "cn-", 3) == 0 ? ".cn" : "")
                             : xstrdup("https://sts.amazonaws.com/");
}

/* pgassay-<host>: what shows in the audit log when nobody named the session. */
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
                   add_field(body, "Action", token == NULL ? "AssumeRole" : "AssumeRoleWithWebIdentity", e) != 0 ||
                   add_field(body, "Version", "2011-06-15", e) != 0 || add_field(body, "RoleArn", r->arn, e) != 0 ||
                   add_field(body, "RoleSessionName", r->session == NULL ? session : r->session, e) != 0 ||
                   add_field(body, "DurationSeconds", r->duration, e) != 0 ||
                   add_field(body, "ExternalId", r->external_id, e) != 0 ||
                   add_field(body, "WebIdentityToken", token, e) != 0
               ? -1
               : 0;
}

static int
post(const char *url, struct buf *body, struct aws_credentials *out, struct err *e)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", "Accept: text/xml", NULL};
    struct aws_request       request = {.method = "POST", .url = url, .headers = headers, .body = buf_str(body),
                                        .connect_ms = CONNECT_MS, .total_ms = TOTAL_MS, .tries = TRIES};
    struct buf               answer = BUF_INIT(AWS_ANSWER_MAX);
    char                    *host = aws_url_host(url);
    int                      status;
    int                      rc = aws_http(&request, &answer, &status, e);

    if (rc == 0) {
        rc = aws_sts_parse(buf_str(&answer), answer.len, status, host, out, e);
    }
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

    if (r->token_file == NULL) {
        err_set(e, ERR_USAGE, "roles are assumed with a web identity only");
    } else if (aws_read_file(r->token_file, &token, e) != 0) {
        e->kind = ERR_AUTH;     /* a token that is missing is no source that is not set up */
    } else if (make_body(r, buf_str(&token), &body, e) == 0) {
        rc = post(url, &body, out, e);
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
