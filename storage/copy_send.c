/* One backup on its way: which of its chunks travel, and the commit at the destination. */
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/pool.h"
#include "core/progress.h"
#include "storage/copy_impl.h"
#include "storage/reader.h"
#include "storage/seen.h"
#include "storage/writer.h"

struct worker {
    struct codec *codec;
    struct buf    raw;
};

/* One backup. */
struct shipment {
    struct copy      *copy;
    struct manifest  *manifest;
    struct writer    *writer;
    struct chunkbufs *bufs;
    struct worker    *workers;
    uint32_t         *numbers;      /* the writer's, by place in the manifest's table of chunks */
    size_t           *missing;      /* places of the chunks that travel */
    size_t            n_missing;
    uint64_t          bytes;        /* of these, stored */
};

/* What the destination holds byte for byte needs no reading. */
static void
find_missing(struct shipment *s)
{
    const struct manifest *m = s->manifest;

    for (size_t i = 0; i < m->n_chunks; i++) {
        struct chunk_name name;

        (void)chunk_name_parse(m->chunks[i].name, &name);       /* manifest_check() did */
        if (!writer_claim_stored(s->writer, name.sha256, m->chunks[i].size, m->chunks[i].raw_size, &s->numbers[i])) {
            s->missing[s->n_missing++] = i;
            s->bytes += m->chunks[i].size;
        }
    }
}

/* Reads one chunk, every byte checked, and hands it over unless the destination has that content in another form. */
static int
send_chunk(void *ctx, void *task, int number, struct err *e)
{
    struct shipment        *s = ctx;
    struct worker          *w = &s->workers[number];
    size_t                  place = *(const size_t *)task;
    const struct chunk_ref *ref = &s->manifest->chunks[place];
    struct chunkbuf        *b;
    struct chunk_name       name;
    uint8_t                 id[SHA256_BYTES];
    bool                    missing;
    int                     rc;

    if (cancel_check(e) != 0 || writer_failed(s->writer, e) != 0) {
        return -1;
    }
    b = chunkbuf_take(s->bufs);
    rc = chunk_read_stored(s->copy->from, s->copy->request->db, ref, w->codec, &b->data, &w->raw, &name, e);
    if (rc == 0) {
        writer_chunk_id(s->writer, w->raw.data, w->raw.len, id);
        s->numbers[place] = writer_claim(s->writer, id, &missing);
        if (missing) {
            memcpy(b->sha256, name.sha256, sizeof b->sha256);
            b->codec = (enum codec_kind)name.codec;
            b->raw_size = w->raw.len;
            writer_send(s->writer, s->numbers[place], b);
        }
        progress_add(ref->size);
    }
    chunkbuf_drop(b);
    return rc;
}

static int
tick(void *ctx, struct err *e)
{
    return writer_tick(((struct shipment *)ctx)->writer, e);
}

static int
send_chunks(struct shipment *s, struct err *e)
{
    enum { TICK_MS = 1000 };
    int          jobs = s->copy->request->jobs;
    struct pool *pool;
    int          rc;

    s->bufs = chunkbufs_new(2 * (size_t)jobs, CHUNK_STORED_MAX);
    s->workers = xcalloc((size_t)jobs, sizeof *s->workers);
    for (int i = 0; i < jobs; i++) {
        s->workers[i] = (struct worker){.codec = codec_new(CODEC_DEFAULT), .raw = BUF_INIT(CHUNK_RAW_MAX)};
    }
    pool = pool_new(jobs, send_chunk, s);
    for (size_t i = 0; i < s->n_missing; i++) {
        pool_add(pool, &s->missing[i], 0);
    }
    rc = pool_wait(pool, tick, TICK_MS, e);
    pool_free(pool);
    for (int i = 0; i < jobs; i++) {
        codec_free(s->workers[i].codec);
        buf_free(&s->workers[i].raw);
    }
    free(s->workers);
    return rc;
}

