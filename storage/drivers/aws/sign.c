#include "storage/drivers/aws/sign.h"

#include <ctype.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"

/* A header as it is signed. */
struct header {
    char  *name;  /* lower case */
    char  *value; /* trimmed, runs of blanks as one */
    size_t order; /* of equal names, as they are sent */
};

static char *
lower(const char *text, size_t n)
{
    char *out = xstrndup(text, n);

    for (char *p = out; *p != '\0'; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    return out;
}

static char *
squeezed(const char *text)
{
    char *out = xmalloc(strlen(text) + 1);
    char *p = out;

    for (; *text != '\0'; text++) {
        if (!isspace((unsigned char)*text)) {
            *p++ = *text;
        } else if (p > out && p[-1] != ' ') {
            *p++ = ' ';
        }
    }
    *(p > out && p[-1] == ' ' ? p - 1 : p) = '\0';
    return out;
}

static int
compare_headers(const void *a, const void *b)
{
    const struct header *x = a;
    const struct header *y = b;
    int                  order = strcmp(x->name, y->name);

    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static struct header *
sorted_headers(const struct strlist *list)
{
    struct header *h = xcalloc(list->n + 1, sizeof *h);

    for (size_t i = 0; i < list->n; i++) {
        size_t n = strcspn(list->v[i], ":");

        h[i] = (struct header){lower(list->v[i], n),
                               squeezed(list->v[i][n] == ':' ? list->v[i] + n + 1 : ""), i};
    }
    qsort(h, list->n, sizeof *h, compare_headers);
    return h;
}

static void
free_headers(struct header *h, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(h[i].name);
        sodium_memzero(h[i].value, strlen(h[i].value)); /* a session token, a customer's key */
        free(h[i].value);
    }
    free(h);
}

/* A growing text whose memory is wiped. */
struct text {
    char  *v;
    size_t n, cap;
};

static void
add(struct text *t, const char *piece)
{
    size_t n = strlen(piece);

    if (t->n + n + 1 > t->cap) {
        size_t cap = 2 * (t->n + n + 1);
        char  *v = xmalloc(cap);

        if (t->v != NULL) {
            memcpy(v, t->v, t->n);
            sodium_memzero(t->v, t->n);
            free(t->v);
        }
        t->v = v;
        t->cap = cap;
    }
    memcpy(t->v + t->n, piece, n + 1);
    t->n += n;
}

/* Headers of one name make one line, their values joined by commas. */
static void
add_headers(struct text *t, const struct header *h, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool again = i > 0 && strcmp(h[i].name, h[i - 1].name) == 0;

        if (!again) {
            add(t, i == 0 ? "" : "\n");
            add(t, h[i].name);
        }
        add(t, again ? "," : ":");
        add(t, h[i].value);
    }
    add(t, "\n");
}

static void
add_names(struct text *t, const struct header *h, size_t n)
{
    add(t, "");
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(h[i].name, h[i - 1].name) != 0) {
            add(t, i == 0 ? "" : ";");
            add(t, h[i].name);
        }
    }
}

static char *
header_names(const struct s3_sign *s)
{
    struct header *h = sorted_headers(s->headers);
    struct text    t = {0};

    add_names(&t, h, s->headers->n);
    free_headers(h, s->headers->n);
    return t.v;
}

char *
s3_sign_canonical(const struct s3_sign *s)
{
    struct header *h = sorted_headers(s->headers);
    struct text    t = {0};

    add(&t, s->method);
    add(&t, "\n");
    add(&t, s->path);
    add(&t, "\n");
    add(&t, s->query);
    add(&t, "\n");
    add_headers(&t, h, s->headers->n);
    add(&t, "\n");
    add_names(&t, h, s->headers->n);
    add(&t, "\n");
    add(&t, s->payload_sha256);
    free_headers(h, s->headers->n);
    return t.v;
}

char *
s3_sign_string(const struct s3_sign *s)
{
    char *canonical = s3_sign_canonical(s);
    char  digest[SHA256_HEX + 1];

    sha256_hex(canonical, strlen(canonical), digest);
    sodium_memzero(canonical, strlen(canonical));
    free(canonical);
    return xasprintf("AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n%s", s->time, s->time,
                     s->region, s->service, digest);
}

/* The key of the day, the region and the service, made from the secret one. */
static void
signing_key(const struct s3_sign *s, uint8_t key[SHA256_BYTES])
{
    size_t  n = strlen(s->secret_key) + 4;
    char   *first = xmalloc(n + 1);
    uint8_t next[SHA256_BYTES];

    (void)snprintf(first, n + 1, "AWS4%s", s->secret_key);
    hmac_sha256_key(first, n, s->time, 8, key);
    hmac_sha256_key(key, SHA256_BYTES, s->region, strlen(s->region), next);
    hmac_sha256_key(next, SHA256_BYTES, s->service, strlen(s->service), key);
    hmac_sha256_key(key, SHA256_BYTES, "aws4_request", strlen("aws4_request"), next);
    memcpy(key, next, SHA256_BYTES);
    sodium_memzero(next, sizeof next);
    sodium_memzero(first, n);
    free(first);
}

char *
s3_sign_authorization(const struct s3_sign *s)
{
    char   *names = header_names(s);
    char   *string = s3_sign_string(s);
    uint8_t key[SHA256_BYTES];
    uint8_t mac[SHA256_BYTES];
    char    signature[SHA256_HEX + 1];
    char   *out;

    signing_key(s, key);
    hmac_sha256_key(key, sizeof key, string, strlen(string), mac);
    hex_encode(mac, sizeof mac, signature);
    out = xasprintf(
        "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, SignedHeaders=%s, Signature=%s",
        s->access_key, s->time, s->region, s->service, names, signature);
    sodium_memzero(key, sizeof key);
    free(names);
    free(string);
    return out;
}
