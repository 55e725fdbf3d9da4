#include "backup/delta/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/delta/kept_file.h"
#include "core/enc.h"
#include "core/host/statedir.h"
#include "core/log.h"

struct kept {
    int                fd;
    struct kept_header header;
    struct kept_footer foot;
    struct buf         index;
    struct kept_place *places; /* all of these: in the index; sorted */
    const uint32_t    *numbers;
    const uint8_t     *repos;
};

uint64_t
kept_prints(const uint8_t marks_key[MARKS_KEY], const uint8_t fingerprint_key[16])
{
    return marks_digest(marks_key, fingerprint_key, 16);
}

char *
kept_path(const char *repo_id, const char *db)
{
    struct err ignored = ERR_INIT;
    char      *enc = name_encode(db);
    char      *file = xasprintf("%s.rows", enc);
    char      *path = state_file(repo_id, file, &ignored);

    free(file);
    free(enc);
    return path;
}

static bool
read_at(int fd, void *out, size_t n, uint64_t at)
{
    char *p = out;

    for (size_t done = 0; done < n;) {
        ssize_t part = pread(fd, p + done, n - done, (off_t)(at + done));

        if (part <= 0) {
            return false;
        }
        done += (size_t)part;
    }
    return true;
}

/* Sizes first: the index is as long as its parts. */
static bool
has_its_length(const struct kept_footer *f, uint64_t size)
{
    uint64_t ids = (uint64_t)f->n_repos * (KEPT_REPO_ID + (uint64_t)f->n_chunks * SHA256_BYTES);

    return f->index >= sizeof(struct kept_header) && f->index <= size &&
        f->length <= size - f->index && size - f->index - f->length == sizeof *f &&
        f->n_repos < 1000 &&
        f->length ==
        f->n_records * sizeof(struct kept_place) + f->n_chunks * sizeof(uint32_t) + ids;
}

static int
by_place(const void *a, const void *b)
{
    const struct kept_place *x = a, *y = b;

    return x->place != y->place    ? (x->place > y->place) - (x->place < y->place)
        : x->ordinal != y->ordinal ? (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal)
                                   : (x->offset > y->offset) - (x->offset < y->offset);
}

static bool
load_index(struct kept *k, uint64_t size)
{
    struct err ignored = ERR_INIT;
    uint64_t   digest;

    if (size < sizeof k->header + sizeof k->foot ||
        !read_at(k->fd, &k->header, sizeof k->header, 0) ||
        memcmp(k->header.magic, KEPT_MAGIC, sizeof KEPT_MAGIC) != 0 ||
        !read_at(k->fd, &k->foot, sizeof k->foot, size - sizeof k->foot) ||
        !has_its_length(&k->foot, size) ||
        buf_reserve(&k->index, (size_t)k->foot.length + sizeof k->foot, &ignored) != 0 ||
        !read_at(k->fd, k->index.data, (size_t)k->foot.length, k->foot.index)) {
        return false;
    }
    memcpy(k->index.data + k->foot.length, (const uint8_t *)&k->foot + sizeof k->foot.digest,
           sizeof k->foot - sizeof k->foot.digest);
    digest = marks_digest(k->header.key, k->index.data,
                          (size_t)k->foot.length + sizeof k->foot - sizeof k->foot.digest);
    k->places = (struct kept_place *)(void *)k->index.data;
    k->numbers = (const uint32_t *)(const void *)(k->places + k->foot.n_records);
    k->repos = (const uint8_t *)(k->numbers + k->foot.n_chunks);
    if (digest == k->foot.digest && k->foot.n_records > 1) {
        qsort(k->places, k->foot.n_records, sizeof *k->places, by_place);
    }
    return digest == k->foot.digest;
}

struct kept *
kept_open(const char *repo_id, const char *db, const uint8_t fingerprint_key[16])
{
    struct kept *k = xcalloc(1, sizeof *k);
    char        *path = kept_path(repo_id, db);
    struct stat  st;

    *k = (struct kept){.fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW),
                       .index = BUF_INIT(BUF_NO_LIMIT)};
    if (k->fd < 0 || fstat(k->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        !load_index(k, (uint64_t)st.st_size) ||
        k->header.prints != kept_prints(k->header.key, fingerprint_key)) {
        if (k->fd >= 0) {
            log_info("\"%s\" cannot be used: what has changed is stored whole", path);
        }
        kept_close(k);
        k = NULL;
    }
    free(path);
    return k;
}

void
kept_close(struct kept *k)
{
    if (k != NULL) {
        if (k->fd >= 0) {
            (void)close(k->fd);
        }
        buf_free(&k->index);
        free(k);
    }
}

