#include "storage/write/fanout.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

struct fanout {
    struct fanout_repo   *v; /* the caller's */
    size_t                n;
    size_t                first; /* whose numbers are the chunks', even after it failed */
    struct fanout_options o;
    bool                  is_first;
    struct codec        **codecs; /* one a worker */
    struct chunkbufs     *bufs;
    pthread_mutex_t lock; /* for the repositories' failed and numbers, and so that one worker claims
                             a chunk in all of them */
};

/* ---- who is left ---- */

static bool
alive(const struct fanout_repo *r)
{
    return r->failed.kind == ERR_NONE;
}

/* Under the lock, or while there are no other threads. */
static void
give_up(struct fanout *f, struct fanout_repo *r, const struct err *e)
{
    if (alive(r)) {
        r->failed = *e;
        err_wrap(&r->failed, "repository \"%s\"", r->repo->st->location);
        if (f->n > 1) {
            log_info("%s: left out from now on", r->failed.text);
        }
    }
}

/* -1 with the first one's error when none is left. */
static int
anybody(struct fanout *f, struct err *e)
{
    bool any = false;

    (void)pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n; i++) {
        any = any || alive(&f->v[i]);
    }
    if (!any) {
        *e = f->v[0].failed;
    }
    (void)pthread_mutex_unlock(&f->lock);
    return any ? 0 : -1;
}

/* ---- at the same time: a store that is slow to answer holds up nobody else ---- */

typedef int repo_fn(struct fanout *, struct fanout_repo *, void *ctx, struct err *);

struct errand {
    struct fanout      *f;
    struct fanout_repo *r;
    repo_fn            *fn;
    void               *ctx;
};

static void *
run_errand(void *arg)
{
    struct errand *x = arg;
    struct err     e = ERR_INIT;

    if (x->fn(x->f, x->r, x->ctx, &e) != 0) {
        (void)pthread_mutex_lock(&x->f->lock);
        give_up(x->f, x->r, &e);
        (void)pthread_mutex_unlock(&x->f->lock);
    }
    return NULL;
}

/* Calls fn() for each repository that is left, on its own thread if one can be started, else on
 * this one. */
static void
at_once(struct fanout *f, repo_fn *fn, void *ctx)
{
    struct errand *errands = xcalloc(f->n, sizeof *errands);
    pthread_t     *threads = xcalloc(f->n, sizeof *threads);
    bool          *running = xcalloc(f->n, sizeof *running);

    for (size_t i = 1; i < f->n; i++) {
        errands[i] = (struct errand){f, &f->v[i], fn, ctx};
        running[i] = alive(&f->v[i]) &&
            pthread_create(&threads[i], NULL, run_errand, &errands[i]) == 0;
    }
    errands[0] = (struct errand){f, &f->v[0], fn, ctx};
    for (size_t i = 0; i < f->n; i++) {
        if (running[i]) {
            (void)pthread_join(threads[i], NULL);
        } else if (alive(&f->v[i])) {
            (void)run_errand(&errands[i]);
        }
    }
    free(errands);
    free(threads);
    free(running);
}

/* ---- begin ---- */

static int
begin_one(struct fanout *f, struct fanout_repo *r, void *ctx, struct err *e)
{
    const struct writer_options o = {.db = f->o.db,
                                     .source = f->o.source,
                                     .adopt = f->o.adopt,
                                     .taken = f->o.taken,
                                     .threads = f->o.workers};

    (void)ctx;
    r->writer = writer_begin(r->repo, &o, e);
    return r->writer == NULL ? -1 : 0;
}

/* One id for all: the largest sorts after the newest backup of each. */
static void
share_id(struct fanout *f)
{
    char id[BACKUP_ID_MAX] = "";

    for (size_t i = 0; i < f->n; i++) {
        if (alive(&f->v[i]) && strcmp(writer_backup_id(f->v[i].writer), id) > 0) {
            (void)snprintf(id, sizeof id, "%s", writer_backup_id(f->v[i].writer));
        }
    }
    for (size_t i = 0; i < f->n; i++) {
        if (alive(&f->v[i])) {
            writer_set_id(f->v[i].writer, id);
        }
    }
}

static bool
knows_nothing(const struct fanout *f)
{
    bool any = false;

    for (size_t i = 0; !any && i < f->n; i++) {
        any = alive(&f->v[i]) && writer_known(f->v[i].writer)->n == 0;
    }
    return any;
}

/* A worker that seals holds the compressed bytes and the sealed ones. */
static void
make_bufs(struct fanout *f)
{
    size_t each = 2;

    for (size_t i = 0; i < f->n; i++) {
        if (alive(&f->v[i]) && writer_seals(f->v[i].writer)) {
            each = 3;
        }
    }
    f->bufs = chunkbufs_new(each * (size_t)f->o.workers,
                            seal_bound(codec_bound(f->o.codec.kind, CHUNK_RAW_MAX)));
}

