#include "storage/drivers/s3/call.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <time.h>

#include "core/cancel.h"
#include "core/crypto/hash.h"
#include "core/human.h"
#include "core/log.h"
#include "storage/drivers/aws/sign.h"
#include "storage/drivers/aws/uri.h"
#include "storage/drivers/s3/error.h"
#include "storage/drivers/s3/limit.h"

#define PAUSE_FIRST     0.1 /* seconds */
#define PAUSE_MAX       20.0
#define RETRY_AFTER_MAX 120.0
#define TIDY_S          10.0 /* for a call that begins after a signal */

#define TELL_S         60.0 /* of retrying before a message, without a terminal */
#define TELL_WATCHED_S 5.0  /* ... and with one */
#define TELL_AGAIN_S   300

enum { FIRST_TRIES = 7, SENSE_TRIES = 3, CLOCK_LOG_S = 60 };

/* The state of one call. */
struct tries {
    double began, deadline; /* clock_seconds() */
    double waited;          /* for bandwidth */
    int    n;               /* requests sent */
    int    senseless;       /* good answers that were not accepted */
    bool   tidying;         /* the call began after a signal, which then does not interrupt it */
    long   clock_offset;    /* used for the last request */
    bool   clock, expired;  /* already handled */
    bool   ask_why;         /* next: a GET, because a HEAD's refusal has no reason */
    char   before[200];     /* why the last try but one failed */
    char   last[200];       /* ... the last one */
};

static double
time_left(const struct tries *t)
{
    return t->deadline + t->waited - clock_seconds();
}

static bool
interrupted(const struct tries *t, struct err *e)
{
    return !t->tidying && cancel_check(e) != 0;
}

/* ---- one request ---- */

static void
add_header(struct strlist *headers, const char *name, const char *value)
{
    strlist_take(headers, xasprintf("%s: %s", name, value));
}

static void
free_secret_list(struct strlist *l)
{
    for (size_t i = 0; i < l->n; i++) {
        sodium_memzero(l->v[i], strlen(l->v[i]));
    }
    strlist_free(l);
}

/* All headers, signed. */
static void
sign(struct s3_storage *s, const struct s3_call *c, const char *method, const char *path,
     const char *query, const struct aws_credentials *who, time_t when, struct strlist *headers)
{
    struct s3_sign sign = {.method = method,
                           .path = path,
                           .query = query,
                           .headers = headers,
                           .region = s->set.region,
                           .service = "s3",
                           .access_key = who->access_key,
                           .secret_key = who->secret_key};
    char           digest[SHA256_HEX + 1];
    char           now[32];
    char          *authorization;

    (void)time_compact(when, now, sizeof now);
    if (c->payload_sha256 != NULL) {
        memcpy(digest, c->payload_sha256, sizeof digest);
    } else {
        sha256_hex(c->body, c->body_len, digest);
    }
    sign.time = now;
    sign.payload_sha256 = digest;
    add_header(headers, "Host", s->set.host);
    add_header(headers, "x-amz-date", now);
    add_header(headers, "x-amz-content-sha256", digest);
    if (who->session_token != NULL) {
        add_header(headers, "x-amz-security-token", who->session_token);
    }
    for (size_t i = 0; i < c->headers.n; i++) {
        strlist_add(headers, c->headers.v[i]);
    }
    authorization = s3_sign_authorization(&sign);
    add_header(headers, "Authorization", authorization);
    free(authorization);
}

static char *
object_path(const struct s3_storage *s, const char *key)
{
    char  *full = key == NULL ? xstrdup("") : xasprintf("%s%s", s->set.prefix, key);
    char  *encoded = s3_uri_encode(full, true);
    char  *path = xasprintf("%s%s", s->set.path, encoded);
    size_t n = strlen(path);

    /* The bucket itself, in path style: "/bucket", not "/bucket/". */
    if (key == NULL && n > 1) {
        path[n - 1] = '\0';
    }
    free(full);
    free(encoded);
    return path;
}

