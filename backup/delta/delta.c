#include "backup/delta/delta.h"

#include <stdlib.h>
#include <string.h>

#include "backup/delta/kept.h"
#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/mem.h"

enum {
    /* Smaller buffers are stored whole: an object more would cost as much. */
    DELTA_RAW_MIN = 64 << 10,
    /* Buffers of the last backup that are looked at: its own, and its neighbours. */
    NEIGHBOURS = 3,
};

struct deltas {
    struct fanout      *f;
    struct kept        *was;
    struct kept_writer *now;
    uint8_t             key[MARKS_KEY];
    bool                whole;
};

struct deltas *
deltas_begin(struct fanout *f, const struct deltas_options *o)
{
    struct deltas *d = xcalloc(1, sizeof *d);
    const char    *repo = NULL;

    /* The first that could be opened; there is one. */
    for (size_t r = 0; repo == NULL; r++) {
        repo = fanout_repo_id(f, r);
    }
    d->f = f;
    d->whole = o->whole;
    if (o->forget) {
        kept_remove(repo, o->db);
    } else if (!o->whole || o->kept_max > 0) {
        d->was = kept_open(repo, o->db, o->fingerprint_key);
    }
    if (d->was != NULL) {
        memcpy(d->key, kept_marks_key(d->was), sizeof d->key);
    } else {
        random_bytes(d->key, sizeof d->key);
    }
    if (o->kept_max > 0) {
        d->now = kept_begin(repo, o->db, o->fingerprint_key, d->key, o->kept_max);
    }
    return d;
}

const uint8_t *
deltas_key(const struct deltas *d)
{
    return d->key;
}

void
deltas_commit(struct deltas *d)
{
    if (d->now != NULL) {
        kept_commit(d->now, d->f, d->was);
    }
}

void
deltas_end(struct deltas *d)
{
    if (d != NULL) {
        kept_end(d->now);
        kept_close(d->was);
        free(d);
    }
}

/* ---- what the last backup had there ---- */

struct earlier {
    struct kept_buffer   v[NEIGHBOURS];
    struct match_earlier of[NEIGHBOURS]; /* theirs, for a match */
    size_t               n;
};

/* A chunk of the last backup, by its id in each repository; number NULL: may it be used? */
static bool
claim(const struct deltas *d, uint32_t chunk, struct chunk_number *number)
{
    const size_t    n = fanout_repos(d->f);
    const uint8_t **ids = xcalloc(n + 1, sizeof(uint8_t *));
    bool            is;

    for (size_t r = 0; r < n; r++) {
        const char *repo = fanout_repo_id(d->f, r);

        ids[r] = repo == NULL ? NULL : kept_chunk_id(d->was, repo, chunk);
    }
    is = fanout_claim(d->f, ids, number);
    free(ids);
    return is;
}

static void
add_earlier(const struct deltas *d, struct earlier *e, const struct kept_buffer *b)
{
    for (size_t s = 0; s < b->of.n_sources; s++) {
        b->of.sources[s].available = claim(d, b->of.sources[s].chunk, NULL);
    }
    e->v[e->n] = *b;
    e->of[e->n++] = b->of;
}

/* own: that of the same ordinal, which is owned by *e from now on; NULL: there is none. */
static void
load_earlier(const struct deltas *d, const struct kept_key *key, const struct kept_buffer *own,
             struct earlier *e)
{
    struct kept_buffer b;

    *e = (struct earlier){.n = 0};
    if (key->ordinal > 0 &&
        kept_read(d->was, &(struct kept_key){key->place, key->ordinal - 1}, &b)) {
        add_earlier(d, e, &b);
    }
    if (own != NULL) {
        add_earlier(d, e, own);
    }
    if (kept_read(d->was, &(struct kept_key){key->place, key->ordinal + 1}, &b)) {
        add_earlier(d, e, &b);
    }
}

static void
free_earlier(struct earlier *e)
{
    for (size_t i = 0; i < e->n; i++) {
        kept_buffer_free(&e->v[i]);
    }
}

/* A buffer as it comes, ... */
struct given {
    int                 worker;
    const uint8_t      *raw;
    size_t              n;
    const struct marks *marks;
};
/* ... and what was made of it. */
struct made {
    struct placed     placed;
    struct delta_runs runs;  /* owned; of a delta */
    bool              found; /* where it lies */
};

/* ---- a buffer that is what it was ---- */

/* Every unit is, by its digest; what has none (marks_part()) equals nothing. */
static bool
same_marks(const struct marks *a, const struct marks *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++) {
        same = a->digest[i] == b->digest[i] && a->digest[i] != 0 && a->length[i] == b->length[i];
    }
    return same;
}

static void
add_source(struct placed *p, struct chunk_number chunk, const struct match_source *s)
{
    p->sources[p->n++] = (struct placed_source){
        .chunk = chunk, .offset = s->offset, .length = s->length, .raw_size = s->raw_size};
}

static struct placed
placed_new(size_t raw_size, size_t sources)
{
    return (struct placed){.raw_size = raw_size,
                           .sources = xcalloc(sources, sizeof(struct placed_source))};
}