struct fanout *
fanout_begin(struct fanout_repo *v, size_t n, const struct fanout_options *o, struct err *e)
{
    struct fanout    *f = xcalloc(1, sizeof *f);
    struct codec_spec bare = o->codec; /* a chunk has its id, and its name the stored bytes' sum */

    bare.bare = true;
    *f = (struct fanout){.v = v, .n = n, .o = *o};
    (void)pthread_mutex_init(&f->lock, NULL);
    f->codecs = xcalloc((size_t)o->workers, sizeof(struct codec *));
    for (int i = 0; i < o->workers; i++) {
        f->codecs[i] = codec_new(bare);
    }
    at_once(f, begin_one, NULL);
    if (anybody(f, e) != 0) {
        fanout_end(f);
        return NULL;
    }
    make_bufs(f);
    while (!alive(&f->v[f->first])) {
        f->first++;
    }
    share_id(f);
    f->is_first = knows_nothing(f);
    return f;
}

bool
fanout_is_first(const struct fanout *f)
{
    return f->is_first;
}

const char *
fanout_backup_id(const struct fanout *f)
{
    return writer_backup_id(f->v[f->first].writer);
}

const uint8_t *
fanout_fingerprint_key(const struct fanout *f)
{
    return writer_fingerprint_key(f->v[f->first].writer);
}

/* ---- chunks ---- */

/* What one fanout_put() needs to know of each repository. */
struct claim {
    bool                on;     /* takes part */
    bool                send;   /* lacks the chunk */
    struct chunk_number number; /* its writer's */
    uint8_t             id[SHA256_BYTES];
};

static void
compute_ids(struct fanout *f, const void *raw, size_t n, struct claim *c)
{
    (void)pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n; i++) {
        c[i].on = alive(&f->v[i]) || i == f->first;
    }
    (void)pthread_mutex_unlock(&f->lock);
    for (size_t i = 0; i < f->n; i++) {
        if (c[i].on) {
            writer_chunk_id(f->v[i].writer, raw, n, c[i].id);
        }
    }
}

static void
note_number(struct fanout_repo *r, struct chunk_number chunk, struct chunk_number number)
{
    if (chunk.n >= r->cap) {
        size_t cap = r->cap == 0 ? 256 : r->cap;

        while (cap <= chunk.n) {
            cap *= 2;
        }
        r->numbers = xreallocarray(r->numbers, cap, sizeof *r->numbers);
        r->cap = cap;
    }
    r->numbers[chunk.n] = number;
}

/* Under one lock for all repositories, so that a chunk that two workers hold is compressed by one
 * of them.  True when any repository lacks it. */
static bool
claim_chunk(struct fanout *f, struct claim *c, struct chunk_number *chunk)
{
    bool any = false;

    (void)pthread_mutex_lock(&f->lock);
    for (size_t i = f->first; i < f->n; i++) {
        bool missing;

        if (!c[i].on) {
            continue;
        }
        c[i].number = writer_claim(f->v[i].writer, c[i].id, &missing);
        c[i].send = missing && alive(&f->v[i]);
        any = any || c[i].send;
        note_number(&f->v[i], c[f->first].number, c[i].number);
    }
    (void)pthread_mutex_unlock(&f->lock);
    *chunk = c[f->first].number;
    return any;
}

/* packed holds the compressed chunk. */
static int
seal_and_send(struct fanout *f, struct writer *w, const struct claim *c,
              const struct chunkbuf *packed, struct err *e)
{
    struct chunkbuf *b = chunkbuf_take(f->bufs);
    int              rc;

    b->raw_size = packed->raw_size;
    b->codec = packed->codec;
    rc = writer_encode(w, c->id, packed->data.data, packed->data.len, b, e);
    if (rc == 0) {
        writer_send(w, c->number, b);
    }
    chunkbuf_drop(b);
    return rc;
}

static int
send_to_all(struct fanout *f, const struct claim *c, struct chunkbuf *packed, struct err *e)
{
    bool hashed = false;

    for (size_t i = 0; i < f->n; i++) {
        if (!c[i].send) {
            continue;
        }
        if (writer_seals(f->v[i].writer)) {
            if (seal_and_send(f, f->v[i].writer, &c[i], packed, e) != 0) {
                return -1;
            }
            continue;
        }
        if (!hashed) {
            sha256(packed->data.data, packed->data.len, packed->sha256);
            hashed = true;
        }
        writer_send(f->v[i].writer, c[i].number, packed);
    }
    return 0;
}

static int
compress_and_send(struct fanout *f, int worker, const void *raw, size_t n, const struct claim *c,
                  struct err *e)
{
    struct chunkbuf *b = chunkbuf_take(f->bufs);
    int              rc = codec_compress(f->codecs[worker], raw, n, &b->data, e);

    b->raw_size = n;
    b->codec = f->o.codec.kind;
    b->sealed = false;
    if (rc == 0) {
        rc = send_to_all(f, c, b, e);
    }
    chunkbuf_drop(b);
    return rc;
}

int
fanout_put(struct fanout *f, int worker, const void *raw, size_t n, struct chunk_number *chunk,
           struct err *e)
{
    struct claim *c;
    int           rc = 0;

