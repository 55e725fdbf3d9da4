#include "storage/drivers/s3/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/human.h"
#include "storage/drivers/s3/limit.h"

enum {
    HEADERS_MAX = 100,
    CONNECT_MS = 15000,
    BUFFER = 256 << 10,
};

struct connection {
    CURL  *easy;
    CURLM *multi; /* keeps the connection itself */
};

struct s3_http {
    char              *ca_file;
    double             idle_s;
    struct s3_limit    up, down;
    pthread_mutex_t    lock; /* for what follows */
    struct connection *free; /* not in use */
    size_t             n_free, cap_free;
};

/* One request on its way. */
struct transfer {
    struct s3_http          *http;
    const struct s3_request *request;
    struct s3_answer        *answer;
    struct err              *err;
    size_t                   sent;
    uint64_t                 received, announced; /* of the body; announced: UINT64_MAX: not */
    bool                     chunked, refused;    /* refused: the reason is in err */
    double                   moved;               /* clock_seconds() when bytes last moved */
    double                   waited;              /* for bandwidth */
    char                     detail[CURL_ERROR_SIZE];
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static bool           curl_works;

static void
start_curl(void)
{
    curl_works = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

struct s3_http *
s3_http_new(const struct s3_http_options *o, struct err *e)
{
    struct s3_http *h;

    (void)pthread_once(&curl_once, start_curl);
    if (!curl_works) {
        err_set(e, ERR_IO, "could not start libcurl");
        return NULL;
    }
    h = xcalloc(1, sizeof *h);
    h->ca_file = o->ca_file == NULL ? NULL : xstrdup(o->ca_file);
    h->idle_s = o->idle_s;
    s3_limit_init(&h->up, o->bandwidth);
    s3_limit_init(&h->down, o->bandwidth);
    (void)pthread_mutex_init(&h->lock, NULL);
    return h;
}

static void
close_connection(struct connection c)
{
    curl_easy_cleanup(c.easy);
    (void)curl_multi_cleanup(c.multi);
}

void
s3_http_free(struct s3_http *h)
{
    if (h == NULL) {
        return;
    }
    for (size_t i = 0; i < h->n_free; i++) {
        close_connection(h->free[i]);
    }
    free(h->free);
    free(h->ca_file);
    s3_limit_deinit(&h->up);
    s3_limit_deinit(&h->down);
    (void)pthread_mutex_destroy(&h->lock);
    free(h);
}

static int
take_connection(struct s3_http *h, struct connection *out, struct err *e)
{
    *out = (struct connection){0};
    (void)pthread_mutex_lock(&h->lock);
    if (h->n_free > 0) {
        *out = h->free[--h->n_free];
    }
    (void)pthread_mutex_unlock(&h->lock);
    if (out->easy == NULL) {
        *out = (struct connection){curl_easy_init(), curl_multi_init()};
    }
    if (out->easy == NULL || out->multi == NULL) {
        close_connection(*out);
        return err_set(e, ERR_IO, "libcurl: out of memory");
    }
    return 0;
}

static void
give_back(struct s3_http *h, struct connection c)
{
    curl_easy_reset(c.easy);
    (void)pthread_mutex_lock(&h->lock);
    VEC_GROW(h->free, h->n_free, h->cap_free);
    h->free[h->n_free++] = c;
    (void)pthread_mutex_unlock(&h->lock);
}

/* ---- what libcurl calls ---- */

static size_t
on_read(char *to, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    size_t           left = t->request->body_len - t->sent;
    size_t           share = s3_limit_share(&t->http->up);

    n *= size;
    n = n > left ? left : n;
    n = n > share ? share : n;
    if (n > 0) {
        memcpy(to, (const char *)t->request->body + t->sent, n);
        t->waited += s3_limit_wait(&t->http->up, n);
    }
    t->sent += n;
    t->moved = clock_seconds();
    return n;
}

/* A kept connection was dead: the body is sent again. */
static int
on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct transfer *t = ctx;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->request->body_len) {
        return CURL_SEEKFUNC_FAIL;
    }
    t->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t
on_write(char *from, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    bool             good = t->answer->status >= 200 && t->answer->status < 300;
    struct buf      *to = good ? t->answer->body : &t->answer->error;
    size_t           share = s3_limit_share(&t->http->down);
    size_t           take = size * n;

    for (size_t left = take; left > 0; left -= left < share ? left : share) {
        t->waited += s3_limit_wait(&t->http->down, left < share ? left : share);
    }
    t->received += take;
    t->answer->received = t->received;
    t->moved = clock_seconds();
    if (good && to == NULL) {
        return size * n; /* it was not requested */
    }
    if (!good && take > to->max - to->len) {
        take = to->max - to->len; /* the beginning of an error is enough */
    } else if (good && take > to->max - to->len) {
        t->refused = true;
        err_set(t->err, ERR_CORRUPT, "has more than the %zu bytes that are allowed", to->max);
        return 0;
    }
    if (good && to->len == 0 && t->announced <= to->max &&
        buf_reserve(to, (size_t)t->announced, t->err) != 0) {
        t->refused = true;
        return 0;
    }
    if (buf_append(to, from, take, t->err) != 0) {
        t->refused = true;
        return 0;
    }
    return size * n;
}

static void
note_header(struct transfer *t, const char *line)
{
    const char *value = strchr(line, ':');
    char       *end;

    if (value == NULL) {
        return;
    }
    value += 1 + strspn(value + 1, " \t");
    if (strncasecmp(line, "content-length:", 15) == 0) {
        t->announced = strtoull(value, &end, 10);
        if (end == value || *end != '\0') {
            t->announced = UINT64_MAX;
        }
    } else if (strncasecmp(line, "transfer-encoding:", 18) == 0) {
        t->chunked = true;
    }
    if (t->answer->headers.n < HEADERS_MAX) {
        strlist_add(&t->answer->headers, line);
    }
}

static size_t
on_header(char *from, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    size_t           len = size * n;
    char            *line;

    t->moved = clock_seconds();
    while (len > 0 && (from[len - 1] == '\r' || from[len - 1] == '\n')) {
        len--;
    }
    line = xstrndup(from, len);
    if (strncmp(line, "HTTP/", 5) == 0) { /* perhaps after a "100 Continue" */
        const char *code = strchr(line, ' ');

        s3_answer_clear(t->answer);
        t->answer->status = code == NULL ? 0 : atoi(code + 1);
        t->announced = UINT64_MAX;
        t->chunked = false;
    } else {
        note_header(t, line);
    }
    free(line);
    return size * n;
}

/* ---- one request ---- */

static void
set_body(CURL *c, struct transfer *t)
{
    const struct s3_request *r = t->request;

    if (strcmp(r->method, "HEAD") == 0) {
        (void)curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    } else if (strcmp(r->method, "PUT") == 0 || strcmp(r->method, "POST") == 0) {
        (void)curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_len);
        (void)curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
        (void)curl_easy_setopt(c, CURLOPT_READDATA, t);
        (void)curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
        (void)curl_easy_setopt(c, CURLOPT_SEEKDATA, t);
        (void)curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER);
    }
    if (strcmp(r->method, "HEAD") != 0) {
        (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
    }
}

