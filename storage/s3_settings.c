#include "storage/s3_settings.h"

#include <ctype.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/enc.h"
#include "core/hash.h"
#include "core/mem.h"
#include "storage/aws_credentials.h"
#include "storage/s3.h"
#include "storage/s3_uri.h"

enum { CUSTOMER_KEY_BYTES = 32, SECONDS_MAX = 86400, PREFIX_MAX = 512 };

static const char *const endpoint_env[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", NULL};
static const char *const region_env[] = {"AWS_REGION", "AWS_DEFAULT_REGION", NULL};
static const char *const ca_env[] = {"AWS_CA_BUNDLE", NULL};

/* "region \"x\" (AWS_REGION): words" */
static int
refuse(const struct storage_place *p, const char *key, const char *const *env, const char *words, struct err *e)
{
    char *origin = storage_place_origin(p, key, env);

    err_set(e, ERR_USAGE, "%s: \"%s\" %s", origin, storage_place_get(p, key, env), words);
    free(origin);
    return -1;
}

/* What may stand in a header's value: no line break, nothing beyond ASCII. */
static bool
is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static int
get_text(const struct storage_place *p, const char *key, const char *const *env, char **out, struct err *e)
{
    const char *text = storage_place_get(p, key, env);

    if (text != NULL && !is_plain(text)) {
        return refuse(p, key, env, "holds a character that no header may", e);
    }
    *out = text == NULL ? NULL : xstrdup(text);
    return 0;
}

static int
get_seconds(const struct storage_place *p, const char *key, double otherwise, double *out, struct err *e)
{
    const char *text = storage_place_get(p, key, NULL);
    char       *end;

    *out = otherwise;
    if (text == NULL) {
        return 0;
    }
    *out = strtod(text, &end);
    if (!isdigit((unsigned char)*text) || *end != '\0' || !(*out >= 1 && *out <= SECONDS_MAX)) {
        return refuse(p, key, NULL, "is not a number of seconds from 1 to 86400", e);
    }
    return 0;
}

/* ---- where ---- */

static bool
is_bucket(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return n >= 3 && n <= 255 && name[n] == '\0' && isalnum((unsigned char)*name) && strstr(name, "..") == NULL;
}

/* No empty segment, none of dots only: stores, proxies and consoles fold them differently. */
static bool
is_prefix(const char *prefix)
{
    if (strlen(prefix) > PREFIX_MAX || !utf8_valid(prefix, strlen(prefix))) {
        return false;
    }
    while (*prefix != '\0') {
        size_t n = strcspn(prefix, "/");

        for (size_t i = 0; i < n; i++) {
            if (iscntrl((unsigned char)prefix[i])) {
                return false;
            }
        }
        if (n == 0 || strspn(prefix, ".") == n) {
            return false;
        }
        prefix += n + (prefix[n] == '/' ? 1 : 0);
    }
    return true;
}

static int
split_location(const char *rest, struct s3_settings *s, struct err *e)
{
    size_t n = strcspn(rest, "/");
    char  *prefix = xstrdup(rest[n] == '/' ? rest + n + 1 : "");
    size_t len = strlen(prefix);

    s->bucket = xstrndup(rest, n);
    if (len > 0 && prefix[len - 1] == '/') {
        prefix[len - 1] = '\0';
    }
    s->prefix = *prefix == '\0' ? xstrdup("") : xasprintf("%s/", prefix);
    n = (size_t)is_prefix(prefix);
    free(prefix);
    if (!is_bucket(s->bucket)) {
        err_set(e, ERR_USAGE, "\"s3://%s\": \"%s\" is no name of a bucket", rest, s->bucket);
        return err_hint(e, "s3://BUCKET/PREFIX; the store's address goes into endpoint (--repo-option endpoint=URL)");
    }
    return n == 1 ? 0 : err_set(e, ERR_USAGE, "\"s3://%s\": a prefix is names with \"/\" between them", rest);
}

/* Bucket names with a dot match no wildcard certificate. */
static bool
fits_host(const char *bucket)
{
    for (; *bucket != '\0'; bucket++) {
        if (!(islower((unsigned char)*bucket) || isdigit((unsigned char)*bucket) || *bucket == '-')) {
            return false;
        }
    }
    return true;
}

static int
read_style(const struct storage_place *p, struct s3_settings *s, struct err *e)
{
    const char *style = storage_place_get(p, "style", NULL);

    if (style == NULL || strcmp(style, "auto") == 0) {
        s->path_style = s->own_endpoint || !fits_host(s->bucket);
    } else if (strcmp(style, "path") == 0) {
        s->path_style = true;
    } else if (strcmp(style, "host") != 0) {
        return refuse(p, "style", NULL, "is none of path, host and auto", e);
    } else if (!fits_host(s->bucket)) {
        return err_set(e, ERR_USAGE, "style = host: \"%s\" cannot be part of a host's name", s->bucket);
    }
    return 0;
}

/* host with its port, and the path, of an endpoint's URL; -1 when it is none. */
static int
split_endpoint(const char *url, bool *tls, char **host, char **base)
{
    CURLU *u = curl_url();
    char  *scheme = NULL;
    char  *name = NULL;
    char  *port = NULL;
    char  *path = NULL;
    char  *extra = NULL;
    int    rc = -1;

    if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_QUERY, &extra, 0) != CURLUE_OK && curl_url_get(u, CURLUPART_USER, &extra, 0) != CURLUE_OK &&
        (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0)) {
        size_t n = strlen(path);

        (void)curl_url_get(u, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
        *tls = strcmp(scheme, "https") == 0;
        *host = port == NULL ? xstrdup(name) : xasprintf("%s:%s", name, port);
        *base = n > 0 && path[n - 1] == '/' ? xstrdup(path) : xasprintf("%s/", path);
        rc = 0;
    }
    curl_free(scheme);
    curl_free(name);
    curl_free(port);
    curl_free(path);
    curl_free(extra);
    curl_url_cleanup(u);
    return rc;
}

