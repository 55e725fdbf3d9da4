#include "storage/read/parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/codec.h"
#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/log.h"
#include "storage/contract/versions.h"
#include "storage/format/chunklist.h"
#include "storage/format/chunkname.h"
#include "storage/repo/label_load.h"

static int
check_stored(const struct buf *raw, uint64_t size, const char *sha256_want, struct err *e)
{
    char hex[SHA256_HEX + 1];

    if (raw->len != size) {
        return err_set(e, ERR_CORRUPT, "has %zu bytes, the label says %" PRIu64, raw->len, size);
    }
    sha256_hex(raw->data, raw->len, hex);
    return strcmp(hex, sha256_want) == 0
        ? 0
        : err_set(e, ERR_CORRUPT, "its SHA-256 is not what the label says");
}

/* A label's object: the current one or, if the store keeps versions, an older one that was
 * hidden. */
static int
get_stored(struct repo *r, const char *key, uint64_t size, const char *sha256_want,
           struct buf *stored, struct err *e)
{
    struct err hidden = ERR_INIT;
    uint8_t    digest[SHA256_BYTES];

    if (storage_get(r->st, key, stored, e) == 0) {
        if (check_stored(stored, size, sha256_want, e) == 0) {
            return 0;
        }
        err_wrap(e, "\"%s\"", key);
    }
    if ((e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND) &&
        hex_decode(sha256_want, strlen(sha256_want), digest, sizeof digest) == 0 &&
        storage_get_older(r->st, key, size, digest, stored, &hidden) == 0) {
        log_warn("\"%s\" was overwritten or removed; an older version of it is read instead", key);
        err_clear(e);
        return 0;
    }
    return -1; /* names the key */
}

/* An encrypted manifest, as stored; *data and *n: what was compressed. */
static int
open_manifest(struct repo *r, const struct label *l, struct buf *stored, const uint8_t **data,
              size_t *n, struct err *e)
{
    const struct epoch *ep = keyring_read(r->keys, l->epoch, e);
    struct sealed_as    as;

    if (ep == NULL) {
        return -1;
    }
    as = label_manifest_as(l->id, ep);
    return unseal(&as, &ep->secret, stored->data, stored->len, data, n, e);
}

static char *
part_key(const struct label *l, enum label_part part)
{
    char *object = label_part_name(l, part);
    char *key = label_object_key(l, object);

    free(object);
    return key;
}

/* A plain object is never accepted for an encrypted one. */
static int
check_form(struct repo *r, const struct label *l, struct err *e)
{
    const struct epoch *ep = keyring_epoch(r->keys, l->epoch, e);

    if (ep == NULL) {
        return -1;
    }
    return ep->sealed == l->encrypted
        ? 0
        : err_set(e, ERR_CORRUPT, "the label says that it is %sencrypted, and epoch %u is%s",
                  l->encrypted ? "" : "not ", l->epoch, ep->sealed ? "" : " not");
}

/* A label's object as stored, checked but not opened. */
static int
get_part(struct repo *r, const struct label *l, enum label_part part, struct buf *stored,
         struct err *e)
{
    bool  list = part == LABEL_CHUNKS;
    char *key = part_key(l, part);
    int   rc = list ? 0 : check_form(r, l, e);

    if (rc == 0) {
        rc = get_stored(r, key, list ? l->chunks_size : l->manifest_size,
                        list ? l->chunks_sha256 : l->manifest_sha256, stored, e);
    } else {
        err_wrap(e, "\"%s\"", key);
    }
    free(key);
    return rc;
}

/* One object of a backup: fetched (by the caller, or here), checked, opened, decompressed into
 * text. */
static int
load_part(struct repo *r, const struct label *l, enum label_part part, const struct buf *fetched,
          struct buf *text, struct err *e)
{
    bool           list = part == LABEL_CHUNKS;
    uint64_t       raw_size = list ? l->chunks_raw_size : l->manifest_raw_size;
    struct codec  *codec = codec_new(CODEC_DEFAULT);
    struct buf     stored = BUF_INIT(seal_bound(codec_bound(CODEC_ZSTD, text->max)));
    const uint8_t *data;
    size_t         n;
    char          *key = part_key(l, part);
    int            rc = -1;