static int
send_once(struct s3_storage *s, struct s3_call *c, struct tries *t,
          const struct aws_credentials *who, struct err *e)
{
    const char    *method = t->ask_why ? "GET" : c->method;
    struct strlist headers = {0};
    char          *path = object_path(s, c->key);
    char          *query = s3_query_text(&c->query);
    char *url = xasprintf("%s://%s%s%s%s", s->set.tls ? "https" : "http", s->set.host, path,
                          *query == '\0' ? "" : "?", query);
    struct s3_request r = {.method = method,
                           .url = url,
                           .headers = &headers,
                           .body = c->body,
                           .body_len = c->body_len,
                           .fresh = c->fresh || t->n > 0,
                           .tidying = t->tidying,
                           .seconds = time_left(t) < 1 ? 1 : time_left(t),
                           .timeout = t->deadline - t->began};
    int               rc;

    t->clock_offset = atomic_load(&s->clock_offset);
    sign(s, c, method, path, query, who, time(NULL) + t->clock_offset, &headers);
    if (t->ask_why) {
        strlist_add(&headers, "Range: bytes=0-0"); /* no header that must be signed */
    }
    c->answer.body = c->out;
    rc = s3_http_send(s->http, &r, &c->answer, &t->waited, e);
    t->n++;
    free_secret_list(&headers);
    free(path);
    free(query);
    free(url);
    return rc;
}

/* ---- the result ---- */

/* The store's clock against this host's, from its Date; false when it sends none, or the one
 * already used for the request. */
static bool
take_clock(struct s3_storage *s, const struct s3_call *c, const struct tries *t)
{
    const char *date = s3_answer_header(&c->answer, "Date");
    time_t      theirs = date == NULL ? -1 : curl_getdate(date, NULL);
    long        offset = theirs == -1 ? 0 : (long)(theirs - time(NULL));

    if (theirs == -1 || labs(offset - t->clock_offset) < CLOCK_LOG_S) {
        return false;
    }
    if (labs(offset - atomic_exchange(&s->clock_offset, offset)) < CLOCK_LOG_S) {
        return true; /* another thread has noticed, too */
    }
    log_warn("this host's clock is %ld s %s that of %s: its requests go by the store's",
             labs(offset), offset > 0 ? "behind" : "ahead of", s->set.host);
    return true;
}

enum outcome { DONE, FAILED, AGAIN_NOW, AGAIN_LATER };

static enum outcome
judge_refusal(struct s3_storage *s, struct s3_call *c, struct tries *t,
              const struct aws_credentials *who, struct err *e)
{
    s3_xml_error(c->answer.error.data, c->answer.error.len, &c->error);
    (void)s3_error_report(s, c, e);
    switch (s3_error_meaning(c)) {
    case S3_TRANSIENT:
        return AGAIN_LATER;
    case S3_CLOCK:
        if (t->clock || !take_clock(s, c, t)) {
            return FAILED;
        }
        t->clock = true;
        return AGAIN_NOW;
    case S3_EXPIRED:
        if (t->expired) {
            return FAILED;
        }
        t->expired = true;
        aws_provider_refused(s->provider, who);
        return AGAIN_NOW;
    case S3_UNCLEAR:
        if (t->ask_why) {
            return FAILED;
        }
        t->ask_why = true;
        return AGAIN_NOW;
    default:
        return FAILED;
    }
}

static enum outcome
judge(struct s3_storage *s, struct s3_call *c, struct tries *t, const struct aws_credentials *who,
      int rc, struct err *e)
{
    bool asked_why = t->ask_why;

    c->error = (struct s3_error){0};
    if (rc != 0) {
        return e->transient && (atomic_load(&s->answered) || t->n < FIRST_TRIES) ? AGAIN_LATER
                                                                                 : FAILED;
    }
    atomic_store(&s->answered, true);
    if (c->answer.status < 200 || c->answer.status >= 300) {
        enum outcome o;

        t->ask_why = false;
        o = judge_refusal(s, c, t, who, e);
        return asked_why && t->ask_why ? FAILED : o;
    }
    if (asked_why) { /* it may be read after all: HEAD is used as before */
        t->ask_why = false;
        err_set(e, ERR_IO, "the store refuses HEAD, but not GET");
        e->transient = true;
        return ++t->senseless < SENSE_TRIES ? AGAIN_LATER : FAILED;
    }
    if (c->accept != NULL && c->accept(c->ctx, &c->answer, e) != 0) {
        return e->transient && ++t->senseless < SENSE_TRIES ? AGAIN_LATER : FAILED;
    }
    return DONE;
}

/* ---- pauses ---- */

static double
retry_after(const struct s3_call *c)
{
    const char *text = s3_answer_header(&c->answer, "Retry-After");
    double      seconds;
    char       *end;

    if (text == NULL) {
        return 0;
    }
    seconds = strtod(text, &end);
    if (end == text || *end != '\0') {
        time_t when = curl_getdate(text, NULL);

        seconds = when == -1 ? 0 : difftime(when, time(NULL));
    }
    return seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : seconds > 0 ? seconds : 0;
}

/* Says what is waited for, but not for short pauses; one line for each store, now and then,
 * whatever the number of waiting requests. */