/* Without an endpoint: AWS itself. */
static char *
aws_endpoint(const struct s3_settings *s)
{
    return xasprintf("https://s3.%s.amazonaws.com%s", s->region, strncmp(s->region, "cn-", 3) == 0 ? ".cn" : "");
}

static int
read_where(const struct storage_place *p, struct s3_settings *s, struct err *e)
{
    const char *given = storage_place_get(p, "endpoint", endpoint_env);
    char       *profile = given == NULL ? aws_profile_setting(s->profile, "endpoint_url") : NULL;
    char       *url;
    char       *host = NULL;
    char       *base = NULL;
    char       *bucket;
    int         rc;

    s->own_endpoint = given != NULL || profile != NULL;
    if (!s->own_endpoint && (strcmp(s->region, "auto") == 0 || strspn(s->region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(s->region))) {
        err_set(e, ERR_USAGE, "region \"%s\" is none of AWS, and no endpoint is given", s->region);
        return err_hint(e, "name the store: endpoint = https://... (--repo-option endpoint=URL)");
    }
    url = given != NULL ? xstrdup(given) : profile != NULL ? xstrdup(profile) : aws_endpoint(s);
    if (split_endpoint(url, &s->tls, &host, &base) != 0) {
        rc = given != NULL ? refuse(p, "endpoint", endpoint_env, "is not like http(s)://HOST[:PORT][/PATH]", e)
                           : err_set(e, ERR_USAGE, "endpoint_url \"%s\" of the AWS profile is not like http(s)://HOST", url);
    } else if ((rc = read_style(p, s, e)) == 0) {
        bucket = s3_uri_encode(s->bucket, false);
        s->host = s->path_style ? xstrdup(host) : xasprintf("%s.%s", s->bucket, host);
        s->path = s->path_style ? xasprintf("%s%s/", base, bucket) : xstrdup(base);
        free(bucket);
    }
    free(url);
    free(profile);
    free(host);
    free(base);
    return rc;
}

static int
read_region(const struct storage_place *p, struct s3_settings *s, struct err *e)
{
    if (get_text(p, "region", region_env, &s->region, e) != 0) {
        return -1;
    }
    if (s->region == NULL) {
        s->region = aws_profile_setting(s->profile, "region");
    }
    if (s->region == NULL) {
        s->region = xstrdup("us-east-1");
    }
    return strpbrk(s->region, "/ ") == NULL ? 0 : refuse(p, "region", region_env, "is no name of a region", e);
}

/* ---- what goes with new objects ---- */

/* "a=b, c=d" as "a=b&c=d", encoded. */
static int
read_tags(const struct storage_place *p, struct s3_settings *s, struct err *e)
{
    const char    *text = storage_place_get(p, "tags", NULL);
    struct strlist tags = {0};
    int            rc = 0;

    while (rc == 0 && text != NULL && *text != '\0') {
        size_t      n = strcspn(text, ",");
        const char *end = text + n;
        const char *sign;
        char       *name;
        char       *value;

        text += strspn(text, " ");
        while (end > text && end[-1] == ' ') {
            end--;
        }
        sign = memchr(text, '=', (size_t)(end - text));
        if (sign == NULL || sign == text) {
            rc = refuse(p, "tags", NULL, "is not like NAME=VALUE, NAME=VALUE", e);
            break;
        }
        name = xstrndup(text, (size_t)(sign - text));
        value = xstrndup(sign + 1, (size_t)(end - sign - 1));
        s3_query_add(&tags, name, value);
        free(name);
        free(value);
        text = end + strspn(end, " ,");
    }
    if (rc == 0 && tags.n > 10) {
        rc = refuse(p, "tags", NULL, "has more than the 10 that an object can have", e);
    }
    if (rc == 0 && tags.n > 0) {
        s->tags = s3_query_text(&tags);
    }
    strlist_free(&tags);
    return rc;
}

/* The key's 32 bytes, raw or as base64 in one line. */
static int
take_customer_key(const uint8_t *data, size_t n, struct s3_settings *s)
{
    uint8_t key[CUSTOMER_KEY_BYTES + 1];
    uint8_t digest[MD5_BYTES];
    size_t  len = 0;
    int     rc = -1;

    if (n == CUSTOMER_KEY_BYTES) {
        memcpy(key, data, n);
        len = n;
    } else if (sodium_base642bin(key, sizeof key, (const char *)data, n, "\r\n ", &len, NULL,
                                 sodium_base64_VARIANT_ORIGINAL) != 0) {
        len = 0;
    }
    if (len == CUSTOMER_KEY_BYTES) {
        s->customer_key = xmalloc(64);
        s->customer_key_md5 = xmalloc(64);
        md5(key, len, digest);
        (void)sodium_bin2base64(s->customer_key, 64, key, len, sodium_base64_VARIANT_ORIGINAL);
        (void)sodium_bin2base64(s->customer_key_md5, 64, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
        rc = 0;
    }
    sodium_memzero(key, sizeof key);
    return rc;
}

static int
read_customer_key(const struct storage_place *p, struct s3_settings *s, struct err *e)
{
    const char *path = storage_place_get(p, "sse-customer-key-file", NULL);
    uint8_t     data[128];
    ssize_t     n;
    int         fd;
    int         rc;

    if (path == NULL) {
        return 0;
    }
    if (!s->tls) {
        return refuse(p, "sse-customer-key-file", NULL, "would send the key in the clear: use an https endpoint", e);
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, data, sizeof data);
    if (n < 0) {
        rc = err_errno(e, "could not read sse-customer-key-file \"%s\"", path);
        e->kind = ERR_USAGE;
    } else if ((rc = take_customer_key(data, (size_t)n, s)) != 0) {
        (void)refuse(p, "sse-customer-key-file", NULL, "does not hold 32 bytes, or their base64", e);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    sodium_memzero(data, sizeof data);
    return rc;
}

static int
read_encryption(const struct storage_place *p, struct s3_settings *s, struct err *e)
{
    if (get_text(p, "sse", NULL, &s->sse, e) != 0 || get_text(p, "sse-kms-key", NULL, &s->sse_kms_key, e) != 0 ||
        read_customer_key(p, s, e) != 0) {
        return -1;
    }
    if (s->sse != NULL && strcmp(s->sse, "AES256") != 0 && strcmp(s->sse, "aws:kms") != 0) {
        return refuse(p, "sse", NULL, "is neither AES256 nor aws:kms", e);
    }
    if (s->sse_kms_key != NULL && (s->sse == NULL || strcmp(s->sse, "aws:kms") != 0)) {
        return err_set(e, ERR_USAGE, "sse-kms-key needs sse = aws:kms");
    }
    if (s->customer_key != NULL && s->sse != NULL) {
        return err_set(e, ERR_USAGE, "sse and sse-customer-key-file exclude each other");
    }
    return 0;
}

static int
read_checksum(const struct storage_place *p, struct s3_settings *s, struct err *e)
{
    static const char *const names[] = {"none", "md5", "sha256"};
    const char              *text = storage_place_get(p, "checksum", NULL);

    for (int i = 0; text != NULL && i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            s->checksum = (enum s3_checksum)i;
            return 0;
        }
    }
    return text == NULL ? 0 : refuse(p, "checksum", NULL, "is none of none, md5 and sha256", e);
}

static int
read_bandwidth(const struct storage_place *p, struct s3_settings *s, struct err *e)
{
    const char *text = storage_place_get(p, "bandwidth", NULL);

    if (text != NULL && (size_parse(text, &s->bandwidth) != 0 || s->bandwidth < 1000)) {
        return refuse(p, "bandwidth", NULL, "is not a number of bytes a second like 20MB, at least 1kB", e);
    }
    return 0;
}

int
s3_settings_read(const char *rest, const struct storage_place *p, struct s3_settings *s, struct err *e)
{
    *s = (struct s3_settings){0};
    if (split_location(rest, s, e) == 0 && get_text(p, "profile", NULL, &s->profile, e) == 0 &&
        get_text(p, "ca-file", ca_env, &s->ca_file, e) == 0 && read_region(p, s, e) == 0 && read_where(p, s, e) == 0 &&
        read_bandwidth(p, s, e) == 0 && get_seconds(p, "timeout", 900, &s->timeout_s, e) == 0 &&
        get_seconds(p, "idle-timeout", 60, &s->idle_s, e) == 0 &&
        get_text(p, "storage-class", NULL, &s->storage_class, e) == 0 && read_encryption(p, s, e) == 0 &&
        read_tags(p, s, e) == 0 && read_checksum(p, s, e) == 0 && s3_lock_settings(p, s, e) == 0) {
        return 0;
    }
    s3_settings_free(s);
    return -1;
}

void
s3_settings_free(struct s3_settings *s)
{
    if (s->customer_key != NULL) {
        sodium_memzero(s->customer_key, strlen(s->customer_key));
    }
    free(s->bucket);
    free(s->prefix);
    free(s->host);
    free(s->path);
    free(s->region);
    free(s->profile);
    free(s->ca_file);
    free(s->storage_class);
    free(s->sse);
    free(s->sse_kms_key);
    free(s->tags);
    free(s->customer_key);
    free(s->customer_key_md5);
    *s = (struct s3_settings){0};
}
