#include "core/notify/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/human.h"

enum { TRIES = 4, TRY_MS = 10000 };

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
begin(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* The answer says nothing that is needed. */
static size_t
drop(char *data, size_t size, size_t n, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * n;
}

int
http_check(const char *url, struct err *e)
{
    CURLU *read = curl_url();
    char  *scheme = NULL;
    bool   good = read != NULL && curl_url_set(read, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(read, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0);

    curl_free(scheme);
    curl_url_cleanup(read);
    return good ? 0 : err_set(e, ERR_USAGE, "the address is no http:// or https:// URL");
}

/* "hooks.example.org:8080", as curl finds it: what it cannot read may be a password. */
static void
host_of(const char *url, char *out, size_t cap)
{
    CURLU *read = curl_url();
    char  *host = NULL, *port = NULL;

    if (read != NULL && curl_url_set(read, CURLUPART_URL, url, 0) == CURLUE_OK) {
        (void)curl_url_get(read, CURLUPART_HOST, &host, 0);
        (void)curl_url_get(read, CURLUPART_PORT, &port, 0);
    }
    (void)snprintf(out, cap, "%s%s%s", host == NULL ? "the address" : host, port == NULL ? "" : ":",
                   port == NULL ? "" : port);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(read);
}

struct post {
    CURL       *curl;
    const char *host;
    bool        again; /* it may be different the next time */
};

static int
try_once(struct post *p, long ms, struct err *e)
{
    CURLcode rc;
    long     status = 0;

    (void)curl_easy_setopt(p->curl, CURLOPT_TIMEOUT_MS, ms);
    (void)curl_easy_setopt(p->curl, CURLOPT_CONNECTTIMEOUT_MS, ms);
    rc = curl_easy_perform(p->curl);
    (void)curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &status);
    p->again = rc != CURLE_OK || status == 429 || status >= 500;
    if (rc != CURLE_OK) { /* not curl's longer text, which may quote the address */
        return err_set(e, ERR_IO, "%s: %s", p->host, curl_easy_strerror(rc));
    }
    return status >= 200 && status < 300
        ? 0
        : err_set(e, ERR_IO, "%s answered with status %ld", p->host, status);
}

static void
pause_for(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};

    (void)nanosleep(&t, NULL);
}

static int
post(struct post *p, double deadline, struct err *e)
{
    double wait = 0.5;

    for (int i = 0; i < TRIES; i++) {
        double left = deadline - clock_seconds();
        double pause = i == 0 ? 0 : wait;

        wait *= 3;
        if (left <= pause + 0.1) {
            break;
        }
        pause_for(pause);
        left = (left - pause) * 1000;
        err_clear(e);
        if (try_once(p, left < TRY_MS ? (long)left : TRY_MS, e) == 0) {
            return 0;
        }
        if (!p->again) {
            return -1;
        }
    }
    return e->kind != ERR_NONE ? -1 : err_set(e, ERR_IO, "%s: no time was left", p->host);
}

int
http_post(const char *url, const char *content_type, const char *body, double deadline,
          struct err *e)
{
    char               host[256], type[128];
    struct curl_slist *headers = NULL;
    struct post        p = {.host = host};
    int                rc;

    pthread_once(&once, begin);
    host_of(url, host, sizeof host);
    p.curl = curl_easy_init();
    if (p.curl == NULL) {
        return err_set(e, ERR_IO, "%s: curl could not begin", host);
    }
    (void)snprintf(type, sizeof type, "Content-Type: %s", content_type);
    headers = curl_slist_append(NULL, type);
    (void)curl_easy_setopt(p.curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(p.curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(p.curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(p.curl, CURLOPT_USERAGENT, "pgassay/" PGASSAY_VERSION);
    (void)curl_easy_setopt(p.curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(p.curl, CURLOPT_QUICK_EXIT, 1L); /* waits for no resolver */
    (void)curl_easy_setopt(p.curl, CURLOPT_WRITEFUNCTION, drop);
    (void)curl_easy_setopt(p.curl, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(p.curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    rc = post(&p, deadline, e);
    curl_easy_cleanup(p.curl);
    curl_slist_free_all(headers);
    return rc;
}
