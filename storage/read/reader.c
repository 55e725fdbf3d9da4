#include "storage/read/reader.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/log.h"
#include "storage/contract/versions.h"
#include "storage/format/chunkname.h"

struct chunk_want {
    struct repo          *repo;
    const char           *db;
    struct chunk_ref      ref;
    struct codec         *codec;
    struct buf           *scratch, *out;
    struct chunk_payload *payload;
    bool                  anew; /* a second opinion */
    bool as_stored;             /* only stored size and digest are checked: nothing is opened */
};

/* NULL: not possible in its epoch.  A plain chunk is never accepted for an encrypted one. */
static const struct epoch *
find_epoch(const struct chunk_want *w, struct err *e)
{
    const struct chunk_name *name = &w->ref.name;
    const struct epoch      *ep = keyring_epoch(w->repo->keys, name->epoch, e);

    if (ep != NULL && ep->sealed != name->sealed) {
        err_set(e, ERR_CORRUPT, "is %sencrypted, and epoch %u is%s", name->sealed ? "" : "not ",
                ep->number, ep->sealed ? "" : " not");
        return NULL;
    }
    return ep;
}

/* Reads the stored bytes into scratch. */
static int
get_chunk(const struct chunk_want *w, struct err *e)
{
    char *key = chunk_key(w->db, &w->ref.name);
    int   rc = w->anew ? storage_get_anew(w->repo->st, key, w->scratch, e)
                       : storage_get(w->repo->st, key, w->scratch, e);

    free(key);
    return rc;
}

/* Checks scratch against the stored size and the digest in the name. */
static int
check_bytes(const struct chunk_want *w, struct err *e)
{
    uint8_t digest[SHA256_BYTES];

    if (w->scratch->len != w->ref.size) {
        return err_set(e, ERR_CORRUPT, "has %zu bytes, not %" PRIu64, w->scratch->len, w->ref.size);
    }
    sha256(w->scratch->data, w->scratch->len, digest);
    return memcmp(digest, w->ref.name.sha256, sizeof digest) == 0
        ? 0
        : err_set(e, ERR_CORRUPT, "its bytes are not those that were written: the SHA-256 differs");
}

/* Decrypts in place what is encrypted. */
static int
open_payload(const struct chunk_want *w, const struct epoch *ep, struct err *e)
{
    const struct chunk_name *name = &w->ref.name;
    uint8_t                  what[CHUNK_SEALED_AS];
    struct sealed_as as = chunk_sealed_as(ep->public, name->id, (enum codec_kind)name->codec, what);

    w->payload->codec = (enum codec_kind)name->codec;
    w->payload->data = w->scratch->data;
    w->payload->n = w->scratch->len;
    return ep->sealed ? unseal(&as, &ep->secret, w->scratch->data, w->scratch->len,
                               &w->payload->data, &w->payload->n, e)
                      : 0;
}

/* Checks scratch: stored size, digest of the stored bytes, decryption, decoding to exactly
 * raw_size, id of the plaintext. */
static int
decode_checked(const struct chunk_want *w, struct err *e)
{
    const struct epoch *ep = find_epoch(w, e);
    uint8_t             digest[SHA256_BYTES];

    if (ep == NULL || check_bytes(w, e) != 0) {
        return -1;
    }
    if (w->as_stored) {
        return 0;
    }
    ep = keyring_read(w->repo->keys, w->ref.name.epoch, e);
    if (ep == NULL || open_payload(w, ep, e) != 0 ||
        codec_decompress(w->codec, w->payload->codec, w->payload->data, w->payload->n,
                         (size_t)w->ref.raw_size, w->out, e) != 0) {
        return -1;
    }
    hmac_sha256(ep->naming.data, w->out->data, w->out->len, digest);
    return memcmp(digest, w->ref.name.id, sizeof digest) == 0
        ? 0
        : err_set(e, ERR_CORRUPT, "its contents do not match its id");
}

static int
read_checked(const struct chunk_want *w, struct err *e)
{
    return find_epoch(w, e) == NULL || get_chunk(w, e) != 0 || decode_checked(w, e) != 0 ? -1 : 0;
}

/* A version of the object that was hidden by a newer one, or by its removal. */
static bool
read_older(const struct chunk_want *w)
{
    struct err e = ERR_INIT;
    char      *key = chunk_key(w->db, &w->ref.name);
    bool good = storage_get_older(w->repo->st, key, w->ref.size, w->ref.name.sha256, w->scratch,
                                  &e) == 0 &&
        decode_checked(w, &e) == 0;

    free(key);
    return good;
}

struct twin {
    const struct chunk_want *want;
    size_t                   prefix; /* length of "<db>/chunks/" */
    bool                     found;
    struct chunk_name        name; /* its own, when there is one */
};

