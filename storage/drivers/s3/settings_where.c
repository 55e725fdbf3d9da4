/* s3/settings.h: the bucket, and the address of its store. */
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/utf8.h"
#include "storage/contract/location.h"
#include "storage/drivers/aws/credentials.h"
#include "storage/drivers/aws/uri.h"
#include "storage/drivers/s3/settings_impl.h"

enum { PREFIX_MAX = 512 };

static bool
is_bucket(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return n >= 3 && n <= 255 && name[n] == '\0' && isalnum((unsigned char)*name) &&
        strstr(name, "..") == NULL;
}

/* No empty segment, none of dots only: stores, proxies and consoles normalise them differently. */
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
        err_set(e, ERR_USAGE, "\"s3://%s\": \"%s\" is not the name of a bucket", rest, s->bucket);
        return err_hint(e,
                        "s3://BUCKET/PREFIX; the store's address is set by endpoint (--repo-option "
                        "endpoint=URL)");
    }
    return n == 1
        ? 0
        : err_set(e, ERR_USAGE, "\"s3://%s\": a prefix is names with \"/\" between them", rest);
}

/* Bucket names with a dot match no wildcard certificate. */
static bool
fits_host(const char *bucket)
{
    for (; *bucket != '\0'; bucket++) {
        if (!(islower((unsigned char)*bucket) || isdigit((unsigned char)*bucket) ||
              *bucket == '-')) {
            return false;
        }
    }
    return true;
}

static int
read_style(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    const char *style = s3_setting(p, S3_STYLE);

    if (style == NULL || strcmp(style, "auto") == 0) {
        s->path_style = s->own_endpoint || !fits_host(s->bucket);
    } else if (strcmp(style, "path") == 0) {
        s->path_style = true;
    } else if (strcmp(style, "host") != 0) {
        return s3_setting_refuse(p, S3_STYLE, "is none of path, host and auto", e);
    } else if (!fits_host(s->bucket)) {
        return err_set(e, ERR_USAGE, "style = host: \"%s\" cannot be part of a host's name",
                       s->bucket);
    }
    return 0;
}

/* host with its port, and the path, of an endpoint's URL; -1 when it is not one. */
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
        curl_url_get(u, CURLUPART_QUERY, &extra, 0) != CURLUE_OK &&
        curl_url_get(u, CURLUPART_USER, &extra, 0) != CURLUE_OK &&
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
    return xasprintf("https://s3.%s.amazonaws.com%s", s->region,
                     strncmp(s->region, "cn-", 3) == 0 ? ".cn" : "");
}

static int
read_endpoint(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    const char *given = s3_setting(p, S3_ENDPOINT);
    char       *profile = given == NULL ? aws_profile_setting(s->profile, "endpoint_url") : NULL;
    char       *url;
    char       *host = NULL;
    char       *base = NULL;
    char       *bucket;
    int         rc;

    s->own_endpoint = given != NULL || profile != NULL;
    if (!s->own_endpoint &&
        (strcmp(s->region, "auto") == 0 ||
         strspn(s->region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(s->region))) {
        err_set(e, ERR_USAGE, "region \"%s\" is none of AWS, and no endpoint is given", s->region);
        return err_hint(e, "name the store: endpoint = https://... (--repo-option endpoint=URL)");
    }
    url = given != NULL ? xstrdup(given) : profile != NULL ? xstrdup(profile) : aws_endpoint(s);
    if (split_endpoint(url, &s->tls, &host, &base) != 0) {
        rc = given != NULL
            ? s3_setting_refuse(p, S3_ENDPOINT, "is not like http(s)://HOST[:PORT][/PATH]", e)
            : err_set(e, ERR_USAGE,
                      "endpoint_url \"%s\" of the AWS profile is not like http(s)://HOST", url);
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
read_region(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    if (s3_setting_text(p, S3_REGION, &s->region, e) != 0) {
        return -1;
    }
    if (s->region == NULL) {
        s->region = aws_profile_setting(s->profile, "region");
    }
    if (s->region == NULL) {
        s->region = xstrdup("us-east-1");
    }
    return strpbrk(s->region, "/ ") == NULL
        ? 0
        : s3_setting_refuse(p, S3_REGION, "is not the name of a region", e);
}

int
s3_settings_where(const char *rest, const struct storage_location *p, struct s3_settings *s,
                  struct err *e)
{
    return split_location(rest, s, e) == 0 && read_region(p, s, e) == 0 ? read_endpoint(p, s, e)
                                                                        : -1;
}
