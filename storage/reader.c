#include "storage/reader.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/hash.h"
#include "core/log.h"
#include "storage/chunklist.h"
#include "storage/chunkname.h"
#include "storage/versions.h"
#include "storage/writer.h"

/* ---- objects that a label names by digest ---- */

static int
check_stored(const struct buf *raw, uint64_t size, const char *sha256_want, struct err *e)
{
    char hex[SHA256_HEX + 1];

    if (raw->len != size) {
        return err_set(e, ERR_CORRUPT, "has %zu bytes, the label says %" PRIu64, raw->len, size);
    }
    sha256_hex(raw->data, raw->len, hex);
    return strcmp(hex, sha256_want) == 0 ? 0 : err_set(e, ERR_CORRUPT, "its SHA-256 is not what the label says");
}

/* A label's object: the one that is seen, or where the store keeps versions an older one that somebody hid. */
static int
get_stored(struct repo *r, const char *key, uint64_t size, const char *sha256_want, struct buf *stored, struct err *e)
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
    return -1;              /* names the key */
}

/* One object of a backup: fetched, checked, decompressed into text. */
static int
load_part(struct repo *r, const struct label *l, enum label_part part, struct buf *text, struct err *e)
{
    bool          list = part == LABEL_CHUNKS;
    uint64_t      size = list ? l->chunks_size : l->manifest_size;
    uint64_t      raw_size = list ? l->chunks_raw_size : l->manifest_raw_size;
    char         *object = label_part_name(l, part);
    char         *key = backup_key(l->db, l->id, object);
    struct codec *codec = codec_new(CODEC_DEFAULT);
    struct buf    stored = BUF_INIT(codec_bound(CODEC_ZSTD, text->max));
    int           rc = -1;

    if (raw_size > text->max) {
        err_set(e, ERR_CORRUPT, "\"%s\": the label says it has %" PRIu64 " bytes unpacked: more than %zu", key, raw_size,
                text->max);
    } else if (get_stored(r, key, size, list ? l->chunks_sha256 : l->manifest_sha256, &stored, e) == 0) {
        rc = codec_decompress(codec, CODEC_ZSTD, stored.data, stored.len, (size_t)raw_size, text, e);
        if (rc != 0) {
            err_wrap(e, "\"%s\"", key);
        }
    }
    buf_free(&stored);
    codec_free(codec);
    free(key);
    free(object);
    return rc;
}

struct manifest *
manifest_load(struct repo *r, const struct label *l, struct err *e)
{
    struct buf       text = BUF_INIT(MANIFEST_RAW_MAX);
    struct manifest *m = NULL;
    char             hex[SHA256_HEX + 1];

    if (load_part(r, l, LABEL_MANIFEST, &text, e) == 0) {
        sha256_hex(text.data, text.len, hex);
        if (strcmp(hex, l->manifest_raw_sha256) != 0) {
            err_set(e, ERR_CORRUPT, "its plaintext's SHA-256 is not what the label says");
        } else {
            m = manifest_parse(text.data, text.len, e);
        }
    }
    if (m != NULL && !m->has_fingerprint_key) {
        memcpy(m->fingerprint_key, r->fingerprint_key, sizeof m->fingerprint_key);
        m->has_fingerprint_key = true;
    }
    if (m == NULL) {
        err_wrap(e, "manifest of backup %s of \"%s\"", l->id, l->db);
    }
    buf_free(&text);
    return m;
}

int
chunk_list_read(struct repo *r, const struct label *l, chunk_line_fn *fn, void *ctx, struct err *e)
{
    struct buf text = BUF_INIT(CHUNK_LIST_RAW_MAX);
    int        rc = -1;

    if (load_part(r, l, LABEL_CHUNKS, &text, e) != 0) {
        err_wrap(e, "chunk list of backup %s of \"%s\"", l->id, l->db);
    } else {
        rc = chunk_list_parse(text.data, text.len, fn, ctx, e);
    }
    buf_free(&text);
    return rc;
}

/* ---- chunks ---- */

struct chunk_want {
    struct repo   *repo;
    const char    *db;
    const char    *name;
    uint64_t       size, raw_size;
    struct codec  *codec;
    struct buf    *scratch, *out;
    bool           anew;            /* a second opinion */
};

