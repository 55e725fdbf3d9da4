/*
 * copy_send.c - sending one backup: which of its chunks are sent, and the commit at the
 * destination.
 *
 * A chunk is sent only after three checks.  Does the destination hold the same stored bytes under
 * any name (find_missing(), by SHA-256 from the chunk list, before anything is read)?  If not, it
 * is read and checked; does the destination hold its content in another form (send_opened(), by the
 * id that its writer gives it)?  Is another worker sending that content (writer_claim())?
 *
 * s->numbers[] has the number of the destination's writer for each place in the source's table of
 * chunks.  At the commit the manifest takes these instead of the names, and orders them.
 *
 * Backups encrypted for keys that the destination has, too (readers_import()), are sent as stored:
 * no key is needed.  Everything else is opened, and stored as the destination stores it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/pool.h"
#include "core/progress.h"
#include "storage/heal/copy_impl.h"
#include "storage/read/parts.h"
#include "storage/read/place.h"
#include "storage/read/reader.h"
#include "storage/repo/lastseen.h"
#include "storage/write/writer.h"

struct worker {
    struct codec        *codec;
    struct buf           scratch, raw;
    struct place_reader *places; /* to put deltas together; NULL: they stay */
};

/* One backup. */
struct shipment {
    struct copy      *copy;
    bool              as_stored;
    struct manifest  *manifest; /* NULL: as_stored */
    struct buf        stored;   /* the manifest as stored: as_stored */
    struct chunk_ref *refs; /* what is needed: the manifest's table of chunks, or the chunk list */
    size_t            n_refs, cap_refs;
    struct writer    *writer;
    struct chunkbufs *bufs;
    struct worker    *workers;
    struct chunk_number *numbers; /* the writer's, by place in refs; then of deltas made whole */
    size_t               n_whole; /* deltas that become chunks */
    size_t              *missing; /* places of the chunks to send */
    size_t               n_missing;
    uint64_t             bytes; /* of these, stored */
};

/* Without the chunks that only deltas refer to, if these become chunks. */
static bool *
needed(const struct shipment *s)
{
    bool *is = xcalloc(s->n_refs + 1, sizeof *is);

    memset(is, s->n_whole == 0, s->n_refs);
    if (s->n_whole > 0) {
        manifest_used_directly(s->manifest, is);
    }
    return is;
}

/* Chunks that the destination holds byte for byte need not be read. */
static void
find_missing(struct shipment *s)
{
    bool *wanted = needed(s);

    for (size_t i = 0; i < s->n_refs; i++) {
        if (wanted[i] && !writer_claim_stored(s->writer, &s->refs[i], &s->numbers[i])) {
            s->missing[s->n_missing++] = i;
            s->bytes += s->refs[i].size;
        }
    }
    for (size_t i = 0; i < s->n_whole; i++) {
        s->missing[s->n_missing++] = s->n_refs + i;
        s->bytes += s->manifest->deltas[i].raw_size;
    }
    free(wanted);
}

/* What a delta stands for, as a chunk. */
static int
send_whole(struct shipment *s, struct worker *w, size_t place, struct chunkbuf *b, struct err *e)
{
    uint8_t id[SHA256_BYTES];
    bool    missing;

    if (place_read(w->places, MANIFEST_DELTA + (uint32_t)(place - s->n_refs), &w->raw, e) != 0) {
        return -1;
    }
    progress_add(w->raw.len);
    writer_chunk_id(s->writer, w->raw.data, w->raw.len, id);
    s->numbers[place] = writer_claim(s->writer, id, &missing);
    if (!missing) {
        return 0;
    }
    buf_clear(&w->scratch);
    b->codec = CODEC_DEFAULT.kind;
    b->raw_size = w->raw.len;
    if (codec_compress(w->codec, w->raw.data, w->raw.len, &w->scratch, e) != 0 ||
        writer_encode(s->writer, id, w->scratch.data, w->scratch.len, b, e) != 0) {
        return -1;
    }
    writer_send(s->writer, s->numbers[place], b);
    return 0;
}

/* Reads one chunk, every byte checked, and hands it over unless the destination has that content
 * in another form. */
