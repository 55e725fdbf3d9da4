#include "storage/repo/labelcache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/host/statedir.h"
#include "core/log.h"
#include "storage/format/label.h"

enum { BYTES_MAX = 64 << 20 };

static const char head[] = "pgassay labels 1\n";

struct kept {
    char           id[BACKUP_ID_MAX];
    const uint8_t *data; /* in labelcache.old, or own */
    size_t         n;
    uint8_t       *own;
};

struct kept_list {
    struct kept *v;
    size_t       n, cap;
};

struct labelcache {
    char            *path;  /* NULL: there is no place for it */
    struct buf       old;   /* the file as it was */
    struct kept_list known; /* in it, ascending by id */
    struct kept_list now;   /* what it will hold */
    bool             changed;
};

static void
add(struct kept_list *list, const char *id, const uint8_t *data, size_t n, uint8_t *own)
{
    struct kept *k;

    VEC_GROW(list->v, list->n, list->cap);
    k = &list->v[list->n++];
    *k = (struct kept){.data = data, .n = n, .own = own};
    (void)snprintf(k->id, sizeof k->id, "%s", id);
}

/* ---- the file ---- */

static int
read_file(const char *path, struct buf *out)
{
    struct err  e = ERR_INIT;
    struct stat st;
    int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t     n = 1;

    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        n = -1;
    }
    while (n > 0) {
        uint8_t bytes[1 << 16];

        n = read(fd, bytes, sizeof bytes);
        if (n > 0 && buf_append(out, bytes, (size_t)n, &e) != 0) {
            n = -1;
        }
    }
    (void)close(fd);
    return n == 0 ? 0 : -1;
}

/* The line at p, without its end, into out; the length with it, or 0. */
static size_t
take_line(const uint8_t *p, size_t n, char *out, size_t cap)
{
    const uint8_t *end = memchr(p, '\n', n < cap ? n : cap);
    size_t         length = end == NULL ? 0 : (size_t)(end - p);

    if (length == 0) {
        return 0;
    }
    memcpy(out, p, length);
    out[length] = '\0';
    return length + 1;
}

/* A file that is not whole is none at all: what remains of it would be right, but not worth it. */
static bool
parse(struct labelcache *c)
{
    const uint8_t *p = c->old.data, *end = p + c->old.len;

    if (c->old.len < sizeof head - 1 || memcmp(p, head, sizeof head - 1) != 0) {
        return false;
    }
    for (p += sizeof head - 1; p < end;) {
        char   line[64];
        size_t n = take_line(p, (size_t)(end - p), line, sizeof line);
        char  *size = strchr(line, ' ');
        char  *rest;

        if (n == 0 || size == NULL) {
            return false;
        }
        *size++ = '\0';
        p += n;
        n = strtoul(size, &rest, 10);
        if (!backup_id_valid(line) || *rest != '\0' || n > (size_t)(end - p) ||
            (c->known.n > 0 && strcmp(c->known.v[c->known.n - 1].id, line) >= 0)) {
            return false;
        }
        add(&c->known, line, p, n, NULL);
        p += n;
    }
    return true;
}

struct labelcache *
labelcache_open(const struct repo *r, const char *db)
{
    struct labelcache *c = xcalloc(1, sizeof *c);
    struct err         ignored = ERR_INIT;
    char              *enc = name_encode(db);
    char              *file = xasprintf("%s.labels", enc);

    c->old = (struct buf)BUF_INIT(BYTES_MAX + sizeof head);
    c->path = state_file(r->id, file, &ignored);
    if (c->path != NULL && (read_file(c->path, &c->old) != 0 || !parse(c))) {
        c->known.n = 0;
    }
    free(file);
    free(enc);
    return c;
}

static int
ascending(const void *a, const void *b)
{
    return strcmp(((const struct kept *)a)->id, ((const struct kept *)b)->id);
}

/* The newest, as many as there is room for. */
static void
write_file(const struct labelcache *c)
{
    struct buf text = BUF_INIT(BYTES_MAX);
    struct err e = ERR_INIT;
    size_t     first = c->now.n, total = sizeof head;
    int        rc;

    qsort(c->now.v, c->now.n, sizeof *c->now.v, ascending);
    while (first > 0 && total + c->now.v[first - 1].n + 64 <= BYTES_MAX) {
        total += c->now.v[--first].n + 64;
    }
    rc = buf_puts(&text, head, &e);
    for (size_t i = first; rc == 0 && i < c->now.n; i++) {
        const struct kept *k = &c->now.v[i];

        rc = buf_printf(&text, &e, "%s %zu\n", k->id, k->n) != 0 ||
                buf_append(&text, k->data, k->n, &e) != 0
            ? -1
            : 0;
    }
    if (rc != 0 || state_write(c->path, &text, &e) != 0) {
        log_info("%s; labels are read again next time", e.text);
    }
    buf_free(&text);
}

void
labelcache_close(struct labelcache *c, bool whole)
{
    if (c == NULL) {
        return;
    }
    if (whole && c->changed && c->path != NULL) {
        write_file(c);
    }
    for (size_t i = 0; i < c->now.n; i++) {
        free(c->now.v[i].own);
    }
    free(c->now.v);
    free(c->known.v);
    buf_free(&c->old);
    free(c->path);
    free(c);
}

/* ---- its labels ---- */

static bool
is_listed(const void *data, size_t n, const struct object_info *info)
{
    uint8_t digest[MD5_BYTES];

    if (!info->has_md5 || n != info->size) {
        return false;
    }
    md5(data, n, digest);
    return memcmp(digest, info->md5, sizeof digest) == 0;
}

static int
by_id(const void *id, const void *kept)
{
    return strcmp(id, ((const struct kept *)kept)->id);
}

bool
labelcache_get(struct labelcache *c, const char *id, const struct object_info *info,
               struct buf *out)
{
    const struct kept *k = c->known.n == 0
        ? NULL
        : bsearch(id, c->known.v, c->known.n, sizeof *c->known.v, by_id);
    struct err         ignored = ERR_INIT;

    if (k == NULL || !is_listed(k->data, k->n, info) ||
        buf_append(out, k->data, k->n, &ignored) != 0) {
        return false;
    }
    add(&c->now, id, k->data, k->n, NULL);
    return true;
}

void
labelcache_keep(struct labelcache *c, const char *id, const struct object_info *info,
                const struct buf *raw)
{
    uint8_t *own;

    if (!is_listed(raw->data, raw->len, info)) {
        return;
    }
    own = xmalloc(raw->len);
    memcpy(own, raw->data, raw->len);
    add(&c->now, id, own, raw->len, own);
    c->changed = true;
}