static void
tell(struct s3_storage *s, const struct tries *t, double pause, const struct err *e)
{
    double spent = clock_seconds() - t->began + pause;
    long   now = (long)clock_seconds(), last = atomic_load(&s->told);
    char   so_far[32], limit[32];

    if (spent < (log_is_watched() ? TELL_WATCHED_S : TELL_S) ||
        (last != 0 && now - last < TELL_AGAIN_S) ||
        !atomic_compare_exchange_strong(&s->told, &last, now > 0 ? now : 1)) {
        log_info("%s: %s; trying again in %.1f s", s->set.host, e->text, pause);
        return;
    }
    log_warn("%s: %s; tried %d %s in %s, and again until timeout (%s)", s->set.host, e->text, t->n,
             t->n == 1 ? "time" : "times",
             duration_human(clock_seconds() - t->began, so_far, sizeof so_far),
             duration_human(t->deadline - t->began, limit, sizeof limit));
}

/* 0: go on; -1: *e as it was, or interrupted. */
static int
pause_before(struct s3_storage *s, const struct s3_call *c, const struct tries *t, struct err *e)
{
    double   pause = PAUSE_FIRST;
    double   asked = retry_after(c);
    uint16_t dice;

    for (int i = 1; i < t->n && pause < PAUSE_MAX; i++) {
        pause *= 2;
    }
    random_bytes(&dice, sizeof dice);
    pause = (pause > PAUSE_MAX ? PAUSE_MAX : pause) * (0.5 + (double)dice / (2 * UINT16_MAX));
    pause = pause < asked ? asked : pause;
    if (interrupted(t, e) || pause > time_left(t)) {
        return -1;
    }
    tell(s, t, pause, e);
    (void)s3_sleep(pause);
    return interrupted(t, e) ? -1 : 0;
}

/* "could not read s3://bucket/key": the prefix of every message. */
static int
name_it(const struct s3_storage *s, const struct s3_call *c, const struct tries *t, struct err *e)
{
    char *name = s3_name(s, c->key != NULL ? c->key : c->below != NULL ? c->below : "");

    if (e->kind == ERR_INTERRUPTED) {
        free(name);
        return -1;
    }
    if (t->n > 1 && e->transient) {
        size_t n = strlen(e->text);
        char   took[32];

        (void)snprintf(e->text + n, sizeof e->text - n, ", %d times in %s%s%s", t->n,
                       duration_human(clock_seconds() - t->began, took, sizeof took),
                       t->before[0] == '\0' ? "" : "; before: ", t->before);
    }
    err_wrap(e, "could not %s \"%s\"", c->verb, name);
    free(name);
    return -1;
}

/* Why it failed this time, and an earlier different reason. */
static void
note(struct tries *t, const struct err *e)
{
    if (e->kind != ERR_NONE && strncmp(t->last, e->text, sizeof t->last - 1) != 0) {
        (void)snprintf(t->before, sizeof t->before, "%.*s", (int)sizeof t->before - 1, t->last);
        (void)snprintf(t->last, sizeof t->last, "%.*s", (int)sizeof t->last - 1, e->text);
    }
}

static double
patience(const struct s3_storage *s, bool tidying)
{
    double limit = s->set.timeout_s;

    if (s->base.hurry_s > 0) {
        limit = MIN(limit, s->base.hurry_s);
    }
    return tidying ? MIN(limit, TIDY_S) : limit;
}

int
s3_call(struct s3_storage *s, struct s3_call *c, struct err *e)
{
    struct tries           t = {.tidying = cancel_requested()};
    struct aws_credentials who = AWS_CREDENTIALS_INIT;
    enum outcome           o;

    t.began = clock_seconds();
    t.deadline = t.began + patience(s, t.tidying);
    do {
        int rc = aws_provider_get(s->provider, &who, e);

        if (rc == 0) {
            rc = send_once(s, c, &t, &who, e);
            o = judge(s, c, &t, &who, rc, e);
        } else {
            t.n++;
            o = e->transient && t.n < FIRST_TRIES ? AGAIN_LATER : FAILED;
        }
        aws_credentials_free(&who);
        note(&t, e);
        if (o == AGAIN_LATER && (c->once || pause_before(s, c, &t, e) != 0)) {
            o = FAILED;
        }
        if (o == AGAIN_NOW || o == AGAIN_LATER) {
            err_clear(e);
        }
    } while (o == AGAIN_NOW || o == AGAIN_LATER);
    return o == DONE ? 0 : name_it(s, c, &t, e);
}

void
s3_call_free(struct s3_call *c)
{
    strlist_free(&c->query);
    free_secret_list(&c->headers);
    s3_answer_free(&c->answer);
}