static int
parse_name(const struct chunk_want *w, struct chunk_name *name, struct err *e)
{
    if (chunk_name_parse(w->name, name) != 0) {
        return err_set(e, ERR_CORRUPT, "not the name of a chunk");
    }
    if (name->epoch != w->repo->epoch) {
        return err_set(e, ERR_CORRUPT, "the keys of epoch %u are not known", name->epoch);
    }
    return 0;
}

/* The stored bytes into scratch. */
static int
get_chunk(const struct chunk_want *w, struct err *e)
{
    char *key = chunk_key(w->db, w->name);
    int   rc = w->anew ? storage_get_anew(w->repo->st, key, w->scratch, e) : storage_get(w->repo->st, key, w->scratch, e);

    free(key);
    return rc;
}

/* What scratch holds: stored size, digest of the stored bytes, decoding to exactly raw_size, id of the plaintext. */
static int
decode_checked(const struct chunk_want *w, struct err *e)
{
    struct chunk_name name;
    uint8_t           digest[SHA256_BYTES];

    if (parse_name(w, &name, e) != 0) {
        return -1;
    }
    if (w->scratch->len != w->size) {
        return err_set(e, ERR_CORRUPT, "has %zu bytes, not %" PRIu64, w->scratch->len, w->size);
    }
    sha256(w->scratch->data, w->scratch->len, digest);
    if (memcmp(digest, name.sha256, sizeof digest) != 0) {
        return err_set(e, ERR_CORRUPT, "its bytes are not those that were written: the SHA-256 differs");
    }
    if (codec_decompress(w->codec, (enum codec_kind)name.codec, w->scratch->data, w->scratch->len,
                         (size_t)w->raw_size, w->out, e) != 0) {
        return -1;
    }
    hmac_sha256(w->repo->id_key, w->out->data, w->out->len, digest);
    return memcmp(digest, name.id, sizeof digest) == 0
               ? 0
               : err_set(e, ERR_CORRUPT, "its contents are not those of its id");
}

static int
read_checked(const struct chunk_want *w, struct err *e)
{
    struct chunk_name name;

    return parse_name(w, &name, e) != 0 || get_chunk(w, e) != 0 || decode_checked(w, e) != 0 ? -1 : 0;
}

/* A version of the object that is hidden by a newer one, or by its removal. */
static bool
read_older(const struct chunk_want *w)
{
    struct err        e = ERR_INIT;
    struct chunk_name name;
    char             *key = chunk_key(w->db, w->name);
    bool              good = chunk_name_parse(w->name, &name) == 0 &&
                storage_get_older(w->repo->st, key, w->size, name.sha256, w->scratch, &e) == 0 &&
                decode_checked(w, &e) == 0;

    free(key);
    return good;
}

struct twin {
    const struct chunk_want *want;
    size_t                   prefix;       /* length of "<db>/chunks/" */
    char                     found[CHUNK_NAME_MAX];   /* its name, when there is one */
};

/* An object with the same id and another name, if it is good. */
static int
try_twin(void *ctx, const struct object_info *info, struct err *e)
{
    struct twin      *t = ctx;
    const char       *text = info->key + t->prefix;
    struct chunk_want other = *t->want;
    struct chunk_name name;
    struct chunk_name wanted;
    struct err        bad = ERR_INIT;

    (void)e;
    if (t->found[0] != '\0' || strcmp(text, t->want->name) == 0 || chunk_name_parse(text, &name) != 0 ||
        chunk_name_parse(t->want->name, &wanted) != 0 || memcmp(name.id, wanted.id, sizeof name.id) != 0) {
        return 0;
    }
    other.name = text;
    other.size = info->size;
    if (read_checked(&other, &bad) == 0) {
        memcpy(t->found, text, strlen(text) + 1);
    }
    return 0;
}

