#include "storage/read/place.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/codec.h"
#include "core/crypto/hash.h"
#include "storage/format/delta.h"
#include "storage/read/reader.h"

struct place_reader {
    struct repo           *repo;
    const char            *db;
    const struct manifest *m;
    struct codec          *codec;
    struct buf             stored;
    struct buf             source; /* a chunk that pieces are copied from */
};

struct place_reader *
place_reader_new(struct repo *r, const char *db, const struct manifest *m)
{
    struct place_reader *p = xcalloc(1, sizeof *p);

    *p = (struct place_reader){.repo = r,
                               .db = db,
                               .m = m,
                               .codec = codec_new(CODEC_DEFAULT),
                               .stored = BUF_INIT(CHUNK_STORED_MAX),
                               .source = BUF_INIT(CHUNK_RAW_MAX)};
    return p;
}

void
place_reader_free(struct place_reader *p)
{
    if (p != NULL) {
        codec_free(p->codec);
        buf_free(&p->stored);
        buf_free(&p->source);
        free(p);
    }
}

static int
read_chunk(struct place_reader *p, uint32_t chunk, struct buf *out, struct err *e)
{
    return chunk_read(p->repo, p->db, &p->m->chunks[chunk], p->codec, &p->stored, out, e);
}

static int
bad_list(const struct place_reader *p, const struct manifest_delta *d, const char *why,
         struct err *e)
{
    char name[CHUNK_NAME_MAX];

    err_set(e, ERR_CORRUPT, "chunk \"%s\" of \"%s\": its list of pieces: %s",
            chunk_name_format(&p->m->chunks[d->sources[d->n - 1].chunk].name, name), p->db, why);
    return err_hint(e, "the next backup does without it if it is taken with --whole");
}

/* Pieces lie in their sources, and make up the plaintext. */
static int
check_runs(const struct manifest_delta *d, const struct delta_runs *runs, struct err *e)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < runs->n; i++) {
        const struct delta_run *r = &runs->v[i];

        if (r->source >= d->n || r->offset > d->sources[r->source].length ||
            r->length > d->sources[r->source].length - r->offset) {
            return err_set(e, ERR_CORRUPT, "piece %zu lies outside of its source", i);
        }
        bytes += r->length;
    }
    return bytes == d->raw_size
        ? 0
        : err_set(e, ERR_CORRUPT, "the pieces have %" PRIu64 " bytes, not %" PRIu64, bytes,
                  d->raw_size);
}

static int
read_list(struct place_reader *p, const struct manifest_delta *d, struct delta_runs *runs,
          struct err *e)
{
    const struct manifest_segment *list = &d->sources[d->n - 1];
    struct err                     why = ERR_INIT;

    if (read_chunk(p, list->chunk, &p->source, e) != 0) {
        return -1;
    }
    return delta_list_parse(p->source.data + list->offset, (size_t)list->length, runs, &why) == 0 &&
            check_runs(d, runs, &why) == 0
        ? 0
        : bad_list(p, d, why.text, e);
}

/* The pieces that lie in the chunk at hand, each to where it belongs. */
static void
copy_pieces(const struct place_reader *p, const struct manifest_delta *d,
            const struct delta_runs *runs, uint32_t chunk, uint8_t *out)
{
    for (size_t i = 0; i < runs->n; i++) {
        const struct delta_run        *r = &runs->v[i];
        const struct manifest_segment *s = &d->sources[r->source];

        if (s->chunk == chunk) {
            memcpy(out, p->source.data + s->offset + r->offset, r->length);
        }
        out += r->length;
    }
}

/* Source i is the first that lies in its chunk, other than in that of the list, which is at hand
 * already. */
static bool
is_first(const struct manifest_delta *d, size_t i)
{
    bool first = d->sources[i].chunk != d->sources[d->n - 1].chunk;

    for (size_t k = 0; k < i; k++) {
        first = first && d->sources[k].chunk != d->sources[i].chunk;
    }
    return first;
}

/* One source after another, so that only one is held. */
static int
put_together(struct place_reader *p, const struct manifest_delta *d, const struct delta_runs *runs,
             struct buf *out, struct err *e)
{
    buf_clear(out);
    if (buf_reserve(out, (size_t)d->raw_size, e) != 0) {
        return -1;
    }
    out->len = (size_t)d->raw_size;
    copy_pieces(p, d, runs, d->sources[d->n - 1].chunk, out->data);
    for (size_t i = 0; i < d->n; i++) {
        if (is_first(d, i)) {
            if (read_chunk(p, d->sources[i].chunk, &p->source, e) != 0) {
                return -1;
            }
            copy_pieces(p, d, runs, d->sources[i].chunk, out->data);
        }
    }
    return 0;
}

int
place_read(struct place_reader *p, uint32_t place, struct buf *out, struct err *e)
{
    const struct manifest_delta *d = manifest_delta_at(p->m, place);
    struct delta_runs            runs = {0};
    char                         sha256[SHA256_HEX + 1];

    if (d == NULL) {
        return read_chunk(p, place, out, e);
    }
    if (read_list(p, d, &runs, e) != 0 || put_together(p, d, &runs, out, e) != 0) {
        delta_runs_free(&runs);
        return -1;
    }
    delta_runs_free(&runs);
    sha256_hex(out->data, out->len, sha256);
    return strcmp(sha256, d->sha256) == 0
        ? 0
        : bad_list(p, d, "what it puts together is not what was backed up: the SHA-256 differs", e);
}

int
segments_read(struct repo *r, const char *db, const struct manifest *m,
              const struct manifest_segment *v, size_t n, struct buf *out, struct err *e)
{
    struct place_reader *p = place_reader_new(r, db, m);
    struct buf           raw = BUF_INIT(CHUNK_RAW_MAX);
    uint32_t             held = UINT32_MAX;
    int                  rc = 0;

    buf_clear(out);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (v[i].chunk != held) {
            held = v[i].chunk;
            rc = place_read(p, held, &raw, e);
        }
        if (rc == 0) {
            rc = buf_append(out, raw.data + v[i].offset, (size_t)v[i].length, e);
        }
    }
    buf_free(&raw);
    place_reader_free(p);
    return rc;
}