void
placed_free(struct placed *p)
{
    free(p->sources);
    *p = (struct placed){0};
}

/* Its sources may be used, and, with --whole, it is no delta. */
static bool
is_usable(const struct deltas *d, const struct kept_buffer *b)
{
    bool is = b->of.n_sources >= 1 && b->of.n_sources <= DELTA_SOURCES_MAX &&
        (b->list == UINT32_MAX ? b->of.n_sources == 1 && b->of.sources[0].offset == 0 &&
                 b->of.sources[0].length == b->raw_size
                               : !d->whole);

    for (size_t i = 0; is && i < b->of.n_sources; i++) {
        is = claim(d, b->of.sources[i].chunk, NULL);
    }
    return is;
}

static bool
place_again(const struct deltas *d, const struct kept_buffer *b, struct placed *out)
{
    bool whole = b->list == UINT32_MAX;

    *out = placed_new(b->raw_size, b->of.n_sources);
    memcpy(out->sha256, b->sha256, sizeof out->sha256);
    for (size_t i = 0; i < b->of.n_sources; i++) {
        struct chunk_number chunk;

        if (!claim(d, b->of.sources[i].chunk, &chunk)) {
            return false;
        }
        if (whole) {
            out->chunk = chunk;
        } else {
            add_source(out, chunk, &b->of.sources[i]);
        }
    }
    return true;
}

/* ---- a delta ---- */

/* Claims the sources that are used, numbers them, and has the runs say so. */
static bool
take_sources(const struct deltas *d, struct match *m, struct placed *out)
{
    uint32_t *number = xcalloc(m->n_sources + 1, sizeof *number);
    bool      good = true;

    for (uint32_t i = 0; good && i < m->n_sources; i++) {
        const struct match_source *s = match_source(m, i);
        struct chunk_number        chunk;

        if (s->used > 0) {
            number[i] = (uint32_t)out->n;
            good = claim(d, s->chunk, &chunk);
            add_source(out, chunk, s);
        }
    }
    for (size_t i = 0; good && i < m->runs.n; i++) {
        uint32_t *source = &m->runs.v[i].source;

        *source = *source == MATCH_NEW ? (uint32_t)out->n : number[*source];
    }
    free(number);
    return good;
}

/* The new rows and the list, as one chunk.  *good false: no delta is made of it. */
static int
put_fresh(struct deltas *d, int worker, struct match *m, size_t raw_size, struct placed *out,
          bool *good, struct err *e)
{
    const size_t        rows = m->fresh.len;
    struct chunk_number chunk;
    struct err          ignored = ERR_INIT;

    *good = delta_list_format(&m->runs, &m->fresh, &ignored) == 0 &&
        m->fresh.len - rows <= DELTA_LIST_MAX && m->fresh.len <= raw_size / 2;
    if (!*good) {
        return 0;
    }
    if (fanout_put(d->f, worker, m->fresh.data, m->fresh.len, &chunk, e) != 0) {
        return -1;
    }
    if (rows > 0) {
        out->sources[out->n++] = (struct placed_source){chunk, 0, rows, m->fresh.len};
    }
    out->sources[out->n++] = (struct placed_source){chunk, rows, m->fresh.len - rows, m->fresh.len};
    return 0;
}

/* All of one chunk: it is found by its id. */
static bool
is_whole(const struct match *m, size_t raw_size)
{
    return m->runs.n == 1 && m->runs.v[0].source != MATCH_NEW && m->runs.v[0].length == raw_size &&
        match_source(m, m->runs.v[0].source)->raw_size == raw_size;
}

/* out->found false: nothing was made of it. */
static int
put_delta(struct deltas *d, struct earlier *e, const struct given *in, struct made *out,
          struct err *err)
{
    struct match m;
    int          rc = 0;

    out->placed = placed_new(in->n, DELTA_SOURCES_MAX);
    out->found = match_find(&m, e->of, e->n, in->raw, in->n, in->marks) && !is_whole(&m, in->n) &&
        take_sources(d, &m, &out->placed);
    if (out->found) {
        rc = put_fresh(d, in->worker, &m, in->n, &out->placed, &out->found, err);
    }
    if (rc == 0 && out->found) {
        sha256(in->raw, in->n, out->placed.sha256);
        out->runs = m.runs;
        m.runs = (struct delta_runs){0};
    }
    match_free(&m);
    return rc;
}

/* As it lies there already, or as a delta where one is worth it. */
static int
try_delta(struct deltas *d, const struct kept_key *key, const struct given *in, struct made *out,
          struct err *err)
{
    struct kept_buffer own;
    struct earlier     e;
    bool               has = kept_read(d->was, key, &own);
    bool               same = has && own.raw_size == in->n && same_marks(&own.of.marks, in->marks);
    int                rc = 0;

    out->found = same && is_usable(d, &own) && place_again(d, &own, &out->placed);
    if (out->found) {
        out->runs = own.of.runs;
        own.of.runs = (struct delta_runs){0};
    }
    if (out->found || (same && own.list == UINT32_MAX)) {
        kept_buffer_free(&own); /* if not: its id finds it in the repositories that have it */
        return 0;
    }
    placed_free(&out->placed);
    load_earlier(d, key, has ? &own : NULL, &e);
    if (e.n > 0) {
        rc = put_delta(d, &e, in, out, err);
    }
    free_earlier(&e);
    return rc;
}

