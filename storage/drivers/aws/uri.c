#include "storage/drivers/aws/uri.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool
is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
        c == '.' || c == '_' || c == '~';
}

char *
s3_uri_encode(const char *text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    char             *out = xmalloc(3 * strlen(text) + 1);
    char             *p = out;

    for (; *text != '\0'; text++) {
        if (is_unreserved(*text) || (keep_slash && *text == '/')) {
            *p++ = *text;
        } else {
            *p++ = '%';
            *p++ = digits[(unsigned char)*text >> 4];
            *p++ = digits[(unsigned char)*text & 15];
        }
    }
    *p = '\0';
    return out;
}

static int
hex_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0'
        : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                     : -1;
}

char *
s3_uri_decode(const char *text)
{
    char *out = xmalloc(strlen(text) + 1);
    char *p = out;

    for (; *text != '\0'; text++) {
        if (*text == '+') {
            *p++ = ' ';
        } else if (*text != '%') {
            *p++ = *text;
        } else {
            int high = hex_value(text[1]);
            int low = high < 0 ? -1 : hex_value(text[2]);

            if (low < 0 || (high == 0 && low == 0)) {
                free(out);
                return NULL;
            }
            *p++ = (char)(high << 4 | low);
            text += 2;
        }
    }
    *p = '\0';
    return out;
}

void
s3_query_add(struct strlist *query, const char *name, const char *value)
{
    char *n = s3_uri_encode(name, false);
    char *v = s3_uri_encode(value, false);

    strlist_take(query, xasprintf("%s=%s", n, v));
    free(n);
    free(v);
}

/* By name, then by value: "=" would sort after the next character of a longer name. */
static int
compare_pairs(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    size_t             nx = strcspn(*x, "=");
    size_t             ny = strcspn(*y, "=");
    int                order = strncmp(*x, *y, nx < ny ? nx : ny);

    if (order == 0 && nx != ny) {
        order = nx < ny ? -1 : 1;
    }
    return order != 0 ? order : strcmp(*x + nx, *y + ny);
}

char *
s3_query_text(struct strlist *query)
{
    size_t n = 1;
    char  *out;
    char  *p;

    if (query->n > 1) {
        qsort(query->v, query->n, sizeof *query->v, compare_pairs);
    }
    for (size_t i = 0; i < query->n; i++) {
        n += strlen(query->v[i]) + 1;
    }
    p = out = xmalloc(n);
    for (size_t i = 0; i < query->n; i++) {
        p += i > 0;
        p = stpcpy(p, query->v[i]);
        *p = '&';
    }
    *p = '\0';
    return out;
}