/* An object with the same id and another name, if it is good. */
static int
try_twin(void *ctx, const struct object_info *info, struct err *e)
{
    struct twin             *t = ctx;
    const struct chunk_name *wanted = &t->want->ref.name;
    struct chunk_want        other = *t->want;
    struct err               bad = ERR_INIT;

    (void)e;
    if (t->found || chunk_name_parse(info->key + t->prefix, &other.ref.name) != 0 ||
        memcmp(other.ref.name.id, wanted->id, sizeof wanted->id) != 0 ||
        chunk_name_equal(&other.ref.name, wanted)) {
        return 0;
    }
    other.ref.size = info->size;
    if (read_checked(&other, &bad) == 0) {
        t->found = true;
        t->name = other.ref.name;
    }
    return 0;
}

/* Its name is put into twin. */
static bool
read_twin(const struct chunk_want *w, struct chunk_name *twin)
{
    struct twin t = {.want = w};
    struct err  e = ERR_INIT;
    char       *enc = name_encode(w->db);
    char       *prefix = xasprintf("%s/chunks/%u/%02x/", enc, w->ref.name.epoch, w->ref.name.id[0]);

    t.prefix = strlen(enc) + strlen("/chunks/");
    (void)storage_list(w->repo->st, prefix, try_twin, &t, &e);
    free(prefix);
    free(enc);
    *twin = t.name;
    return t.found;
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

static int
read_or_replace(const struct chunk_want *w, struct err *e)
{
    struct chunk_name twin;
    char              name[CHUNK_NAME_MAX];
    char              other[CHUNK_NAME_MAX];

    if (read_checked(w, e) == 0) {
        return 0;
    }
    chunk_name_format(&w->ref.name, name);
    if (e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
        return err_wrap(e, "chunk \"%s\" of \"%s\"", name, w->db);
    }
    if (read_older(w)) {
        say_replaced(
            xasprintf("chunk \"%s\" was overwritten or removed; an older version of it is read "
                      "instead",
                      name));
        err_clear(e);
        return 0;
    }
    /* Only the contents can tell whether another object holds the same. */
    if (!w->as_stored && read_twin(w, &twin)) {
        say_replaced(
            xasprintf("chunk \"%s\" is bad or missing; \"%s\" holds the same and is read instead",
                      name, chunk_name_format(&twin, other)));
        err_clear(e);
        return 0;
    }
    return err_wrap(e, "chunk \"%s\" of \"%s\"", name, w->db);
}

int
chunk_read_payload(struct repo *r, const char *db, const struct chunk_ref *ref, struct codec *codec,
                   struct buf *scratch, struct buf *out, struct chunk_payload *payload,
                   struct err *e)
{
    struct chunk_want w = {.repo = r,
                           .db = db,
                           .ref = *ref,
                           .codec = codec,
                           .scratch = scratch,
                           .out = out,
                           .payload = payload};

    return read_or_replace(&w, e);
}

int
chunk_read(struct repo *r, const char *db, const struct chunk_ref *ref, struct codec *codec,
           struct buf *scratch, struct buf *out, struct err *e)
{
    struct chunk_payload payload;

    return chunk_read_payload(r, db, ref, codec, scratch, out, &payload, e);
}

int
chunk_read_stored(struct repo *r, const char *db, const struct chunk_ref *ref, struct buf *stored,
                  struct err *e)
{
    struct chunk_want w = {.repo = r, .db = db, .ref = *ref, .scratch = stored, .as_stored = true};

    return read_or_replace(&w, e);
}

/* A chunk that cannot be opened here is judged by its stored bytes. */
static struct chunk_want
want_line(struct repo *r, const char *db, const struct chunk_ref *line,
          struct chunk_payload *payload)
{
    return (struct chunk_want){.repo = r,
                               .db = db,
                               .ref = *line,
                               .payload = payload,
                               .as_stored = !keyring_reads(r->keys, line->name.epoch)};
}

bool
chunk_has_twin(struct repo *r, const char *db, const struct chunk_ref *line, struct codec *codec,
               struct buf *scratch, struct buf *out)
{
    struct chunk_payload payload;
    struct chunk_want    w = want_line(r, db, line, &payload);
    struct chunk_name    twin;

    w.codec = codec;
    w.scratch = scratch;
    w.out = out;
    return read_twin(&w, &twin) || read_older(&w);
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
chunk_check(struct repo *r, const char *db, const struct chunk_ref *line, struct codec *codec,
            struct buf *scratch, struct buf *out, struct err *e)
{
    struct chunk_payload payload;
    struct chunk_want    w = want_line(r, db, line, &payload);

    w.codec = codec;
    w.scratch = scratch;
    w.out = out;
    return check(&w, e);
}

int
chunk_check_anew(struct repo *r, const char *db, const struct chunk_ref *line, struct codec *codec,
                 struct buf *scratch, struct buf *out, struct err *e)
{
    struct chunk_payload payload;
    struct chunk_want    w = want_line(r, db, line, &payload);

    w.codec = codec;
    w.scratch = scratch;
    w.out = out;
    w.anew = true;
    return check(&w, e);
}
