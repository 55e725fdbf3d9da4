#include "storage/drivers/aws/source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/human.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/utf8.h"

const char *
aws_env(const char *name)
{
    const char *v = getenv(name);

    return v == NULL || *v == '\0' ? NULL : v;
}

int
aws_secret_reserve(struct buf *b, struct err *e)
{
    buf_clear(b);
    return buf_reserve(b, b->max, e);
}

void
aws_secret_free(struct buf *b)
{
    if (b->data != NULL) {
        sodium_memzero(b->data, b->cap);
    }
    buf_free(b);
}

void
aws_secret_free_text(char *s)
{
    if (s != NULL) {
        sodium_memzero(s, strlen(s));
        free(s);
    }
}

void
aws_credentials_free(struct aws_credentials *c)
{
    free(c->access_key);
    aws_secret_free_text(c->secret_key);
    aws_secret_free_text(c->session_token);
    *c = (struct aws_credentials)AWS_CREDENTIALS_INIT;
}

void
aws_credentials_copy(struct aws_credentials *to, const struct aws_credentials *from)
{
    to->access_key = xstrdup(from->access_key);
    to->secret_key = xstrdup(from->secret_key);
    to->session_token = from->session_token == NULL ? NULL : xstrdup(from->session_token);
    to->expires = from->expires;
}

/* What a header can hold unchanged. */
static bool
is_plain(const char *s)
{
    const char *p = s;

    while (*p > ' ' && *p <= '~') {
        p++;
    }
    return *p == '\0' && p > s;
}

int
aws_credentials_set(struct aws_credentials *c, const char *access, const char *secret,
                    const char *token, const char *where, struct err *e)
{
    const char *bad = !is_plain(access)     ? "access key"
        : !is_plain(secret)                 ? "secret key"
        : token != NULL && !is_plain(token) ? "session token"
                                            : NULL;

    if (bad != NULL) {
        return err_set(e, ERR_AUTH,
                       "the %s in %s is empty, or holds blanks or characters that no key has", bad,
                       where);
    }
    aws_credentials_free(c);
    *c = (struct aws_credentials){xstrdup(access), xstrdup(secret),
                                  token == NULL ? NULL : xstrdup(token), 0};
    return 0;
}

int
aws_refused(const char *host, int status, const char *code, const char *message, struct err *e)
{
    bool trouble = status == 429 || status >= 500;

    err_set(e, trouble ? ERR_IO : ERR_AUTH, "%s %s (%d%s%.60s)%s%.300s", host,
            trouble ? "failed" : "refused", status, *code == '\0' ? "" : " ", code,
            *message == '\0' ? "" : ": ", message);
    e->transient = trouble;
    utf8_clean(e->text);
    for (char *p = e->text; *p != '\0'; p++) {
        *p = iscntrl((unsigned char)*p) ? ' ' : *p;
    }
    return -1;
}

int
aws_from_environment(struct aws_credentials *out, struct err *e)
{
    const char *access = aws_env("AWS_ACCESS_KEY_ID");
    const char *secret = aws_env("AWS_SECRET_ACCESS_KEY");

    if (access == NULL && secret == NULL) {
        return err_set(e, ERR_NOT_FOUND, "AWS_ACCESS_KEY_ID is not set");
    }
    if (access == NULL || secret == NULL) {
        return err_set(e, ERR_AUTH,
                       "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together, but %s is not "
                       "set",
                       access == NULL ? "the first" : "the second");
    }
    return aws_credentials_set(out, access, secret, aws_env("AWS_SESSION_TOKEN"), "the environment",
                               e);
}

int
aws_time(const char *text, time_t *out, struct err *e)
{
    char        plain[64];
    const char *dot = strchr(text, '.');
    const char *rest = dot == NULL ? "" : dot + 1;

    while (isdigit((unsigned char)*rest)) {
        rest++;
    }
    if (strlen(text) >= sizeof plain) {
        return err_set(e, ERR_CORRUPT, "not a time");
    }
    (void)snprintf(plain, sizeof plain, "%.*s%s",
                   dot == NULL ? (int)strlen(text) : (int)(dot - text), text, rest);
    return time_parse(plain, out, e);
}

/* jansson keeps its own copies of the strings. */
static void
wipe_json(json_t *j)
{
    const char *key;
    json_t     *v;

    json_object_foreach (j, key, v) {
        if (json_is_string(v)) {
            sodium_memzero((void *)(uintptr_t)json_string_value(v), json_string_length(v));
        }
    }
    json_decref(j);
}

int
aws_credentials_json(struct buf *b, const char *token_key, const char *where,
                     struct aws_credentials *out, struct err *e)
{
    struct err  detail = ERR_INIT; /* jansson quotes the offending text, which may be a secret */
    json_t     *j = json_read(buf_str(b), b->len, &detail);
    const char *access = json_opt_str(j, "AccessKeyId", NULL);
    const char *secret = json_opt_str(j, "SecretAccessKey", NULL);
    const char *until = json_opt_str(j, "Expiration", NULL);
    time_t      expires = 0;
    int         rc = -1;

    if (!json_is_object(j)) {
        err_set(e, ERR_CORRUPT, "%s is not a JSON object", where);
    } else if (access == NULL || secret == NULL) {
        err_set(e, ERR_CORRUPT, "%s has no AccessKeyId and SecretAccessKey", where);
    } else if (until != NULL && aws_time(until, &expires, &detail) != 0) {
        err_set(e, ERR_CORRUPT, "the Expiration in %s is not a time", where);
    } else {
        rc = aws_credentials_set(out, access, secret, json_opt_str(j, token_key, NULL), where, e);
        out->expires = expires;
    }
    wipe_json(j);
    return rc;
}

int
aws_read_file(const char *path, struct buf *b, struct err *e)
{
    int     fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;

    if (fd < 0) {
        bool nowhere = errno == ENOTDIR; /* HOME=/dev/null */

        err_errno(e, "could not open \"%s\"", path);
        e->kind = nowhere ? ERR_NOT_FOUND : e->kind;
        return -1;
    }
    if (aws_secret_reserve(b, e) != 0) {
        n = -1;
        errno = ENOMEM;
    }
    while (n > 0 && b->len < b->max) {
        n = read(fd, b->data + b->len, b->max - b->len);
        if (n > 0) {
            b->len += (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            n = 1;
        }
    }
    if (n < 0) {
        err_errno(e, "could not read \"%s\"", path);
    } else if (n > 0) {
        err_set(e, ERR_CORRUPT, "\"%s\" has %zu bytes or more", path, b->max);
    }
    (void)close(fd);
    while (b->len > 0 && isspace(b->data[b->len - 1])) {
        b->len--;
    }
    return n == 0 ? 0 : -1;
}