/* Its name goes to found (CHUNK_NAME_MAX). */
static bool
read_twin(const struct chunk_want *w, char *found)
{
    struct twin t = {.want = w};
    struct err  e = ERR_INIT;
    char       *prefix = chunk_key(w->db, w->name);
    char       *slash = strrchr(prefix, '/');

    t.prefix = strlen(prefix) - strlen(w->name);
    slash[1] = '\0';
    (void)storage_list(w->repo->st, prefix, try_twin, &t, &e);
    free(prefix);
    memcpy(found, t.found, sizeof t.found);
    return found[0] != '\0';
}

/* A healed repository has many of them: one warning is enough.  Takes the text. */
static void
say_replaced(char *text)
{
    static atomic_bool said;

    if (!atomic_exchange(&said, true)) {
        log_warn("%s (others like it are named with --verbose)", text);
    } else {
        log_info("%s", text);
    }
    free(text);
}

int
chunk_read_stored(struct repo *r, const char *db, const struct chunk_ref *ref, struct codec *codec, struct buf *stored,
                  struct buf *out, struct chunk_name *name, struct err *e)
{
    struct chunk_want w = {r, db, ref->name, ref->size, ref->raw_size, codec, stored, out, false};
    char              twin[CHUNK_NAME_MAX];

    if (read_checked(&w, e) == 0) {
        return chunk_name_parse(ref->name, name);
    }
    if (e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
        return err_wrap(e, "chunk \"%s\" of \"%s\"", ref->name, db);
    }
    if (read_older(&w)) {
        say_replaced(xasprintf("chunk \"%s\" was overwritten or removed; an older version of it is read instead", ref->name));
        err_clear(e);
        return chunk_name_parse(ref->name, name);
    }
    if (read_twin(&w, twin)) {
        say_replaced(xasprintf("chunk \"%s\" is bad or missing; \"%s\" holds the same and is read instead", ref->name, twin));
        err_clear(e);
        return chunk_name_parse(twin, name);
    }
    return err_wrap(e, "chunk \"%s\" of \"%s\"", ref->name, db);
}

int
chunk_read(struct repo *r, const char *db, const struct chunk_ref *ref, struct codec *codec, struct buf *scratch,
           struct buf *out, struct err *e)
{
    struct chunk_name name;

    return chunk_read_stored(r, db, ref, codec, scratch, out, &name, e);
}

bool
chunk_has_twin(struct repo *r, const char *db, const struct chunk_line *line, struct codec *codec, struct buf *scratch,
               struct buf *out)
{
    struct chunk_want w = {r, db, line->name, line->size, line->raw_size, codec, scratch, out, false};
    char              twin[CHUNK_NAME_MAX];

    return read_twin(&w, twin) || read_older(&w);
}

static int
check(const struct chunk_want *w, struct err *e)
{
    if (read_checked(w, e) == 0) {
        return 0;
    }
    return e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND ? 1 : -1;
}

int
chunk_check(struct repo *r, const char *db, const struct chunk_line *line, struct codec *codec, struct buf *scratch,
            struct buf *out, struct err *e)
{
    return check(&(struct chunk_want){r, db, line->name, line->size, line->raw_size, codec, scratch, out, false}, e);
}

int
chunk_check_anew(struct repo *r, const char *db, const struct chunk_line *line, struct codec *codec,
                 struct buf *scratch, struct buf *out, struct err *e)
{
    return check(&(struct chunk_want){r, db, line->name, line->size, line->raw_size, codec, scratch, out, true}, e);
}

int
segments_read(struct repo *r, const char *db, const struct manifest *m, const struct segment *v, size_t n,
              struct buf *out, struct err *e)
{
    struct codec *codec = codec_new(CODEC_DEFAULT);
    struct buf    scratch = BUF_INIT(CHUNK_STORED_MAX);
    struct buf    raw = BUF_INIT(CHUNK_RAW_MAX);
    uint32_t      held = UINT32_MAX;
    int           rc = 0;

    buf_clear(out);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (v[i].chunk != held) {
            held = v[i].chunk;
            rc = chunk_read(r, db, &m->chunks[held], codec, &scratch, &raw, e);
        }
        if (rc == 0) {
            rc = buf_append(out, raw.data + v[i].offset, (size_t)v[i].length, e);
        }
    }
    buf_free(&raw);
    buf_free(&scratch);
    codec_free(codec);
    return rc;
}
