#include "storage/drivers/s3/list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "storage/drivers/aws/uri.h"
#include "storage/drivers/s3/call.h"
#include "storage/drivers/s3/s3.h"

/*
 * A page has up to 1000 entries, and a store may send shorter ones, even empty ones, for reasons of
 * its own.  It must not do so without end: ascending keys rule out a loop, but not a new key on
 * each page for ever.  So nearly empty pages are counted, and so are entries, up to listing-max: a
 * store that invents them would be listened to for ever.
 */
enum {
    PAGE_BYTES_MAX = 8 << 20,
    EMPTY_PAGES_MAX = 100,  /* in a row */
    SPARSE_PAGE = 10,       /* entries; with fewer a page is nearly empty */
    SPARSE_PAGES_MAX = 500, /* in one listing */
};

struct listing {
    struct s3_storage *s;
    enum s3_listed     what;
    char              *prefix; /* with the repository's own */
    bool               dirs;
    char              *last, *last_dir; /* key and prefix of the pages before; NULL: none yet */
    char              *from, *from_id;  /* where this page begins: page.next of the one before */
    int                empty;           /* empty pages in a row */
    int                sparse;          /* nearly empty pages */
    uint64_t           entries;         /* of the pages before */
    struct s3_page     page;
};

static int
senseless(const struct listing *l, struct err *e, const char *what)
{
    err_set(e, ERR_CORRUPT, "the listing%s makes no sense: %s",
            l->what == S3_VERSIONS ? " of versions" : "", what);
    e->transient = true;
    return -1;
}

/* Ascending, below the prefix, over all pages; again: one name may come several times. */
static int
check_order(const struct listing *l, const char *name, bool again, const char **last, struct err *e)
{
    int order;

    if (name == NULL) {
        return senseless(l, e, "an entry has no readable key");
    }
    if (strncmp(name, l->prefix, strlen(l->prefix)) != 0) {
        return senseless(l, e, "a key is not below the requested prefix");
    }
    order = *last == NULL ? 1 : strcmp(name, *last);
    if (order < 0 || (order == 0 && !again)) {
        return senseless(l, e, "keys do not ascend");
    }
    *last = name;
    return 0;
}

static int
check_entry(const struct listing *l, const struct s3_entry *x, struct err *e)
{
    if ((!x->has_size && !x->deleted) || x->modified == NULL) {
        return senseless(l, e, "an entry has no size or no time");
    }
    if (l->what == S3_VERSIONS && (x->id == NULL || x->latest == NULL)) {
        return senseless(l, e, "an entry is not whole");
    }
    return 0;
}