    if (raw_size > text->max) {
        err_set(e, ERR_CORRUPT,
                "\"%s\": the label says it has %" PRIu64 " bytes unpacked: more than %zu", key,
                raw_size, text->max);
    } else if (fetched != NULL || get_part(r, l, part, &stored, e) == 0) {
        data = fetched != NULL ? fetched->data : stored.data;
        n = fetched != NULL ? fetched->len : stored.len;
        if (list || !l->encrypted || open_manifest(r, l, &stored, &data, &n, e) == 0) {
            rc = codec_decompress(codec, CODEC_ZSTD, data, n, (size_t)raw_size, text, e);
        }
        if (rc != 0) {
            err_wrap(e, "\"%s\"", key);
        }
    }
    free(key);
    buf_free(&stored);
    codec_free(codec);
    return rc;
}

static int
rename_one(struct chunk_ref *c, const struct chunkindex *here, struct err *e)
{
    char   text[CHUNK_NAME_MAX];
    size_t at;

    if (chunkindex_find_name(here, &c->name) != SIZE_MAX) {
        return 0;
    }
    at = chunkindex_find(here, c->name.id);
    if (at == SIZE_MAX || here->v[at].ref.raw_size != c->raw_size) {
        return err_set(e, ERR_CORRUPT, "chunk \"%s\" is not in the chunk list under any name",
                       chunk_name_format(&c->name, text));
    }
    c->name = here->v[at].ref.name;
    c->size = here->v[at].ref.size;
    return 0;
}

/* The manifest of a backup that was copied without being opened has the chunk names of the
 * repository that it came from; the chunk list has those of this repository.  The ids are the
 * same. */
static int
rename_chunks(struct repo *r, const struct label *l, struct manifest *m, struct err *e)
{
    struct chunkindex here = {0};
    int               rc = chunk_list_index(r, l, &here, e);

    for (size_t i = 0; rc == 0 && i < m->n_chunks; i++) {
        rc = rename_one(&m->chunks[i], &here, e);
    }
    chunkindex_free(&here);
    return rc;
}

static struct manifest *
parse_manifest(struct repo *r, const struct label *l, const struct buf *text, struct err *e)
{
    struct manifest    *m;
    const struct epoch *ep;
    char                hex[SHA256_HEX + 1];

    sha256_hex(text->data, text->len, hex);
    if (strcmp(hex, l->manifest_raw_sha256) != 0) {
        err_set(e, ERR_CORRUPT, "its plaintext's SHA-256 is not what the label says");
        return NULL;
    }
    m = manifest_parse(text->data, text->len, e);
    if (m == NULL) {
        return NULL;
    }
    if ((l->encrypted && l->copied_repo[0] != '\0' && rename_chunks(r, l, m, e) != 0) ||
        (!m->has_fingerprint_key && (ep = keyring_read(r->keys, l->epoch, e)) == NULL)) {
        manifest_free(m);
        return NULL;
    }
    if (!m->has_fingerprint_key) {
        memcpy(m->fingerprint_key, ep->naming.data + ID_KEY, sizeof m->fingerprint_key);
        m->has_fingerprint_key = true;
    }
    return m;
}

struct manifest *
manifest_load(struct repo *r, const struct label *l, struct err *e)
{
    struct buf       text = BUF_INIT(MANIFEST_RAW_MAX);
    struct manifest *m = NULL;

    if (load_part(r, l, LABEL_MANIFEST, NULL, &text, e) == 0) {
        m = parse_manifest(r, l, &text, e);
    }
    if (m == NULL) {
        err_wrap(e, "manifest of %s %s of \"%s\"", label_kind(l), l->id, l->db);
    }
    buf_free(&text);
    return m;
}