void
kept_remove(const char *repo_id, const char *db)
{
    char *path = kept_path(repo_id, db);

    if (path != NULL && unlink(path) != 0 && errno != ENOENT) {
        log_info("\"%s\": could not remove it: %s", path, strerror(errno));
    }
    free(path);
}

const uint8_t *
kept_marks_key(const struct kept *k)
{
    return k->header.key;
}

/* A task that began again has two: the last one. */
static const struct kept_place *
find_place(const struct kept *k, const struct kept_key *key)
{
    const struct kept_place at = {
        .place = key->place, .offset = UINT64_MAX, .ordinal = key->ordinal};
    size_t lo = 0, hi = k->foot.n_records;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (by_place(&k->places[mid], &at) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo > 0 && k->places[lo - 1].place == key->place &&
            k->places[lo - 1].ordinal == key->ordinal
        ? &k->places[lo - 1]
        : NULL;
}

/* What is left of a record. */
struct cursor {
    const uint8_t *at, *end;
};

static const void *
take(struct cursor *c, size_t n, size_t size)
{
    const uint8_t *p = c->at;

    if (n > (size_t)(c->end - c->at) / size) {
        return NULL;
    }
    c->at += n * size;
    return p;
}

static bool
take_length(struct cursor *c, uint32_t *out)
{
    uint64_t v = 0;

    for (unsigned shift = 0; c->at < c->end && shift < 35; shift += 7) {
        uint8_t byte = *c->at++;

        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = (uint32_t)v;
            return v <= UINT32_MAX;
        }
    }
    return false;
}

static bool
take_marks(struct cursor *c, size_t n, struct marks *m)
{
    const void *digests = take(c, n, sizeof *m->digest);

    if (digests == NULL) {
        return false;
    }
    m->n = m->cap = n;
    m->digest = xcalloc(n + 1, sizeof *m->digest);
    m->length = xcalloc(n + 1, sizeof *m->length);
    memcpy(m->digest, digests, n * sizeof *m->digest);
    for (size_t i = 0; i < n; i++) {
        if (!take_length(c, &m->length[i])) {
            return false;
        }
    }
    return c->at == c->end;
}

static bool
take_runs(struct cursor *c, size_t n, size_t n_sources, struct delta_runs *runs)
{
    const void *v = take(c, n, sizeof *runs->v);

    if (v == NULL) {
        return false;
    }
    runs->n = runs->cap = n;
    runs->v = xcalloc(n + 1, sizeof *runs->v);
    memcpy(runs->v, v, n * sizeof *runs->v);
    for (size_t i = 0; i < n; i++) {
        if (runs->v[i].source >= n_sources) {
            return false;
        }
    }
    return true;
}

static bool
take_sources(struct cursor *c, size_t n, struct match_earlier *of)
{
    const struct kept_file_source *v = take(c, n, sizeof *v);

    if (v == NULL) {
        return false;
    }
    of->sources = xcalloc(n + 1, sizeof *of->sources);
    of->n_sources = n;
    for (size_t i = 0; i < n; i++) {
        struct kept_file_source s;

        memcpy(&s, (const uint8_t *)v + i * sizeof s, sizeof s);
        of->sources[i] = (struct match_source){
            .chunk = s.chunk, .offset = s.offset, .length = s.length, .raw_size = s.raw_size};
    }
    return true;
}

static bool
parse(const struct kept *k, const struct buf *text, struct kept_buffer *out)
{
    struct kept_record r;
    struct cursor      c = {text->data + sizeof r, text->data + text->len};

    if (text->len < sizeof r) {
        return false;
    }
    memcpy(&r, text->data, sizeof r);
    if (r.digest !=
        marks_digest(k->header.key, text->data + sizeof r.digest, text->len - sizeof r.digest)) {
        return false;
    }
    out->raw_size = r.raw_size;
    out->list = r.list;
    memcpy(out->sha256, r.sha256, sizeof r.sha256);
    return take_sources(&c, r.n_sources, &out->of) &&
        take_runs(&c, r.n_runs, r.n_sources, &out->of.runs) &&
        take_marks(&c, r.n_marks, &out->of.marks);
}

/* A record's bytes. */
static bool
load(struct kept *k, const struct kept_key *key, struct buf *text)
{
    const struct kept_place *p = find_place(k, key);
    struct err               ignored = ERR_INIT;

    *text = (struct buf)BUF_INIT(BUF_NO_LIMIT);
    if (p == NULL || p->offset > k->foot.index || p->length > k->foot.index - p->offset ||
        buf_reserve(text, (size_t)p->length, &ignored) != 0 ||
        !read_at(k->fd, text->data, (size_t)p->length, p->offset)) {
        return false;
    }
    text->len = (size_t)p->length;
    return true;
}

