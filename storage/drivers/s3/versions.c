/* Older versions (ListObjectVersions): listing and reading them. */
#include <stdlib.h>
#include <string.h>

#include "storage/contract/versions.h"
#include "storage/drivers/aws/uri.h"
#include "storage/drivers/s3/call.h"
#include "storage/drivers/s3/s3.h"
#include "storage/drivers/s3/version_page.h"

enum { PAGE_BYTES_MAX = 8 << 20 };

static void
set(char **to, char *text)
{
    free(*to);
    *to = text;
}

struct listing {
    struct s3_storage     *s;
    char                  *prefix; /* with the repository's own */
    bool                   dirs;
    char                  *last;     /* key, or prefix, of the pages before; NULL: none yet */
    char                  *key, *id; /* where the next page begins */
    struct s3_version_page page;
};

static int
senseless(struct err *e, const char *what)
{
    err_set(e, ERR_CORRUPT, "the listing of versions makes no sense: %s", what);
    e->transient = true;
    return -1;
}

/* Below the prefix and ascending over all pages; several versions of one key follow each other. */
static int
check_name(const struct listing *l, const char *name, bool again, const char **last, struct err *e)
{
    if (name == NULL || strncmp(name, l->prefix, strlen(l->prefix)) != 0) {
        return senseless(e, "a key is missing, or not below the prefix that was asked for");
    }
    if (*last != NULL && (strcmp(name, *last) < 0 || (!again && strcmp(name, *last) == 0))) {
        return senseless(e, "keys do not ascend");
    }
    *last = name;
    return 0;
}

static int
check_page(const struct listing *l, struct err *e)
{
    const struct s3_version_page *p = &l->page;
    const char                   *last = l->last;

    for (size_t i = 0; !l->dirs && i < p->n; i++) {
        const struct s3_version *x = &p->v[i];

        if (check_name(l, x->key, true, &last, e) != 0) {
            return -1;
        }
        if (x->id == NULL || x->modified == NULL || x->latest == NULL ||
            (x->size == NULL && !x->deleted)) {
            return senseless(e, "an entry is not whole");
        }
    }
    for (size_t i = 0; l->dirs && i < p->prefixes.n; i++) {
        if (check_name(l, p->prefixes.v[i], false, &last, e) != 0) {
            return -1;
        }
    }
    if (p->bad_prefix || (p->truncated && p->next_key == NULL)) {
        return senseless(e,
                         p->bad_prefix ? "a prefix cannot be read" : "it goes on, but not where");
    }
    if (p->truncated && l->key != NULL && strcmp(p->next_key, l->key) == 0 &&
        strcmp(p->next_id == NULL ? "" : p->next_id, l->id == NULL ? "" : l->id) == 0) {
        return senseless(e, "it goes on where it began");
    }
    return 0;
}

static int
accept_page(void *ctx, const struct s3_answer *a, struct err *e)
{
    struct listing *l = ctx;

    s3_version_page_free(&l->page);
    if (s3_xml_versions(a->body->data, a->body->len, &l->page, e) != 0) {
        e->transient = true;
        return -1;
    }
    return check_page(l, e);
}

static int
ask_page(struct listing *l, struct err *e)
{
    struct buf     body = BUF_INIT(PAGE_BYTES_MAX);
    struct s3_call c = {.verb = "list the versions of",
                        .method = "GET",
                        .out = &body,
                        .accept = accept_page,
                        .ctx = l,
                        .below = l->prefix + strlen(l->s->set.prefix)};
    int            rc;

    s3_query_add(&c.query, "versions", "");
    s3_query_add(&c.query, "encoding-type", "url");
    if (*l->prefix != '\0') {
        s3_query_add(&c.query, "prefix", l->prefix);
    }
    if (l->dirs) {
        s3_query_add(&c.query, "delimiter", "/");
    }
    if (l->key != NULL) {
        s3_query_add(&c.query, "key-marker", l->key);
    }
    if (l->id != NULL) {
        s3_query_add(&c.query, "version-id-marker", l->id);
    }
    rc = s3_call(l->s, &c, e);
    s3_call_free(&c);
    buf_free(&body);
    return rc;
}