static bool
equal(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static int
too_long(const struct listing *l, struct err *e)
{
    err_set(e, ERR_CORRUPT, "the listing%s names more than %" PRIu64 " objects, and goes on",
            l->what == S3_VERSIONS ? " of versions" : "", l->s->set.listing_max);
    return err_hint(e,
                    "if there are that many: listing-max = NUMBER; if not, the store invents them");
}

/* Where the next page begins. */
static int
check_next(const struct listing *l, struct err *e)
{
    const struct s3_page *p = &l->page;

    if (!p->truncated) {
        return 0;
    }
    if (p->next == NULL ||
        (l->from != NULL && equal(p->next, l->from) && equal(p->next_id, l->from_id))) {
        return senseless(l, e, "it is truncated, but has no continuation token");
    }
    if (p->n + p->prefixes.n == 0 && l->empty >= EMPTY_PAGES_MAX) {
        return senseless(l, e, "it is truncated, but empty");
    }
    if (l->entries + p->n + p->prefixes.n >= l->s->set.listing_max) {
        return too_long(l, e);
    }
    if (l->sparse >= SPARSE_PAGES_MAX) {
        return senseless(l, e, "it goes on and on, with next to nothing on each page");
    }
    return 0;
}

static int
check_page(const struct listing *l, struct err *e)
{
    const struct s3_page *p = &l->page;
    const char           *last = l->last;
    const char           *last_dir = l->last_dir;

    /* Not every store counts common prefixes. */
    if (p->bad_prefix || (p->count >= 0 && (size_t)p->count > p->n + p->prefixes.n)) {
        return senseless(l, e, "entries are missing");
    }
    for (size_t i = 0; i < p->n; i++) {
        if (check_order(l, p->v[i].key, l->what == S3_VERSIONS, &last, e) != 0 ||
            check_entry(l, &p->v[i], e) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; l->dirs && i < p->prefixes.n; i++) {
        if (check_order(l, p->prefixes.v[i], false, &last_dir, e) != 0) {
            return -1;
        }
    }
    return check_next(l, e);
}

static int
accept_page(void *ctx, const struct s3_answer *a, struct err *e)
{
    struct listing *l = ctx;

    s3_page_free(&l->page);
    if (s3_page_read(l->what, a->body->data, a->body->len, &l->page, e) != 0) {
        e->transient = true;
        return -1;
    }
    return check_page(l, e);
}

static void
page_query(const struct listing *l, struct strlist *query)
{
    bool versions = l->what == S3_VERSIONS;

    s3_query_add(query, versions ? "versions" : "list-type", versions ? "" : "2");
    s3_query_add(query, "encoding-type", "url");
    if (*l->prefix != '\0') {
        s3_query_add(query, "prefix", l->prefix);
    }
    if (l->dirs) {
        s3_query_add(query, "delimiter", "/");
    }
    if (l->from != NULL) {
        s3_query_add(query, versions ? "key-marker" : "continuation-token", l->from);
    }
    if (l->from_id != NULL) {
        s3_query_add(query, "version-id-marker", l->from_id);
    }
}

static int
ask_page(struct listing *l, struct err *e)
{
    struct buf     body = BUF_INIT(PAGE_BYTES_MAX);
    struct s3_call c = {.verb = l->what == S3_VERSIONS ? "list the versions of" : "list",
                        .method = "GET",
                        .out = &body,
                        .accept = accept_page,
                        .ctx = l,
                        .below = l->prefix + strlen(l->s->set.prefix)};
    int            rc;

    page_query(l, &c.query);
    rc = s3_call(l->s, &c, e);
    s3_call_free(&c);
    buf_free(&body);
    return rc;
}

static void
take(char **to, char *text)
{
    free(*to);
    *to = text;
}

/* Where the next page begins, and which keys must follow; false: this was the last. */
static bool
go_on(struct listing *l)
{
    struct s3_page *p = &l->page;

    if (!p->truncated) {
        return false;
    }
    l->empty = p->n + p->prefixes.n == 0 ? l->empty + 1 : 0;
    l->sparse += p->n + p->prefixes.n < SPARSE_PAGE;
    l->entries += p->n + p->prefixes.n;
    if (p->n > 0) {
        take(&l->last, xstrdup(p->v[p->n - 1].key));
    }
    if (p->prefixes.n > 0) {
        take(&l->last_dir, xstrdup(p->prefixes.v[p->prefixes.n - 1]));
    }
    take(&l->from, p->next);
    take(&l->from_id, l->what == S3_VERSIONS ? p->next_id : NULL);
    p->next = p->next_id = NULL;
    return true;
}

/* Each page to pass(), until the last. */
static int
walk(struct listing *l, int (*pass)(const struct listing *, void *ctx, struct err *), void *ctx,
     struct err *e)
{
    int rc;

    do {
        rc = ask_page(l, e) != 0 ? -1 : pass(l, ctx, e);
    } while (rc == 0 && go_on(l));
    s3_page_free(&l->page);
    free(l->prefix);
    free(l->last);
    free(l->last_dir);
    free(l->from);
    free(l->from_id);
    return rc;
}

struct receiver {
    storage_version_fn *entry;
    storage_dirs_fn    *dir;
    void               *ctx;
};

/* The ETag of an object put in one request is its MD5, unless the store encrypts with its own keys:
 * then it has the same form, but another value. */
static bool
take_md5(const char *etag, uint8_t out[MD5_BYTES])
{
    size_t n = etag == NULL ? 0 : strlen(etag);

    return n == 2 * MD5_BYTES + 2 && etag[0] == '"' && etag[n - 1] == '"' &&
        hex_decode(etag + 1, n - 2, out, MD5_BYTES) == 0;
}

static int
pass_entries(const struct listing *l, void *ctx, struct err *e)
{
    const struct receiver *to = ctx;
    size_t                 own = strlen(l->s->set.prefix);

    for (size_t i = 0; i < l->page.n; i++) {
        const struct s3_entry *x = &l->page.v[i];
        struct object_version  v = {.key = x->key + own,
                                    .id = x->id,
                                    .size = x->deleted ? 0 : x->size,
                                    .latest = x->latest == NULL || strcmp(x->latest, "true") == 0,
                                    .deleted = x->deleted};

        if (!storage_key_valid(v.key)) {
            continue;
        }
        if (s3_time(x->modified, &v.modified) != 0) {
            return err_set(e, ERR_CORRUPT, "the listing's time of \"%s\" is none: \"%.40s\"", v.key,
                           x->modified);
        }
        v.has_md5 = take_md5(x->etag, v.md5);
        if (to->entry(to->ctx, &v, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
pass_dirs(const struct listing *l, void *ctx, struct err *e)
{
    const struct receiver *to = ctx;
    size_t                 n = strlen(l->prefix);
    int                    rc = 0;

    for (size_t i = 0; rc == 0 && i < l->page.prefixes.n; i++) {
        char  *name = xstrdup(l->page.prefixes.v[i] + n);
        size_t len = strlen(name);

        if (len > 0 && name[len - 1] == '/') {
            name[len - 1] = '\0';
            rc = storage_segment_valid(name) ? to->dir(to->ctx, name, e) : 0;
        }
        free(name);
    }
    return rc;
}

int
s3_list_entries(struct s3_storage *s, enum s3_listed what, const char *prefix,
                storage_version_fn *fn, void *ctx, struct err *e)
{
    struct listing  l = {.s = s, .what = what, .prefix = xasprintf("%s%s", s->set.prefix, prefix)};
    struct receiver to = {.entry = fn, .ctx = ctx};

    return walk(&l, pass_entries, &to, e);
}

int
s3_list_dirs(struct s3_storage *s, enum s3_listed what, const char *prefix, storage_dirs_fn *fn,
             void *ctx, struct err *e)
{
    struct listing l = {
        .s = s, .what = what, .prefix = xasprintf("%s%s", s->set.prefix, prefix), .dirs = true};
    struct receiver to = {.dir = fn, .ctx = ctx};

    return walk(&l, pass_dirs, &to, e);
}

/* ---- the driver's ---- */

struct objects {
    storage_list_fn *fn;
    void            *ctx;
};

static int
pass_object(void *ctx, const struct object_version *v, struct err *e)
{
    const struct objects *to = ctx;
    struct object_info    info = {
           .key = v->key, .size = v->size, .modified = v->modified, .has_md5 = v->has_md5};

    memcpy(info.md5, v->md5, sizeof info.md5);
    return to->fn(to->ctx, &info, e);
}

int
s3_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    struct objects to = {fn, ctx};

    return s3_list_entries(s3_self(st), S3_OBJECTS, prefix, pass_object, &to, e);
}

int
s3_dirs(struct storage *st, const char *prefix, storage_dirs_fn *fn, void *ctx, struct err *e)
{
    return s3_list_dirs(s3_self(st), S3_OBJECTS, prefix, fn, ctx, e);
}