static void
set_up(CURL *c, struct transfer *t, struct curl_slist *headers)
{
    (void)curl_easy_setopt(c, CURLOPT_URL, t->request->url);
    (void)curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "pgassay/" PGASSAY_VERSION);
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, t->request->fresh ? 1L : 0L);
    (void)curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)BUFFER);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->detail);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_write);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    if (t->http->ca_file != NULL) {
        (void)curl_easy_setopt(c, CURLOPT_CAINFO, t->http->ca_file);
    }
    set_body(c, t);
}

static struct curl_slist *
header_list(const struct s3_request *r)
{
    struct curl_slist *list = curl_slist_append(NULL,
                                                "Expect:"); /* no waiting for "100 Continue" */

    for (size_t i = 0; i < r->headers->n; i++) {
        list = curl_slist_append(list, r->headers->v[i]);
    }
    return list;
}

static int
give_up(const struct transfer *t, bool idle, struct err *e)
{
    const struct s3_request *r = t->request;

    if (idle) {
        err_set(e, ERR_IO, "nothing moved for %.0f s", t->http->idle_s);
    } else if (r->timeout > r->seconds + 0.5) {
        err_set(e, ERR_IO, "not done in the %.0f s that were left of timeout (%.0f s)", r->seconds,
                r->timeout);
    } else {
        err_set(e, ERR_IO, "not done after %.0f s", r->seconds);
    }
    e->transient = true;
    return -1;
}

