#include "storage/drivers/s3/version_page.h"

#include <stdlib.h>
#include <string.h>

#include "storage/drivers/aws/uri.h"
#include "storage/drivers/aws/xml.h"

static void
entry_clear(struct s3_version *x)
{
    free(x->key);
    free(x->id);
    free(x->size);
    free(x->modified);
    free(x->latest);
    *x = (struct s3_version){0};
}

void
s3_version_page_free(struct s3_version_page *p)
{
    for (size_t i = 0; i < p->n; i++) {
        entry_clear(&p->v[i]);
    }
    entry_clear(&p->open);
    free(p->v);
    free(p->next_key);
    free(p->next_id);
    strlist_free(&p->prefixes);
    *p = (struct s3_version_page){0};
}

static void
set(char **to, char *text)
{
    free(*to);
    *to = text;
}

static void
entry_field(struct s3_version *x, const char *name, const char *text)
{
    if (strcmp(name, "Key") == 0) {
        set(&x->key, s3_uri_decode(text));
    } else if (strcmp(name, "VersionId") == 0) {
        set(&x->id, xstrdup(text));
    } else if (strcmp(name, "Size") == 0) {
        set(&x->size, xstrdup(text));
    } else if (strcmp(name, "LastModified") == 0) {
        set(&x->modified, xstrdup(text));
    } else if (strcmp(name, "IsLatest") == 0) {
        set(&x->latest, xstrdup(text));
    }
}

static void
entry_end(struct s3_version_page *p, bool deleted)
{
    p->open.deleted = deleted;
    VEC_GROW(p->v, p->n, p->cap);
    p->v[p->n++] = p->open;
    p->open = (struct s3_version){0};
}

static void
page_field(struct s3_version_page *p, const char *path, const char *text)
{
    if (strcmp(path, "CommonPrefixes/Prefix") == 0) {
        char *name = s3_uri_decode(text);

        if (name == NULL) {
            p->bad_prefix = true;
        } else {
            strlist_take(&p->prefixes, name);
        }
    } else if (strcmp(path, "IsTruncated") == 0) {
        p->truncated = strcmp(text, "true") == 0;
    } else if (strcmp(path, "NextKeyMarker") == 0) {
        set(&p->next_key, s3_uri_decode(text));
    } else if (strcmp(path, "NextVersionIdMarker") == 0) {
        set(&p->next_id, xstrdup(text));
    }
}

static void
element(void *ctx, const char *path, const char *text)
{
    static const char       version[] = "Version/";
    static const char       marker[] = "DeleteMarker/";
    struct s3_version_page *p = ctx;

    if (strcmp(path, "Version") == 0 || strcmp(path, "DeleteMarker") == 0) {
        entry_end(p, *path == 'D');
    } else if (text == NULL) {
        return;
    } else if (strncmp(path, version, strlen(version)) == 0) {
        entry_field(&p->open, path + strlen(version), text);
    } else if (strncmp(path, marker, strlen(marker)) == 0) {
        entry_field(&p->open, path + strlen(marker), text);
    } else {
        page_field(p, path, text);
    }
}

int
s3_xml_versions(const void *xml, size_t n, struct s3_version_page *p, struct err *e)
{
    return s3_xml_parse(
        &(struct s3_xml){.root = "ListVersionsResult", .element = element, .ctx = p}, xml, n, e);
}