/* ---- any buffer ---- */

static void
keep(const struct deltas *d, const struct kept_key *key, const struct placed *p,
     const struct delta_runs *runs, const struct marks *marks)
{
    const uint32_t      size = (uint32_t)p->raw_size;
    struct match_source sources[DELTA_SOURCES_MAX];
    struct delta_run    all = {0, 0, size};
    struct kept_buffer  k = {
         .of = {.sources = sources, .n_sources = p->n, .runs = *runs, .marks = *marks},
         .raw_size = size,
         .list = (uint32_t)p->n - 1};

    memcpy(k.sha256, p->sha256, sizeof k.sha256);
    for (size_t i = 0; i < p->n; i++) {
        sources[i] = (struct match_source){.chunk = p->sources[i].chunk.n,
                                           .offset = (uint32_t)p->sources[i].offset,
                                           .length = (uint32_t)p->sources[i].length,
                                           .raw_size = (uint32_t)p->sources[i].raw_size};
    }
    if (p->n == 0) {
        sources[0] = (struct match_source){.chunk = p->chunk.n, .length = size, .raw_size = size};
        k.of.n_sources = 1;
        k.of.runs = (struct delta_runs){&all, 1, 1};
        k.list = UINT32_MAX;
    }
    kept_add(d->now, key, &k);
}

static struct kept_key
key_of(const struct deltas *d, const struct deltas_place *at)
{
    char           *text = xasprintf("%zu %s %s %ju", strlen(at->schema), at->schema, at->name,
                                     (uintmax_t)at->first_block);
    struct kept_key key = {marks_digest(d->key, text, strlen(text)), at->ordinal};

    free(text);
    return key;
}

int
deltas_put(struct deltas *d, int worker, const struct deltas_place *at, const uint8_t *raw,
           size_t n, struct marks *marks, struct placed *p, struct err *e)
{
    const struct kept_key key = key_of(d, at);
    struct made           made = {0};
    int                   rc = 0;

    marks_end(marks);
    if (d->was != NULL && !d->whole && n >= DELTA_RAW_MIN) {
        rc = try_delta(d, &key, &(struct given){worker, raw, n, marks}, &made, e);
    }
    if (rc == 0 && !made.found) {
        placed_free(&made.placed);
        made.placed.raw_size = n;
        rc = fanout_put(d->f, worker, raw, n, &made.placed.chunk, e);
    }
    if (rc == 0 && d->now != NULL) {
        keep(d, &key, &made.placed, &made.runs, marks);
    }
    if (rc != 0) {
        placed_free(&made.placed);
    }
    *p = made.placed;
    delta_runs_free(&made.runs);
    return rc;
}

/* ---- a buffer that need not be filled ---- */

bool
deltas_again(struct deltas *d, const struct deltas_place *first, uint32_t n, struct placed *out)
{
    struct kept_buffer *v = xcalloc(n + 1, sizeof *v);
    struct kept_key     key = key_of(d, first);
    bool                good = d->was != NULL && d->now != NULL;

    for (key.ordinal = 0; good && key.ordinal < n; key.ordinal++) {
        good = kept_read(d->was, &key, &v[key.ordinal]) && is_usable(d, &v[key.ordinal]);
    }
    for (uint32_t i = 0; good && i < n; i++) {
        good = place_again(d, &v[i], &out[i]);
    }
    for (key.ordinal = 0; good && key.ordinal < n; key.ordinal++) {
        keep(d, &key, &out[key.ordinal], &v[key.ordinal].of.runs, &v[key.ordinal].of.marks);
    }
    for (uint32_t i = 0; i < n; i++) {
        kept_buffer_free(&v[i]);
    }
    free(v);
    return good;
}

bool
deltas_keeps(const struct deltas *d)
{
    return d->now != NULL;
}

void
deltas_note(struct deltas *d, const char *what, const void *data, size_t n)
{
    if (d->now != NULL) {
        kept_note_add(d->now, marks_digest(d->key, what, strlen(what)), data, n);
    }
}

bool
deltas_noted(const struct deltas *d, const char *what, struct buf *out)
{
    *out = (struct buf)BUF_INIT(0);
    return d->was != NULL && kept_note_read(d->was, marks_digest(d->key, what, strlen(what)), out);
}

uint32_t
placed_record(const struct placed *p, struct manifest *m)
{
    struct manifest_delta d = {.raw_size = p->raw_size};

    if (p->n == 0) {
        return manifest_add_chunk(m, p->chunk);
    }
    hex_encode(p->sha256, sizeof p->sha256, d.sha256);
    for (size_t i = 0; i < p->n; i++) {
        struct manifest_segment s = {.chunk = manifest_add_chunk(m, p->sources[i].chunk),
                                     .offset = p->sources[i].offset,
                                     .length = p->sources[i].length};

        segment_add(&d.sources, &d.n, &d.cap, &s);
    }
    return manifest_add_delta(m, &d);
}