int
manifest_stored(struct repo *r, const struct label *l, struct buf *stored, struct err *e)
{
    return get_part(r, l, LABEL_MANIFEST, stored, e) == 0
        ? 0
        : err_wrap(e, "manifest of backup %s of \"%s\"", l->id, l->db);
}

int
manifest_check_stored(struct repo *r, const struct label *l, struct err *e)
{
    struct buf       stored = BUF_INIT(BUF_NO_LIMIT);
    struct manifest *m;
    int              rc;

    if (l->encrypted && !keyring_reads(r->keys, l->epoch)) {
        rc = manifest_stored(r, l, &stored, e);
        buf_free(&stored);
        return rc;
    }
    m = manifest_load(r, l, e);
    manifest_free(m);
    return m != NULL ? 0 : -1;
}

int
chunk_list_read(struct repo *r, const struct label *l, chunk_ref_fn *fn, void *ctx, struct err *e)
{
    return chunk_list_read_fetched(r, l, NULL, fn, ctx, e);
}

int
chunk_list_read_fetched(struct repo *r, const struct label *l, const struct buf *fetched,
                        chunk_ref_fn *fn, void *ctx, struct err *e)
{
    struct buf text = BUF_INIT(CHUNK_LIST_RAW_MAX);
    struct err other = ERR_INIT;
    int        rc = -1;

    if (fetched != NULL && check_stored(fetched, l->chunks_size, l->chunks_sha256, &other) != 0) {
        fetched = NULL;
    }
    if (load_part(r, l, LABEL_CHUNKS, fetched, &text, e) != 0) {
        err_wrap(e, "chunk list of backup %s of \"%s\"", l->id, l->db);
    } else {
        rc = chunk_list_parse(text.data, text.len, fn, ctx, e);
    }
    buf_free(&text);
    return rc;
}

int
chunk_list_read_unlabelled(struct repo *r, const char *key, chunk_ref_fn *fn, void *ctx,
                           struct err *e)
{
    struct codec *codec = codec_new(CODEC_DEFAULT);
    struct buf    stored = BUF_INIT(codec_bound(CODEC_ZSTD, CHUNK_LIST_RAW_MAX));
    struct buf    text = BUF_INIT(CHUNK_LIST_RAW_MAX);
    int           rc = -1;

    if (storage_get(r->st, key, &stored, e) == 0 &&
        (codec_decompress(codec, CODEC_ZSTD, stored.data, stored.len,
                          (size_t)codec_raw_size(stored.data, stored.len), &text, e) != 0 ||
         (rc = chunk_list_parse(text.data, text.len, fn, ctx, e)) != 0)) {
        err_wrap(e, "\"%s\"", key);
    }
    buf_free(&text);
    buf_free(&stored);
    codec_free(codec);
    return rc;
}

static int
add_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    (void)e;
    chunkindex_take(ctx, line, CHUNKINDEX_REUSABLE);
    return 0;
}

int
chunk_list_index(struct repo *r, const struct label *l, struct chunkindex *index, struct err *e)
{
    return chunk_list_read(r, l, add_line, index, e);
}

static int
ignore_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    (void)ctx;
    (void)line;
    (void)e;
    return 0;
}

int
part_check(struct repo *r, const struct label *l, enum label_part part, struct err *e)
{
    return part == LABEL_CHUNKS ? chunk_list_read(r, l, ignore_line, NULL, e)
                                : manifest_check_stored(r, l, e);
}

/* The page cache is dropped, and filled from the medium. */
int
part_check_anew(struct repo *r, const struct label *l, enum label_part part, struct err *e)
{
    char      *object = label_part_name(l, part);
    char      *key = backup_key(l->db, l->id, object);
    struct buf raw = BUF_INIT(BUF_NO_LIMIT);
    struct err ignored = ERR_INIT;

    (void)storage_get_anew(r->st, key, &raw, &ignored);
    buf_free(&raw);
    free(key);
    free(object);
    return part_check(r, l, part, e);
}