bool
kept_read(struct kept *k, const struct kept_key *key, struct kept_buffer *out)
{
    struct buf text;
    bool       good;

    *out = (struct kept_buffer){.list = UINT32_MAX};
    good = load(k, key, &text) && parse(k, &text, out);
    buf_free(&text);
    if (!good) {
        kept_buffer_free(out);
    }
    return good;
}

bool
kept_note_read(struct kept *k, uint64_t place, struct buf *out)
{
    const size_t head = 2 * sizeof(uint64_t);
    uint64_t     is[2];
    bool         good = load(k, &(struct kept_key){place, KEPT_NOTE}, out) && out->len >= head;

    if (good) {
        memcpy(is, out->data, head);
        good = is[1] == place &&
            is[0] == marks_digest(k->header.key, out->data + sizeof is[0], out->len - sizeof is[0]);
    }
    if (!good) {
        buf_free(out);
        return false;
    }
    memmove(out->data, out->data + head, out->len - head);
    out->len -= head;
    return true;
}

void
kept_buffer_free(struct kept_buffer *k)
{
    free(k->of.sources);
    delta_runs_free(&k->of.runs);
    marks_free(&k->of.marks);
    *k = (struct kept_buffer){.list = UINT32_MAX};
}

/* ---- ids ---- */

static size_t
repo_bytes(const struct kept *k)
{
    return KEPT_REPO_ID + (size_t)k->foot.n_chunks * SHA256_BYTES;
}

const char *
kept_repo(const struct kept *k, size_t number)
{
    return number < k->foot.n_repos ? (const char *)k->repos + number * repo_bytes(k) : NULL;
}

/* NULL: it is not known there. */
static const uint8_t *
ids_in(const struct kept *k, const char *repo_id)
{
    const char *is;

    for (size_t r = 0; (is = kept_repo(k, r)) != NULL; r++) {
        if (strncmp(is, repo_id, KEPT_REPO_ID) == 0) {
            return (const uint8_t *)is + KEPT_REPO_ID;
        }
    }
    return NULL;
}

static bool
is_id(const uint8_t *id)
{
    static const uint8_t none[SHA256_BYTES];

    return memcmp(id, none, sizeof none) != 0;
}

const uint8_t *
kept_chunk_id(const struct kept *k, const char *repo_id, uint32_t chunk)
{
    const uint8_t *ids = ids_in(k, repo_id);
    size_t         lo = 0, hi = k->foot.n_chunks;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (k->numbers[mid] < chunk) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return ids != NULL && lo < k->foot.n_chunks && k->numbers[lo] == chunk &&
            is_id(ids + lo * SHA256_BYTES)
        ? ids + lo * SHA256_BYTES
        : NULL;
}

static int
by_id(const void *a, const void *b, void *ids)
{
    const uint8_t *all = ids;

    return memcmp(all + *(const uint32_t *)a * (size_t)SHA256_BYTES,
                  all + *(const uint32_t *)b * (size_t)SHA256_BYTES, SHA256_BYTES);
}

/* The place of an id in the order of ids; n: there is none. */
static size_t
find_id(const uint8_t *ids, const uint32_t *order, size_t n, const uint8_t *id)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (memcmp(ids + order[mid] * (size_t)SHA256_BYTES, id, SHA256_BYTES) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < n && memcmp(ids + order[lo] * (size_t)SHA256_BYTES, id, SHA256_BYTES) == 0 ? lo : n;
}

bool
kept_translate(const struct kept *k, const char *from_repo, const uint8_t *ids, size_t n, size_t to,
               uint8_t *out)
{
    const size_t   known = k->foot.n_chunks;
    const uint8_t *from = ids_in(k, from_repo);
    const uint8_t *there = (const uint8_t *)kept_repo(k, to) + KEPT_REPO_ID;
    uint32_t      *order;
    bool           any = false;

    memset(out, 0, n * SHA256_BYTES);
    if (from == NULL) {
        return false;
    }
    order = xcalloc(known + 1, sizeof *order);
    for (size_t i = 0; i < known; i++) {
        order[i] = (uint32_t)i;
    }
    qsort_r(order, known, sizeof *order, by_id, (void *)(uintptr_t)from);
    for (size_t i = 0; i < n; i++) {
        size_t at = find_id(from, order, known, ids + i * SHA256_BYTES);

        if (at < known && is_id(there + order[at] * (size_t)SHA256_BYTES)) {
            memcpy(out + i * SHA256_BYTES, there + order[at] * (size_t)SHA256_BYTES, SHA256_BYTES);
            any = true;
        }
    }
    free(order);
    return any;
}
