/*
 * Credentials from the environment of the process: a container's agent, or an EC2 instance's
 * metadata service.
 */
#include <curl/curl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "core/mem.h"
#include "storage/drivers/aws/http.h"
#include "storage/drivers/aws/source.h"

enum { SMALL_FILE_MAX = 16 << 10, ROLE_MAX = 128 };

/* The reason in a refusal. */
static int
refused(struct buf *answer, int status, const char *host, struct err *e)
{
    struct err ignored = ERR_INIT;
    json_t    *j = json_read(buf_str(answer), answer->len, &ignored);

    (void)aws_refused(host, status, json_opt_str(j, "code", json_opt_str(j, "Code", "")),
                      json_opt_str(j, "message", json_opt_str(j, "Message", "")), e);
    json_decref(j);
    return -1;
}

/* ---- container ---- */

static bool
host_allowed(const char *scheme, const char *host)
{
    static const char *const plain[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23",
                                        "[fd00:ec2::23]"};

    if (strcasecmp(scheme, "http") != 0) {
        return strcasecmp(scheme, "https") == 0;
    }
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcasecmp(host, plain[i]) == 0) {
            return true;
        }
    }
    /* Four numbers: a name that begins with 127. could lead anywhere. */
    return strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == '\0';
}

char *
aws_container_url(const char *relative, const char *full, struct err *e)
{
    CURLU *u = curl_url();
    char  *scheme = NULL;
    char  *host = NULL;
    char  *url = relative != NULL
         ? xasprintf("http://169.254.170.2%s%s", *relative == '/' ? "" : "/", relative)
         : xstrdup(full);
    bool   good = false;

    if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        err_set(e, ERR_USAGE, "AWS_CONTAINER_CREDENTIALS_%s_URI is not a URL",
                relative != NULL ? "RELATIVE" : "FULL");
    } else if (!host_allowed(scheme, host)) {
        err_set(e, ERR_USAGE,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI names host \"%s\", which may not be queried "
                "without https",
                host);
        (void)err_hint(e,
                       "allowed are https, this host (127.0.0.1, [::1], localhost), and the agents "
                       "of ECS and EKS");
    } else {
        good = true;
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
    if (!good) {
        free(url);
        url = NULL;
    }
    return url;
}

/* "Authorization: …" into header, or nothing when no token is required. */
static int
authorization(struct buf *header, struct err *e)
{
    const char *path = aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *given = aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    struct buf  file = BUF_INIT(SMALL_FILE_MAX);
    int         rc = 0;

    if (path != NULL) {
        rc = aws_read_file(path, &file, e);
        given = buf_str(&file);
    }
    if (rc == 0 && given != NULL) {
        rc = aws_secret_reserve(header, e) != 0 || buf_puts(header, "Authorization: ", e) != 0 ||
                buf_puts(header, given, e) != 0
            ? -1
            : 0;
        if (rc == 0 && strpbrk(given, "\r\n") != NULL) {
            rc = err_set(e, ERR_AUTH, "the container's authorization token has more than one line");
        }
    }
    aws_secret_free(&file);
    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        e->kind = ERR_AUTH;
    }
    return rc;
}

static int
ask_container(const char *url, const char *header, struct aws_credentials *out, struct err *e)
{
    struct strlist     headers = {.v = (char *[]){(char *)(uintptr_t)header},
                                  .n = *header == '\0' ? 0 : 1};
    struct aws_request r = {.method = "GET",
                            .url = url,
                            .headers = &headers,
                            .connect_ms = 2000,
                            .total_ms = 5000,
                            .tries = 3,
                            .local = true};
    struct buf         answer = BUF_INIT(AWS_ANSWER_MAX);
    char              *host = aws_url_host(url);
    int                status;
    int                rc = aws_http(&r, &answer, &status, e);

    if (rc == 0 && status != 200) {
        rc = refused(&answer, status, host, e);
    } else if (rc == 0) {
        rc = aws_credentials_json(&answer, "Token", "the container service's answer", out, e);
    }
    aws_secret_free(&answer);
    free(host);
    return rc;
}

int
aws_from_container(struct aws_credentials *out, struct err *e)
{
    const char *relative = aws_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = aws_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct buf  header = BUF_INIT(SMALL_FILE_MAX + 64);
    char       *url;
    int         rc = -1;

    if (relative == NULL && full == NULL) {
        return err_set(e, ERR_NOT_FOUND, "AWS_CONTAINER_CREDENTIALS_FULL_URI is not set");
    }
    url = aws_container_url(relative, full, e);
    if (url != NULL && authorization(&header, e) == 0) {
        rc = ask_container(url, buf_str(&header), out, e);
    }
    aws_secret_free(&header);
    free(url);
    return rc;
}

/* ---- instance (IMDSv2) ---- */

struct imds {
    const char *base;                       /* the service's URL */
    char        token[AWS_ANSWER_MAX / 16]; /* the header that every request needs */
};