/* Something else stood there under this id: it is healed, a label names it, or this host has seen it. */
static bool
stood_there(const struct copy *c, const char *id)
{
    struct seen seen;
    bool        stood = c->request->replace || chain_names(&c->there, id);

    seen_load(c->to, c->request->db, &seen);
    stood = stood || strcmp(seen.backup, id) == 0;
    seen_free(&seen);
    return stood;
}

static struct label *
label_of_copy(const struct copy *c, const struct label *l)
{
    struct label *copy = label_copy(l);

    memcpy(copy->copied_repo, c->from->id, sizeof copy->copied_repo);
    memcpy(copy->copied_run, l->run, sizeof copy->copied_run);
    copy->copied = time(NULL);
    copy->replaces = stood_there(c, l->id);
    return copy;
}

/* From now on the destination is trusted to hold it. */
static void
trust_own(struct copy *c, const struct known_set *known)
{
    for (size_t i = 0; i < known->n; i++) {
        const struct known *k = &known->v[i];

        if (k->used) {
            known_trust(&c->trusted, &k->name, k->size, k->raw_size);
            known_retained(&c->trusted, &k->name, k->retain_until);
        }
    }
}

static int
commit(struct shipment *s, struct label *copy, struct err *e)
{
    size_t    most = writer_known(s->writer)->n;
    uint32_t *chunks = xcalloc(most + 1, sizeof *chunks);
    size_t    n;
    int       rc;

    manifest_map_chunks(s->manifest, s->numbers);
    n = manifest_renumber(s->manifest, chunks, most);
    rc = writer_commit(s->writer, s->manifest, chunks, n, copy, e);
    if (rc == 0) {
        trust_own(s->copy, writer_known(s->writer));
    }
    free(chunks);
    return rc;
}

static int
send_backup(struct shipment *s, const struct label *l, struct label *copy, struct err *e)
{
    const struct copy    *c = s->copy;
    struct writer_options o = {
        .db = c->request->db,
        .source = &c->source,
        .adopt = c->request->adopt,
        .replace = c->request->replace,
        .threads = c->request->jobs,
        .trusted = &c->trusted,
        .chain = &s->copy->chain,
    };
    int rc;

    s->manifest = manifest_load(c->from, l, e);
    if (s->manifest == NULL || (s->writer = writer_begin(c->to, &o, e)) == NULL) {
        return -1;
    }
    writer_set_id(s->writer, l->id);
    s->numbers = xcalloc(s->manifest->n_chunks + 1, sizeof *s->numbers);
    s->missing = xcalloc(s->manifest->n_chunks + 1, sizeof *s->missing);
    find_missing(s);
    progress_start(l->id, s->bytes, c->request->quiet);
    rc = send_chunks(s, e);
    progress_end();
    return rc == 0 ? commit(s, copy, e) : -1;
}

int
copy_send(struct copy *c, const struct label *l, struct copy_entry *x, struct err *e)
{
    struct shipment s = {.copy = c};
    struct label   *copy = label_of_copy(c, l);
    int             rc = send_backup(&s, l, copy, e);

    if (rc == 0) {
        x->chunks = copy->chunks;
        x->stored_bytes = copy->stored_bytes;
        x->new_chunks = copy->new_chunks;
        x->new_bytes = copy->new_bytes;
    }
    writer_end(s.writer);
    chunkbufs_free(s.bufs);         /* the writer's threads were the last who used them */
    manifest_free(s.manifest);
    free(s.numbers);
    free(s.missing);
    label_free(copy);
    return rc;
}

/* ---- dry run ---- */

struct counting {
    struct copy       *copy;
    struct copy_entry *entry;
};

/* What is counted here will stand there when the next backup is looked at. */
static int
count_line(void *ctx, const struct chunk_line *line, struct err *e)
{
    struct counting *x = ctx;

    (void)e;
    if (copy_trust_stored(x->copy, line)) {
        x->entry->new_chunks++;
        x->entry->new_bytes += line->size;
    }
    return 0;
}

int
copy_count(struct copy *c, const struct label *l, struct copy_entry *x, struct err *e)
{
    struct counting counting = {c, x};

    return chunk_list_read(c->from, l, count_line, &counting, e);
}