static int
send_opened(struct shipment *s, struct worker *w, size_t place, struct chunkbuf *b, struct err *e)
{
    const struct chunk_ref *ref = &s->refs[place];
    struct chunk_payload    payload;
    uint8_t                 id[SHA256_BYTES];
    bool                    missing;

    if (chunk_read_payload(s->copy->from, s->copy->request->db, ref, w->codec, &w->scratch, &w->raw,
                           &payload, e) != 0) {
        return -1;
    }
    writer_chunk_id(s->writer, w->raw.data, w->raw.len, id);
    s->numbers[place] = writer_claim(s->writer, id, &missing);
    b->codec = payload.codec;
    b->raw_size = w->raw.len;
    if (missing) {
        if (writer_encode(s->writer, id, payload.data, payload.n, b, e) != 0) {
            return -1;
        }
        writer_send(s->writer, s->numbers[place], b);
    }
    return 0;
}

/* The same for one that is not opened: its name identifies the content. */
static int
send_stored(struct shipment *s, size_t place, struct chunkbuf *b, struct err *e)
{
    const struct chunk_ref *ref = &s->refs[place];
    bool                    missing;

    if (chunk_read_stored(s->copy->from, s->copy->request->db, ref, &b->data, e) != 0) {
        return -1;
    }
    s->numbers[place] = writer_claim(s->writer, ref->name.id, &missing);
    if (missing) {
        memcpy(b->sha256, ref->name.sha256, sizeof b->sha256);
        b->codec = (enum codec_kind)ref->name.codec;
        b->sealed = ref->name.sealed;
        b->raw_size = ref->raw_size;
        writer_send(s->writer, s->numbers[place], b);
    }
    return 0;
}

static int
send_chunk(void *ctx, void *task, int number, struct err *e)
{
    struct shipment *s = ctx;
    struct worker   *w = &s->workers[number];
    size_t           place = *(const size_t *)task;
    struct chunkbuf *b;
    int              rc;

    if (cancel_check(e) != 0 || writer_failed(s->writer, e) != 0) {
        return -1;
    }
    b = chunkbuf_take(s->bufs);
    rc = place >= s->n_refs ? send_whole(s, w, place, b, e)
        : s->as_stored      ? send_stored(s, place, b, e)
                            : send_opened(s, w, place, b, e);
    if (rc == 0 && place < s->n_refs) {
        progress_add(s->refs[place].size);
    }
    chunkbuf_drop(b);
    return rc;
}

static int
tick(void *ctx, struct err *e)
{
    struct shipment *s = ctx;

    batch_tick(&s->copy->batch);
    return writer_tick(s->writer, e);
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
        s->workers[i] = (struct worker){.codec = codec_new(CODEC_DEFAULT),
                                        .scratch = BUF_INIT(CHUNK_STORED_MAX),
                                        .raw = BUF_INIT(CHUNK_RAW_MAX)};
        if (s->n_whole > 0) {
            s->workers[i].places = place_reader_new(s->copy->from, s->copy->request->db,
                                                    s->manifest);
        }
    }
    pool = pool_new(jobs, send_chunk, s);
    for (size_t i = 0; i < s->n_missing; i++) {
        pool_add(pool, &s->missing[i], 0);
    }
    rc = pool_wait(pool, tick, TICK_MS, e);
    pool_free(pool);
    for (int i = 0; i < jobs; i++) {
        codec_free(s->workers[i].codec);
        buf_free(&s->workers[i].scratch);
        buf_free(&s->workers[i].raw);
        place_reader_free(s->workers[i].places);
    }
    free(s->workers);
    return rc;
}

/* Something else had this id there: it is being healed, a label names it, or this host has seen
 * it. */
static bool
stood_there(const struct copy *c, const char *id)
{
    struct lastseen seen;
    bool            stood = c->request->replace || chain_names(&c->there, id);

    lastseen_load(c->to, c->request->db, &seen);
    stood = stood || strcmp(seen.backup, id) == 0;
    lastseen_free(&seen);
    return stood;
}

static struct label *
label_of_copy(const struct copy *c, const struct label *l)
{
    struct label *copy = label_copy(l);

    memcpy(copy->copied_repo, c->from->id, sizeof copy->copied_repo);
    memcpy(copy->copied_run, l->run, sizeof copy->copied_run);
    copy->copied = time(NULL);
    if (!copy_goes_as_stored(c, l)) { /* sealed to other keys, or to none */
        free(copy->hidden);
        copy->hidden = NULL;
    }
    copy->replaces = stood_there(c, l->id);
    return copy;
}

static int
commit_opened(struct shipment *s, struct label *copy, struct err *e)
{
    struct draft c;

    if (s->n_whole > 0) {
        manifest_number_whole(s->manifest, s->numbers);
    } else {
        manifest_number_chunks(s->manifest, s->numbers);
    }
    s->refs = NULL; /* were the manifest's */
    s->n_refs = 0;
    c = manifest_draft(s->manifest);
    return writer_commit_draft(s->writer, &c, copy, e);
}