    if (n > CHUNK_RAW_MAX || worker < 0 || worker >= f->o.workers) {
        return err_set(e, ERR_USAGE, "a chunk of %zu bytes from worker %d is out of range", n,
                       worker);
    }
    if (fanout_tick(f, e) != 0) {
        return -1;
    }
    c = xcalloc(f->n, sizeof *c);
    compute_ids(f, raw, n, c);
    if (claim_chunk(f, c, chunk)) {
        rc = compress_and_send(f, worker, raw, n, c, e);
    }
    free(c);
    return rc;
}

size_t
fanout_repos(const struct fanout *f)
{
    return f->n;
}

const char *
fanout_repo_id(const struct fanout *f, size_t repo)
{
    return f->v[repo].repo == NULL ? NULL : f->v[repo].repo->id;
}

/* Under the lock. */
static bool
all_may_use(struct fanout *f, const uint8_t *const *ids)
{
    bool all = alive(&f->v[f->first]); /* whose numbers are the chunks' */

    for (size_t i = f->first; all && i < f->n; i++) {
        struct chunk_number number;

        all = !alive(&f->v[i]) ||
            (ids[i] != NULL && writer_find(f->v[i].writer, ids[i], false, &number));
    }
    return all;
}

bool
fanout_claim(struct fanout *f, const uint8_t *const *ids, struct chunk_number *chunk)
{
    bool may;

    (void)pthread_mutex_lock(&f->lock);
    may = all_may_use(f, ids);
    for (size_t i = f->first; may && chunk != NULL && i < f->n; i++) {
        struct chunk_number number;

        if (alive(&f->v[i])) {
            (void)writer_find(f->v[i].writer, ids[i], true, &number);
            *chunk = i == f->first ? number : *chunk;
            note_number(&f->v[i], *chunk, number);
        }
    }
    (void)pthread_mutex_unlock(&f->lock);
    return may;
}

static bool
is_alive(struct fanout *f, const struct fanout_repo *r)
{
    bool is;

    (void)pthread_mutex_lock(&f->lock);
    is = alive(r);
    (void)pthread_mutex_unlock(&f->lock);
    return is;
}

int
fanout_tick(struct fanout *f, struct err *e)
{
    for (size_t i = 0; i < f->n; i++) {
        struct fanout_repo *r = &f->v[i];
        struct err          why = ERR_INIT;

        if (is_alive(f, r) &&
            (writer_failed(r->writer, &why) != 0 || writer_tick(r->writer, &why) != 0)) {
            (void)pthread_mutex_lock(&f->lock);
            give_up(f, r, &why);
            (void)pthread_mutex_unlock(&f->lock);
        }
    }
    return anybody(f, e);
}

/* ---- commit ---- */

struct committing {
    const struct draft *draft;
    const struct label *label;
};

static int
commit_one(struct fanout *f, struct fanout_repo *r, void *ctx, struct err *e)
{
    const struct committing *c = ctx;
    struct draft             own = *c->draft;
    struct chunk_number     *numbers = xcalloc(own.n + 1, sizeof *numbers);
    struct label            *l = label_copy(c->label);
    int                      rc;

    (void)f;
    for (size_t i = 0; i < own.n; i++) {
        numbers[i] = r->numbers[own.chunks[i].n];
    }
    own.chunks = numbers;
    rc = writer_commit_draft(r->writer, &own, l, e);
    writer_stats(r->writer, &r->stats);
    free(numbers);
    if (rc == 0) {
        r->label = l;
    } else {
        label_free(l);
    }
    return rc;
}

int
fanout_commit(struct fanout *f, const struct draft *draft, const struct label *l, struct err *e)
{
    struct committing c = {draft, l};

    at_once(f, commit_one, &c);
    return anybody(f, e);
}

bool
fanout_refs(struct fanout *f, size_t repo, const struct chunk_number *chunks, size_t n,
            struct chunk_ref *refs)
{
    struct fanout_repo  *r = &f->v[repo];
    struct chunk_number *numbers;
    struct err           ignored = ERR_INIT;
    bool                 has = r->label != NULL;

    if (!has) {
        return false;
    }
    numbers = xcalloc(n + 1, sizeof *numbers);
    for (size_t i = 0; i < n; i++) {
        numbers[i] = r->numbers[chunks[i].n];
    }
    has = writer_refs(r->writer, numbers, n, refs, &ignored) == 0;
    free(numbers);
    return has;
}

void
fanout_end(struct fanout *f)
{
    if (f == NULL) {
        return;
    }
    for (size_t i = 0; i < f->n; i++) {
        writer_end(f->v[i].writer);
        f->v[i].writer = NULL;
        free(f->v[i].numbers);
        f->v[i].numbers = NULL;
        f->v[i].cap = 0;
    }
    for (int i = 0; i < f->o.workers; i++) {
        codec_free(f->codecs[i]);
    }
    free(f->codecs);
    chunkbufs_free(f->bufs);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
}
