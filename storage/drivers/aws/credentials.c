#include "storage/drivers/aws/credentials.h"

#include <curl/curl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"
#include "storage/drivers/aws/source.h"

/* Seconds before expiry at which credentials are renewed, plus up to JITTER: many hosts that began
 * together should not renew together.  Also the pause after a failed early renewal. */
enum { EARLY = 300, JITTER = 60, AGAIN = 30 };

struct aws_provider {
    char           *profile; /* NULL: the whole order */
    pthread_mutex_t lock;    /* for the following members; never held while a source is queried */
    pthread_cond_t  fetched;
    struct aws_credentials have;       /* access_key NULL: nothing yet, or refused */
    time_t                 refresh_at; /* 0: never */
    bool                   fetching;   /* one thread is fetching */
    unsigned long          fetches;    /* fetches that have ended */
    struct err             failed;     /* how the last of them ended */
};

struct aws_provider *
aws_provider_new(const char *profile, struct err *e)
{
    struct aws_provider *p;

    if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        err_set(e, ERR_IO, "could not start libsodium or libcurl");
        return NULL;
    }
    p = xcalloc(1, sizeof *p);
    p->profile = profile == NULL ? NULL : xstrdup(profile);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->fetched, NULL);
    return p;
}

void
aws_provider_free(struct aws_provider *p)
{
    if (p == NULL) {
        return;
    }
    aws_credentials_free(&p->have);
    (void)pthread_mutex_destroy(&p->lock);
    (void)pthread_cond_destroy(&p->fetched);
    free(p->profile);
    free(p);
}

/* One source: 0 found, -1 failed, 1 not set up (added to what was tried). */
static int
try_source(const char *name, int rc, struct buf *tried, struct err *e)
{
    struct err full = ERR_INIT;

    if (rc == 0) {
        return 0;
    }
    if (e->kind != ERR_NOT_FOUND) {
        return err_wrap(e, "credentials from %s", name);
    }
    (void)buf_printf(tried, &full, "%s%s (%s)", tried->len == 0 ? "" : ", ", name, e->text);
    err_clear(e);
    return 1;
}

static int
nothing_found(struct buf *tried, struct err *e)
{
    err_set(e, ERR_AUTH, "no credentials found; tried %s", buf_str(tried));
    return err_hint(e,
                    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put a profile into "
                    "~/.aws/credentials and "
                    "name it with AWS_PROFILE or \"profile = NAME\" in the repository's section");
}

static int
find(const char *profile, struct aws_credentials *out, struct err *e)
{
    struct buf tried = BUF_INIT(sizeof e->text);
    int        rc = 1;

    if (profile == NULL) {
        rc = try_source("the environment", aws_from_environment(out, e), &tried, e);
    }
    if (rc == 1 && profile == NULL) {
        rc = try_source("a web identity", aws_from_web_identity(out, e), &tried, e);
    }
    if (rc == 1) {
        rc = try_source("the AWS files", aws_from_profile(profile, out, e), &tried, e);
    }
    if (rc == 1) {
        rc = try_source("the container", aws_from_container(out, e), &tried, e);
    }
    if (rc == 1) {
        rc = try_source("the instance", aws_from_instance(out, e), &tried, e);
    }
    if (rc == 1) {
        rc = nothing_found(&tried, e);
    }
    buf_free(&tried);
    return rc;
}

/* The time at which to renew these. */
static time_t
refresh_time(const struct aws_credentials *c, time_t now)
{
    uint16_t random;
    time_t   early;

    if (c->expires == 0) {
        return 0;
    }
    random_bytes(&random, sizeof random);
    early = EARLY + random % JITTER;
    if (early > (c->expires - now) / 2) {
        early = (c->expires - now) / 2;
    }
    return c->expires - early;
}

/* Under the lock, after a fetch. */
static void
settle(struct aws_provider *p, int rc, struct aws_credentials *got, const struct err *why)
{
    time_t now = time(NULL);

    if (rc == 0) {
        aws_credentials_free(&p->have);
        p->have = *got;
        *got = (struct aws_credentials)AWS_CREDENTIALS_INIT;
        p->refresh_at = refresh_time(&p->have, now);
        err_clear(&p->failed);
    } else if (p->have.access_key != NULL && now < p->have.expires) {
        char until[32];

        log_warn("could not renew the credentials, which hold until %s: %s",
                 time_rfc3339(p->have.expires, until, sizeof until), why->text);
        p->refresh_at = now + AGAIN;
        err_clear(&p->failed);
    } else {
        aws_credentials_free(&p->have);
        p->failed = *why;
    }
    p->fetches++;
    p->fetching = false;
    (void)pthread_cond_broadcast(&p->fetched);
}

/* Called and left with the lock held. */
static void
fetch(struct aws_provider *p)
{
    struct aws_credentials got = AWS_CREDENTIALS_INIT;
    struct err             why = ERR_INIT;
    time_t                 now;
    int                    rc;

    p->fetching = true;
    (void)pthread_mutex_unlock(&p->lock);
    rc = find(p->profile, &got, &why);
    now = time(NULL);
    if (rc == 0 && got.expires != 0 && got.expires <= now) {
        char at[32];

        rc = err_set(&why, ERR_AUTH, "the credentials found expired at %s by this host's clock",
                     time_rfc3339(got.expires, at, sizeof at));
    }
    (void)pthread_mutex_lock(&p->lock);
    settle(p, rc, &got, &why);
    aws_credentials_free(&got);
}

int
aws_provider_get(struct aws_provider *p, struct aws_credentials *out, struct err *e)
{
    int rc = 0;

    (void)pthread_mutex_lock(&p->lock);
    for (;;) {
        time_t now = time(NULL);
        bool usable = p->have.access_key != NULL && (p->have.expires == 0 || now < p->have.expires);
        unsigned long fetches = p->fetches;

        if (usable && (p->fetching || p->refresh_at == 0 || now < p->refresh_at)) {
            aws_credentials_copy(out, &p->have);
            break;
        }
        if (p->fetching) {
            (void)pthread_cond_wait(&p->fetched, &p->lock);
        } else {
            fetch(p);
        }
        if (p->fetches != fetches && p->failed.kind != ERR_NONE) {
            *e = p->failed;
            rc = -1;
            break;
        }
    }
    (void)pthread_mutex_unlock(&p->lock);
    return rc;
}

void
aws_provider_refused(struct aws_provider *p, const struct aws_credentials *c)
{
    (void)pthread_mutex_lock(&p->lock);
    if (p->have.access_key != NULL && strcmp(p->have.access_key, c->access_key) == 0 &&
        strcmp(p->have.secret_key, c->secret_key) == 0) {
        aws_credentials_free(&p->have); /* else another thread has renewed them meanwhile */
    }
    (void)pthread_mutex_unlock(&p->lock);
}
