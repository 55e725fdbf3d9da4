#include "storage/drivers/s3/page.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "storage/drivers/aws/uri.h"
#include "storage/drivers/aws/xml.h"

struct page_walk {
    struct s3_page *page;
    struct s3_entry entry;   /* being read */
    bool            encoded; /* encoding-type=url; may come before or after the keys */
};

static void
entry_clear(struct s3_entry *x)
{
    free(x->key);
    free(x->etag);
    free(x->modified);
    free(x->id);
    free(x->latest);
    *x = (struct s3_entry){0};
}

void
s3_page_free(struct s3_page *p)
{
    for (size_t i = 0; i < p->n; i++) {
        entry_clear(&p->v[i]);
    }
    free(p->v);
    strlist_free(&p->prefixes);
    free(p->next);
    free(p->next_id);
    *p = (struct s3_page){.count = -1};
}

static uint64_t
number(const char *text, bool *good)
{
    char    *end;
    uint64_t n = strtoull(text, &end, 10);

    *good = isdigit((unsigned char)*text) && *end == '\0';
    return n;
}

static void
set_text(char **to, const char *text)
{
    free(*to);
    *to = xstrdup(text);
}

static void
entry_end(struct page_walk *w, bool deleted)
{
    struct s3_page *p = w->page;

    w->entry.deleted = deleted;
    VEC_GROW(p->v, p->n, p->cap);
    p->v[p->n++] = w->entry;
    w->entry = (struct s3_entry){0};
}

static void
entry_field(struct s3_entry *x, const char *name, const char *text)
{
    if (strcmp(name, "Key") == 0) {
        set_text(&x->key, text);
    } else if (strcmp(name, "Size") == 0) {
        x->size = number(text, &x->has_size);
    } else if (strcmp(name, "ETag") == 0) {
        set_text(&x->etag, text);
    } else if (strcmp(name, "LastModified") == 0) {
        set_text(&x->modified, text);
    } else if (strcmp(name, "VersionId") == 0) {
        set_text(&x->id, text);
    } else if (strcmp(name, "IsLatest") == 0) {
        set_text(&x->latest, text);
    }
}

static void
page_field(struct page_walk *w, const char *path, const char *text)
{
    struct s3_page *p = w->page;
    bool            good;

    if (strcmp(path, "CommonPrefixes/Prefix") == 0) {
        strlist_add(&p->prefixes, text);
    } else if (strcmp(path, "IsTruncated") == 0) {
        p->truncated = strcmp(text, "true") == 0;
    } else if (strcmp(path, "NextContinuationToken") == 0 || strcmp(path, "NextKeyMarker") == 0) {
        set_text(&p->next, text);
    } else if (strcmp(path, "NextVersionIdMarker") == 0) {
        set_text(&p->next_id, text);
    } else if (strcmp(path, "KeyCount") == 0) {
        p->count = (long)number(text, &good);
        p->count = good ? p->count : -1;
    } else if (strcmp(path, "EncodingType") == 0) {
        w->encoded = strcmp(text, "url") == 0;
    }
}

static void
page_element(void *ctx, const char *path, const char *text)
{
    static const char *const entries[] = {"Contents", "Version", "DeleteMarker"};
    struct page_walk        *w = ctx;

    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        size_t n = strlen(entries[i]);

        if (strncmp(path, entries[i], n) == 0 && path[n] == '\0') {
            entry_end(w, *path == 'D');
            return;
        }
        if (strncmp(path, entries[i], n) == 0 && path[n] == '/' && text != NULL) {
            entry_field(&w->entry, path + n + 1, text);
            return;
        }
    }
    if (text != NULL) {
        page_field(w, path, text);
    }
}

/* NULL: it cannot be decoded, or was not there. */
static void
decode(char **text)
{
    char *encoded = *text;

    *text = encoded == NULL ? NULL : s3_uri_decode(encoded);
    free(encoded);
}

static void
decode_page(enum s3_listed what, struct s3_page *p)
{
    for (size_t i = 0; i < p->n; i++) {
        decode(&p->v[i].key);
    }
    for (size_t i = 0; i < p->prefixes.n; i++) {
        char *plain = s3_uri_decode(p->prefixes.v[i]);

        if (plain == NULL) {
            p->bad_prefix = true;
        } else {
            free(p->prefixes.v[i]);
            p->prefixes.v[i] = plain;
        }
    }
    if (what == S3_VERSIONS) {
        decode(&p->next); /* a key; a token is only sent back */
    }
}

int
s3_page_read(enum s3_listed what, const void *bytes, size_t n, struct s3_page *out, struct err *e)
{
    /* Versions are always requested encoded, but not every store confirms it. */
    struct page_walk w = {.page = out, .encoded = what == S3_VERSIONS};
    struct s3_xml    x = {.root = what == S3_VERSIONS ? "ListVersionsResult" : "ListBucketResult",
                          .element = page_element,
                          .ctx = &w};
    int              rc;

    *out = (struct s3_page){.count = -1};
    rc = s3_xml_parse(&x, bytes, n, e);
    entry_clear(&w.entry);
    if (rc != 0) {
        s3_page_free(out);
    } else if (w.encoded) {
        decode_page(what, out);
    }
    return rc;
}