static int
pass_versions(const struct listing *l, storage_version_fn *fn, void *ctx, struct err *e)
{
    size_t own = strlen(l->s->set.prefix);

    for (size_t i = 0; i < l->page.n; i++) {
        const struct s3_version *x = &l->page.v[i];
        struct object_version    v = {.key = x->key + own,
                                      .id = x->id,
                                      .deleted = x->deleted,
                                      .latest = strcmp(x->latest, "true") == 0};
        char                    *end = NULL;

        if (!storage_key_valid(v.key)) {
            continue; /* none that this program gave */
        }
        v.size = x->deleted ? 0 : strtoull(x->size, &end, 10);
        if ((end != NULL && *end != '\0') || s3_time(x->modified, &v.modified) != 0) {
            return err_set(e, ERR_CORRUPT,
                           "the listing's size or time of a version of \"%s\" is none", v.key);
        }
        if (fn(ctx, &v, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
pass_dirs(const struct listing *l, storage_dirs_fn *fn, void *ctx, struct err *e)
{
    size_t n = strlen(l->prefix);
    int    rc = 0;

    for (size_t i = 0; rc == 0 && i < l->page.prefixes.n; i++) {
        char *name = xstrndup(l->page.prefixes.v[i] + n, strcspn(l->page.prefixes.v[i] + n, "/"));

        rc = storage_segment_valid(name) ? fn(ctx, name, e) : 0;
        free(name);
    }
    return rc;
}

/* Where the next page begins, and what it must come behind; false: this was the last. */
static bool
go_on(struct listing *l)
{
    struct s3_version_page *p = &l->page;

    if (!p->truncated) {
        return false;
    }
    if (l->dirs ? p->prefixes.n > 0 : p->n > 0) {
        set(&l->last, xstrdup(l->dirs ? p->prefixes.v[p->prefixes.n - 1] : p->v[p->n - 1].key));
    }
    set(&l->key, p->next_key);
    set(&l->id, p->next_id);
    p->next_key = p->next_id = NULL;
    return true;
}

/* 1: got one; 0: there is none; -1. */
static int
next_page(struct listing *l, bool first, struct err *e)
{
    if (!first && !go_on(l)) {
        return 0;
    }
    return ask_page(l, e) == 0 ? 1 : -1;
}

static void
listing_free(struct listing *l)
{
    s3_version_page_free(&l->page);
    free(l->prefix);
    free(l->last);
    free(l->key);
    free(l->id);
}

static int
list_versions(struct storage *st, const char *prefix, storage_version_fn *fn, void *ctx,
              struct err *e)
{
    struct s3_storage *s = s3_self(st);
    struct listing     l = {.s = s, .prefix = xasprintf("%s%s", s->set.prefix, prefix)};
    int                rc = next_page(&l, true, e);

    while (rc > 0 && (rc = pass_versions(&l, fn, ctx, e)) == 0) {
        rc = next_page(&l, false, e);
    }
    listing_free(&l);
    return rc;
}

static int
list_dirs(struct storage *st, const char *prefix, storage_dirs_fn *fn, void *ctx, struct err *e)
{
    struct s3_storage *s = s3_self(st);
    struct listing l = {.s = s, .prefix = xasprintf("%s%s", s->set.prefix, prefix), .dirs = true};
    int            rc = next_page(&l, true, e);

    while (rc > 0 && (rc = pass_dirs(&l, fn, ctx, e)) == 0) {
        rc = next_page(&l, false, e);
    }
    listing_free(&l);
    return rc;
}

static int
get_version(struct storage *st, const char *key, const char *id, struct buf *out, struct err *e)
{
    struct s3_storage *s = s3_self(st);
    struct s3_call     c = {
            .verb = "read an older version of", .method = "GET", .key = key, .out = out};
    int rc;

    buf_clear(out);
    s3_query_add(&c.query, "versionId", id);
    s3_customer_key_headers(s, &c.headers);
    rc = s3_call(s, &c, e);
    s3_call_free(&c);
    return rc;
}

const struct storage_version_ops s3_version_ops = {
    .list = list_versions,
    .dirs = list_dirs,
    .get = get_version,
    .remove = s3_remove_versions,
};