/* Until it has ended, failed, stalled or timed out. */
static int
drive(struct connection *c, struct transfer *t, CURLcode *code, struct err *e)
{
    bool   deaf = t->request->tidying;
    double began = clock_seconds();
    double most = t->request->seconds;
    int    running = 1;

    t->moved = began;
    while (running > 0) {
        struct curl_waitfd stop = {.fd = cancel_fd(), .events = CURL_WAIT_POLLIN};
        double             now;
        CURLMsg           *m;
        int                left;

        if (curl_multi_perform(c->multi, &running) != CURLM_OK) {
            return err_set(e, ERR_IO, "libcurl failed");
        }
        if (running == 0) {
            m = curl_multi_info_read(c->multi, &left);
            *code = m == NULL ? CURLE_GOT_NOTHING : m->data.result;
            return 0;
        }
        if (!deaf && cancel_check(e) != 0) {
            return -1;
        }
        now = clock_seconds();
        if (now - t->moved > t->http->idle_s || now - began - t->waited > most) {
            return give_up(t, now - t->moved > t->http->idle_s, e);
        }
        (void)curl_multi_poll(c->multi, &stop, deaf || stop.fd < 0 ? 0 : 1, 500, NULL);
    }
    return 0;
}

static int
judge(const struct transfer *t, CURLcode code, struct err *e)
{
    const struct s3_answer *a = t->answer;

    if (t->refused) {
        return -1; /* *e was set there */
    }
    if (code != CURLE_OK) {
        err_set(e, ERR_IO, "%s", t->detail[0] != '\0' ? t->detail : curl_easy_strerror(code));
        e->transient = code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CACERT_BADFILE &&
            code != CURLE_URL_MALFORMAT;
        if (!e->transient && t->http->ca_file == NULL && code == CURLE_PEER_FAILED_VERIFICATION) {
            err_hint(e, "a store with a certificate of its own needs ca-file (AWS_CA_BUNDLE)");
        }
        return -1;
    }
    /* Without a length a cut connection looks like the end. */
    if (strcmp(t->request->method, "HEAD") != 0 && (a->body != NULL || a->status >= 300) &&
        a->status != 304 && !t->chunked && t->announced != t->received) {
        err_set(e, ERR_IO, "the answer's body has no length, or another one");
        e->transient = true;
        return -1;
    }
    return 0;
}

int
s3_http_send(struct s3_http *h, const struct s3_request *r, struct s3_answer *a, double *waited,
             struct err *e)
{
    struct transfer   t = {.http = h, .request = r, .answer = a, .err = e, .announced = UINT64_MAX};
    struct connection c;
    struct curl_slist *headers;
    CURLcode           code = CURLE_OK;
    int                rc;

    s3_answer_clear(a);
    if (take_connection(h, &c, e) != 0) {
        return -1;
    }
    headers = header_list(r);
    set_up(c.easy, &t, headers);
    (void)curl_multi_add_handle(c.multi, c.easy);
    rc = drive(&c, &t, &code, e);
    (void)curl_multi_remove_handle(c.multi, c.easy);
    if (rc == 0) {
        rc = judge(&t, code, e);
    }
    give_back(h, c);
    curl_slist_free_all(headers);
    *waited += t.waited;
    return rc;
}