static int
by_number(const void *a, const void *b)
{
    const struct chunk_number *x = a;
    const struct chunk_number *y = b;

    return (x->n > y->n) - (x->n < y->n);
}

/* Each chunk once: the source may hold one content in two objects.  The manifest is what it was. */
static int
commit_stored(struct shipment *s, struct label *copy, struct err *e)
{
    struct encoded       manifest = {.stored = s->stored, .raw_size = copy->manifest_raw_size};
    struct writer_backup backup = {.chunks = s->numbers, .manifest = &manifest};

    memcpy(manifest.raw_sha256, copy->manifest_raw_sha256, sizeof manifest.raw_sha256);
    if (s->n_refs > 1) {
        qsort(s->numbers, s->n_refs, sizeof *s->numbers, by_number);
    }
    for (size_t i = 0; i < s->n_refs; i++) {
        if (backup.n == 0 || s->numbers[backup.n - 1].n != s->numbers[i].n) {
            s->numbers[backup.n++] = s->numbers[i];
        }
    }
    return writer_commit(s->writer, &backup, copy, e);
}

static int
commit(struct shipment *s, struct label *copy, struct err *e)
{
    return s->as_stored ? commit_stored(s, copy, e) : commit_opened(s, copy, e);
}

/* ---- what is needed ---- */

static int
add_ref(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct shipment *s = ctx;

    (void)e;
    VEC_GROW(s->refs, s->n_refs, s->cap_refs);
    s->refs[s->n_refs++] = *line;
    return 0;
}

static int
load_needs(struct shipment *s, const struct label *l, struct err *e)
{
    if (s->as_stored) {
        return manifest_stored(s->copy->from, l, &s->stored, e) != 0 ||
                chunk_list_read(s->copy->from, l, add_ref, s, e) != 0
            ? -1
            : 0;
    }
    s->manifest = manifest_load(s->copy->from, l, e);
    if (s->manifest == NULL) {
        return -1;
    }
    s->refs = s->manifest->chunks;
    s->n_refs = s->manifest->n_chunks;
    s->n_whole = s->copy->request->whole ? s->manifest->n_deltas : 0;
    return 0;
}

static int
send_backup(struct shipment *s, const struct label *l, struct label *copy, struct err *e)
{
    struct copy          *c = s->copy;
    struct writer_options o = {
        .db = c->request->db,
        .source = &c->source,
        .adopt = c->request->adopt,
        .replace = c->request->replace,
        .threads = c->request->jobs,
        .batch = &c->batch,
        .as_stored = s->as_stored,
        .epoch = s->as_stored ? l->epoch : 0,
        .chain = &c->chain,
    };
    int rc;

    if (load_needs(s, l, e) != 0 || (s->writer = writer_begin(c->to, &o, e)) == NULL) {
        return -1;
    }
    writer_set_id(s->writer, l->id);
    s->numbers = xcalloc(s->n_refs + s->n_whole + 1, sizeof *s->numbers);
    s->missing = xcalloc(s->n_refs + s->n_whole + 1, sizeof *s->missing);
    find_missing(s);
    progress_start(l->id, s->bytes, c->request->quiet);
    rc = send_chunks(s, e);
    progress_end();
    return rc == 0 ? commit(s, copy, e) : -1;
}

int
copy_send(struct copy *c, const struct label *l, struct copy_entry *x, struct err *e)
{
    struct shipment s = {
        .copy = c, .as_stored = copy_goes_as_stored(c, l), .stored = BUF_INIT(BUF_NO_LIMIT)};
    struct label *copy = label_of_copy(c, l);
    int           rc = send_backup(&s, l, copy, e);

    if (rc == 0) {
        x->chunks = copy->chunks;
        x->stored_bytes = copy->stored_bytes;
        x->new_chunks = copy->new_chunks;
        x->new_bytes = copy->new_bytes;
    }
    writer_end(s.writer);
    chunkbufs_free(s.bufs); /* the writer's threads were the last who used them */
    if (s.as_stored) {
        free(s.refs);
    }
    manifest_free(s.manifest);
    buf_free(&s.stored);
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

/* What is counted here will be there when the next backup is examined. */
static int
count_line(void *ctx, const struct chunk_ref *line, struct err *e)
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
