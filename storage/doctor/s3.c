/* An S3 store: its address and credentials, and the pages of its listings. */
#include <stdlib.h>
#include <string.h>

#include "storage/contract/location.h"
#include "storage/doctor/probe.h"
#include "storage/drivers/aws/uri.h"
#include "storage/drivers/open.h"
#include "storage/drivers/s3/call.h"
#include "storage/drivers/s3/page.h"
#include "storage/drivers/s3/s3.h"

enum { ANSWER_MAX = 1 << 20 };

/* ---- reaching it ---- */

/* Only Swift's S3 interface sends OpenStack's request ids with its answers. */
static bool
is_swift(const struct s3_answer *a)
{
    return s3_answer_header(a, "x-trans-id") != NULL ||
        s3_answer_header(a, "x-openstack-request-id") != NULL;
}

/* *swift may be NULL. */
static int
list_one(struct s3_storage *s, bool once, bool *swift, struct err *e)
{
    struct buf     out = BUF_INIT(ANSWER_MAX);
    struct s3_call c = {.verb = "list", .method = "GET", .out = &out, .once = once};
    struct s3_page page = {0};
    int            rc;

    s3_query_add(&c.query, "list-type", "2");
    s3_query_add(&c.query, "max-keys", "1");
    s3_query_add(&c.query, "prefix", s->set.prefix);
    rc = s3_call(s, &c, e);
    if (rc == 0 && swift != NULL) {
        *swift = is_swift(&c.answer);
    }
    if (rc == 0) {
        rc = s3_page_read(S3_OBJECTS, out.data, out.len, &page, e);
        s3_page_free(&page);
    }
    s3_call_free(&c);
    buf_free(&out);
    return rc;
}

/* Does the other style of addresses work? */
static bool
other_style_works(const struct doctor *d, bool path_style)
{
    struct err              e = ERR_INIT;
    struct strlist          options = {0};
    struct storage_location place = *d->place;
    struct storage         *st;
    bool                    works;

    for (size_t i = 0; place.given.options != NULL && i < place.given.options->n; i++) {
        strlist_add(&options, place.given.options->v[i]);
    }
    strlist_add(&options, path_style ? "style=host" : "style=path"); /* the last one counts */
    place.given.options = &options;
    st = storage_open(&place, false, &e);
    works = st != NULL && list_one(s3_storage_of(st), true, NULL, &e) == 0;
    storage_close(st);
    strlist_free(&options);
    return works;
}

/* A container's listing is updated after the object was stored: usually at once, else by Swift's
 * object-updater, which runs every 5 minutes by default.  So a prune's listing may be that old. */
static void
judge_swift(struct doctor *d)
{
    unsigned delay = d->st->stale_seconds;

    if (delay > 0) {
        doctor_add(d, "listings", FINDING_GOOD, NULL,
                   "this is Swift, whose listings may be old: a prune waits for listing-delay, %u "
                   "s",
                   delay);
        return;
    }
    doctor_add(d, "listings", FINDING_BAD, "set listing-delay = 300, or more where it is slow",
               "this is Swift, whose listings may lack what was stored a moment ago, and show what "
               "is gone: a prune must wait for them");
}

bool
doctor_s3_reach(struct doctor *d)
{
    struct s3_storage *s = s3_storage_of(d->st);
    struct err         e = ERR_INIT;
    const char        *mine = s->set.path_style ? "path" : "host";
    const char        *other = s->set.path_style ? "host" : "path";
    bool               swift = false;

    if (list_one(s, false, &swift, &e) != 0) {
        if (e.kind == ERR_INTERRUPTED) {
            return false;
        }
        doctor_failed(d, "reach", NULL, &e);
        if (other_style_works(d, s->set.path_style)) {
            doctor_add(d, "style", FINDING_BAD,
                       s->set.path_style ? "set style = host" : "set style = path",
                       "the store answers in %s style, not in %s style", other, mine);
        }
        return false;
    }
    doctor_add(d, "reach", FINDING_GOOD, NULL,
               "%s://%s answers, knows the credentials and has bucket \"%s\"",
               s->set.tls ? "https" : "http", s->set.host, s->set.bucket);
    doctor_add(d, "style", FINDING_GOOD, NULL, "%s style works; %s style %s", mine, other,
               other_style_works(d, s->set.path_style) ? "would, too" : "does not");
    if (!s->set.tls) {
        doctor_add(d, "tls", FINDING_NOTE, "use an https:// endpoint outside of this host",
                   "everything travels without encryption");
    }
    if (swift) {
        judge_swift(d);
    }
    return true;
}

/* ---- pages ---- */

struct pages {
    struct doctor     *d;
    struct s3_storage *s;
    size_t             pages, keys;
    char              *last, *token;
    bool               out_of_order;
};

/* 1: another page follows. */
static int
one_page(struct pages *p, struct err *e)
{
    struct buf     out = BUF_INIT(ANSWER_MAX);
    struct s3_call c = {.verb = "list", .method = "GET", .out = &out};
    struct s3_page page = {0};
    char          *prefix = xasprintf("%s%s", p->s->set.prefix, p->d->prefix);
    int            rc;

    s3_query_add(&c.query, "list-type", "2");
    s3_query_add(&c.query, "max-keys", "2");
    s3_query_add(&c.query, "prefix", prefix);
    if (p->token != NULL) {
        s3_query_add(&c.query, "continuation-token", p->token);
    }
    rc = s3_call(p->s, &c, e) != 0 || s3_page_read(S3_OBJECTS, out.data, out.len, &page, e) != 0
        ? -1
        : 0;
    for (size_t i = 0; rc == 0 && i < page.n; i++) {
        p->out_of_order |= page.v[i].key == NULL ||
            (p->last != NULL && strcmp(page.v[i].key, p->last) <= 0);
        free(p->last);
        p->last = page.v[i].key == NULL ? NULL : xstrdup(page.v[i].key);
    }
    if (rc == 0) {
        p->pages++;
        p->keys += page.n;
        free(p->token);
        p->token = page.truncated && page.next != NULL ? xstrdup(page.next) : NULL;
        rc = p->token != NULL;
        s3_page_free(&page);
    }
    free(prefix);
    s3_call_free(&c);
    buf_free(&out);
    return rc;
}

void
doctor_s3_pages(struct doctor *d)
{
    struct err   e = ERR_INIT;
    struct pages p = {.d = d, .s = s3_storage_of(d->st)};
    size_t       want = d->made.n;
    int          more = 1;

    while (more == 1 && p.pages <= want) {
        more = one_page(&p, &e);
    }
    if (more < 0) {
        doctor_failed(d, "pages", NULL, &e);
    } else if (more == 1 || p.keys != want || p.out_of_order) {
        doctor_add(d, "pages", FINDING_BAD,
                   "a store whose listings are wrong must not hold a repository",
                   "listed two at a time, %zu objects came as %zu%s%s", want, p.keys,
                   p.out_of_order ? ", out of order" : "", more == 1 ? ", without an end" : "");
    } else {
        doctor_add(d, "pages", FINDING_GOOD, NULL,
                   "%zu objects, listed two at a time, came in %zu pages, each once and in order",
                   want, p.pages);
    }
    free(p.last);
    free(p.token);
}
