#include "storage/drivers/aws/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cancel.h"
#include "core/crypto/hash.h"
#include "core/mem.h"
#include "storage/drivers/aws/source.h"

char *
aws_url_host(const char *url)
{
    const char *host = strstr(url, "://");

    host = host == NULL ? url : host + strlen("://");
    return xstrndup(url, (size_t)(host - url) + strcspn(host, "/?#"));
}

static size_t
take(char *data, size_t size, size_t n, void *ctx)
{
    struct buf *answer = ctx;
    struct err  full = ERR_INIT;

    return buf_append(answer, data, size * n, &full) == 0 ? size * n : 0;
}

static int
watch(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)ctx, (void)a, (void)b, (void)c, (void)d;
    return cancel_requested();
}

static struct curl_slist *
headers(const struct aws_request *r)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    for (size_t i = 0; i < r->headers->n; i++) {
        list = curl_slist_append(list, r->headers->v[i]);
    }
    return list;
}

static void
prepare(CURL *c, const struct aws_request *r, const struct curl_slist *list, struct buf *answer)
{
    const char *ca = aws_env("AWS_CA_BUNDLE");

    (void)curl_easy_setopt(c, CURLOPT_URL, r->url);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "pgassay/" PGASSAY_VERSION);
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_ms);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)r->total_ms);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, answer);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, watch);
    (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    if (r->body != NULL) {
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body);
    }
    if (r->local) {
        (void)curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    }
    if (ca != NULL) {
        (void)curl_easy_setopt(c, CURLOPT_CAINFO, ca);
    }
}

static int
failed(CURLcode code, const char *detail, const struct aws_request *r, size_t max, struct err *e)
{
    char *host = aws_url_host(r->url);

    if (cancel_check(e) == 0) {
        if (code == CURLE_WRITE_ERROR) {
            err_set(e, ERR_CORRUPT, "the answer of %s is larger than %zu bytes", host, max);
        } else {
            err_set(e, ERR_IO, "no answer from %s: %s", host,
                    *detail == '\0' ? curl_easy_strerror(code) : detail);
            e->transient = true;
        }
    }
    free(host);
    return -1;
}

static int
once(const struct aws_request *r, struct buf *answer, int *status, struct err *e)
{
    char               detail[CURL_ERROR_SIZE] = "";
    CURL              *c = curl_easy_init();
    struct curl_slist *list = headers(r);
    long               code = 0;
    CURLcode           rc = CURLE_FAILED_INIT;

    buf_clear(answer);
    if (c != NULL) {
        prepare(c, r, list, answer);
        (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, detail);
        rc = curl_easy_perform(c);
        (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
    }
    curl_easy_cleanup(c);
    curl_slist_free_all(list);
    *status = (int)code;
    return rc == CURLE_OK ? 0 : failed(rc, detail, r, answer->max, e);
}

/* 0.1 to 0.2 s, then twice that, and so on. */
static void
pause_before(int attempt)
{
    enum { FIRST_MS = 100 };
    uint8_t         random;
    long            ms;
    struct timespec t;

    random_bytes(&random, sizeof random);
    ms = (FIRST_MS << attempt) * (256L + random) / 256;
    t = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

int
aws_http(const struct aws_request *r, struct buf *answer, int *status, struct err *e)
{
    int rc;

    if (aws_secret_reserve(answer, e) != 0) {
        return -1;
    }
    for (int i = 0;; i++) {
        bool again;

        err_clear(e);
        rc = once(r, answer, status, e);
        again = rc != 0 ? e->transient : *status == 429 || *status >= 500;
        if (!again || i + 1 >= r->tries || cancel_requested()) {
            return rc;
        }
        pause_before(i);
    }
}
