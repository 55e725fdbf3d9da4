/* Listing (ListObjectsV2), page by page: each is checked before any of it is passed on. */
#include <stdlib.h>
#include <string.h>

#include "storage/drivers/aws/uri.h"
#include "storage/drivers/s3/call.h"
#include "storage/drivers/s3/s3.h"

enum { PAGE_BYTES_MAX = 8 << 20, EMPTY_PAGES_MAX = 100 };

struct listing {
    struct s3_storage *s;
    char              *prefix; /* with the repository's own */
    bool               dirs;
    char              *last; /* key or common prefix of the pages before; NULL: none yet */
    char              *token;
    int                empty; /* pages in a row that held nothing */
    struct s3_page     page;
};

static int
senseless(struct err *e, const char *what)
{
    err_set(e, ERR_CORRUPT, "the listing makes no sense: %s", what);
    e->transient = true;
    return -1;
}

/* Strictly ascending, below the prefix, over all pages. */
static int
check_order(const struct listing *l, const char *name, const char **last, struct err *e)
{
    if (name == NULL) {
        return senseless(e, "an entry has no readable key");
    }
    if (strncmp(name, l->prefix, strlen(l->prefix)) != 0) {
        return senseless(e, "a key is not below the prefix that was asked for");
    }
    if (*last != NULL && strcmp(name, *last) <= 0) {
        return senseless(e, "keys do not ascend");
    }
    *last = name;
    return 0;
}

static int
check_page(const struct listing *l, struct err *e)
{
    const struct s3_page *p = &l->page;
    const char           *last = l->last;

    /* Not every store counts common prefixes. */
    if (p->bad_prefix || (p->count >= 0 && (size_t)p->count > p->n + p->prefixes.n)) {
        return senseless(e, "entries are missing");
    }
    for (size_t i = 0; i < p->n; i++) {
        /* With a delimiter keys and prefixes ascend together; only the prefixes matter then. */
        if (!l->dirs && check_order(l, p->entries[i].key, &last, e) != 0) {
            return -1;
        }
        if (!p->entries[i].has_size || p->entries[i].modified == NULL) {
            return senseless(e, "an entry has no size or no time");
        }
    }
    for (size_t i = 0; l->dirs && i < p->prefixes.n; i++) {
        if (check_order(l, p->prefixes.v[i], &last, e) != 0) {
            return -1;
        }
    }
    if (p->truncated && (p->next == NULL || (l->token != NULL && strcmp(p->next, l->token) == 0))) {
        return senseless(e, "it goes on, but not where");
    }
    if (p->truncated && p->n + p->prefixes.n == 0 && l->empty >= EMPTY_PAGES_MAX) {
        return senseless(e, "it goes on, but with nothing");
    }
    return 0;
}

static int
accept_page(void *ctx, const struct s3_answer *a, struct err *e)
{
    struct listing *l = ctx;

    s3_page_free(&l->page);
    if (s3_xml_page(a->body->data, a->body->len, &l->page, e) != 0) {
        e->transient = true;
        return -1;
    }
    return check_page(l, e);
}

static int
ask_page(struct listing *l, struct err *e)
{
    struct buf     body = BUF_INIT(PAGE_BYTES_MAX);
    struct s3_call c = {.verb = "list",
                        .method = "GET",
                        .out = &body,
                        .accept = accept_page,
                        .ctx = l,
                        .below = l->prefix + strlen(l->s->set.prefix)};
    int            rc;

    s3_query_add(&c.query, "list-type", "2");
    s3_query_add(&c.query, "encoding-type", "url");
    if (*l->prefix != '\0') {
        s3_query_add(&c.query, "prefix", l->prefix);
    }
    if (l->dirs) {
        s3_query_add(&c.query, "delimiter", "/");
    }
    if (l->token != NULL) {
        s3_query_add(&c.query, "continuation-token", l->token);
    }
    rc = s3_call(l->s, &c, e);
    s3_call_free(&c);
    buf_free(&body);
    return rc;
}

static void
set(char **to, const char *text)
{
    char *copy = text == NULL ? NULL : xstrdup(text);

    free(*to);
    *to = copy;
}

/* The next page into l->page.  1: got one; 0: there is none; -1. */
static int
next_page(struct listing *l, bool first, struct err *e)
{
    const struct s3_page *p = &l->page;

    if (!first) {
        if (!p->truncated) {
            return 0;
        }
        l->empty = p->n + p->prefixes.n == 0 ? l->empty + 1 : 0;
        if (l->dirs ? p->prefixes.n > 0 : p->n > 0) {
            set(&l->last, l->dirs ? p->prefixes.v[p->prefixes.n - 1] : p->entries[p->n - 1].key);
        }
        set(&l->token, p->next);
    }
    return ask_page(l, e) == 0 ? 1 : -1;
}

static int
pass_entries(const struct listing *l, storage_list_fn *fn, void *ctx, struct err *e)
{
    size_t own = strlen(l->s->set.prefix);

    for (size_t i = 0; i < l->page.n; i++) {
        const struct s3_entry *x = &l->page.entries[i];
        struct object_info     info = {.key = x->key + own, .size = x->size};

        if (!storage_key_valid(info.key)) {
            continue; /* none that this program gave: a console's "folder" */
        }
        if (s3_time(x->modified, &info.modified) != 0) {
            return err_set(e, ERR_CORRUPT, "the listing's time of \"%s\" is none: \"%.40s\"",
                           info.key, x->modified);
        }
        if (fn(ctx, &info, e) != 0) {
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
        char  *name = xstrdup(l->page.prefixes.v[i] + n);
        size_t len = strlen(name);

        if (len > 0 && name[len - 1] == '/') {
            name[len - 1] = '\0';
            rc = storage_segment_valid(name) ? fn(ctx, name, e) : 0;
        }
        free(name);
    }
    return rc;
}

static void
listing_free(struct listing *l)
{
    s3_page_free(&l->page);
    free(l->prefix);
    free(l->last);
    free(l->token);
}

int
s3_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    struct s3_storage *s = s3_self(st);
    struct listing     l = {.s = s, .prefix = xasprintf("%s%s", s->set.prefix, prefix)};
    int                rc = next_page(&l, true, e);

    while (rc > 0 && (rc = pass_entries(&l, fn, ctx, e)) == 0) {
        rc = next_page(&l, false, e);
    }
    listing_free(&l);
    return rc;
}

int
s3_dirs(struct storage *st, const char *prefix, storage_dirs_fn *fn, void *ctx, struct err *e)
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