static const char *
imds_base(void)
{
    const char *given = aws_env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = aws_env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");

    if (given != NULL) {
        return given;
    }
    return mode != NULL && strcasecmp(mode, "IPv6") == 0 ? "http://[fd00:ec2::254]"
                                                         : "http://169.254.169.254";
}

static int
imds_ask(const struct imds *m, const char *method, const char *path, const char *header,
         struct buf *answer, int *status, struct err *e)
{
    size_t n = strlen(m->base);
    char  *url = xasprintf("%.*s%s", (int)(n > 0 && m->base[n - 1] == '/' ? n - 1 : n), m->base,
                           path);
    struct strlist     headers = {.v = (char *[]){(char *)(uintptr_t)header}, .n = 1};
    struct aws_request r = {.method = method,
                            .url = url,
                            .headers = &headers,
                            .connect_ms = 1000,
                            .total_ms = 2000,
                            .tries = 1,
                            .local = true};
    int                rc = aws_http(&r, answer, status, e);

    free(url);
    return rc;
}

/* Also finds out whether there is such a service: this address is used for nothing else. */
static int
imds_token(struct imds *m, struct err *e)
{
    struct buf answer = BUF_INIT(sizeof m->token - 64);
    char      *host = aws_url_host(m->base);
    int        status;
    int        rc = -1;

    if (imds_ask(m, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21600",
                 &answer, &status, e) != 0) {
        if (e->kind == ERR_IO) {
            err_set(e, ERR_NOT_FOUND, "no metadata service at %s", host);
        }
    } else if (status != 200 || answer.len == 0 || strpbrk(buf_str(&answer), "\r\n") != NULL) {
        err_set(e, ERR_AUTH, "%s gave no session token (%d)", host, status);
        (void)err_hint(e,
                       "there are none in the environment, nor in ~/.aws of the user who runs "
                       "this; "
                       "AWS_EC2_METADATA_DISABLED=true if this is no EC2 instance");
    } else {
        (void)snprintf(m->token, sizeof m->token, "X-aws-ec2-metadata-token: %s", buf_str(&answer));
        rc = 0;
    }
    aws_secret_free(&answer);
    free(host);
    return rc;
}

/* GET; ERR_NOT_FOUND on 404. */
static int
imds_get(const struct imds *m, const char *path, struct buf *answer, struct err *e)
{
    char *host = aws_url_host(m->base);
    int   status;
    int   rc = imds_ask(m, "GET", path, m->token, answer, &status, e);

    if (rc == 0 && status == 404) {
        rc = err_set(e, ERR_NOT_FOUND, "the instance has no role");
    } else if (rc == 0 && status != 200) {
        rc = refused(answer, status, host, e);
    }
    free(host);
    return rc;
}

static int
imds_role(const struct imds *m, char role[ROLE_MAX], struct err *e)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-";
    struct buf answer = BUF_INIT(KIB);
    int        rc = imds_get(m, "/latest/meta-data/iam/security-credentials/", &answer, e);

    if (rc == 0) {
        const char *text = buf_str(&answer);
        size_t      n = strcspn(text, "\r\n");

        if (n == 0) {
            rc = err_set(e, ERR_NOT_FOUND, "the instance has no role");
        } else if (n >= ROLE_MAX || strspn(text, allowed) < n) {
            rc = err_set(e, ERR_CORRUPT, "the metadata service's answer is not a role's name");
        } else {
            (void)snprintf(role, ROLE_MAX, "%.*s", (int)n, text);
        }
    }
    buf_free(&answer);
    return rc;
}

/* "Code": "Success", or what went wrong. */
static int
imds_success(struct buf *answer, const char *role, struct err *e)
{
    struct err  ignored = ERR_INIT;
    json_t     *j = json_read(buf_str(answer), answer->len, &ignored);
    const char *code = json_opt_str(j, "Code", "Success");
    int         rc = 0;

    if (strcmp(code, "Success") != 0) {
        rc = err_set(e, ERR_AUTH, "the metadata service has no credentials for role \"%s\": %.100s",
                     role, code);
    }
    json_decref(j);
    return rc;
}

int
aws_from_instance(struct aws_credentials *out, struct err *e)
{
    const char *off = aws_env("AWS_EC2_METADATA_DISABLED");
    struct imds m = {.base = imds_base()};
    struct buf  answer = BUF_INIT(AWS_ANSWER_MAX);
    char        role[ROLE_MAX];
    char       *path = NULL;
    int         rc = -1;

    if (off != NULL && strcasecmp(off, "true") == 0) {
        return err_set(e, ERR_NOT_FOUND, "AWS_EC2_METADATA_DISABLED is true");
    }
    if (imds_token(&m, e) == 0 && imds_role(&m, role, e) == 0) {
        path = xasprintf("/latest/meta-data/iam/security-credentials/%s", role);
        rc = imds_get(&m, path, &answer, e) != 0 || imds_success(&answer, role, e) != 0
            ? -1
            : aws_credentials_json(&answer, "Token", "the metadata service's answer", out, e);
    }
    aws_secret_free(&answer);
    sodium_memzero(m.token, sizeof m.token);
    free(path);
    return rc;
}
