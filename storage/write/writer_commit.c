#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "storage/format/chunklist.h"
#include "storage/format/object.h"
#include "storage/keys/trust.h"
#include "storage/repo/label_load.h"
#include "storage/repo/lastseen.h"
#include "storage/write/writer_impl.h"

/* The table of chunks as this repository names them.  Only what this run stored or found stored
 * may be referred to. */
static int
name_chunks(struct writer *w, const uint32_t *chunks, size_t n, struct chunk_ref *refs,
            struct label *l, struct err *e)
{
    l->chunks = l->stored_bytes = l->new_chunks = l->new_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        const struct chunkindex_entry *k = &w->known.v[chunks[i]];

        if (chunks[i] >= w->known.n || !k->used ||
            (k->state != CHUNKINDEX_WRITTEN && k->state != CHUNKINDEX_REUSABLE)) {
            return err_set(e, ERR_CORRUPT,
                           "the manifest names chunk %" PRIu32 ", which this run did not store",
                           chunks[i]);
        }
        refs[i] = k->ref;
        l->chunks++;
        l->stored_bytes += k->ref.size;
        if (k->state == CHUNKINDEX_WRITTEN) {
            l->new_chunks++;
            l->new_bytes += k->ref.size;
        }
    }
    return 0;
}

static int
put_object(struct writer *w, const char *object, const struct buf *data, struct err *e)
{
    char *key = backup_key(w->db, w->id, object);
    int   rc = storage_put(w->repo->st, key, data->data, data->len, e);

    free(key);
    return rc;
}

/* A manifest of an encrypted backup goes out sealed. */
static int
seal_manifest(const struct writer *w, const struct label *l, struct buf *stored, struct err *e)
{
    struct sealed_as as = label_manifest_as(l, w->epoch);
    struct buf       sealed = BUF_INIT(BUF_NO_LIMIT);

    if (seal(&as, stored->data, stored->len, &sealed, e) != 0) {
        return -1;
    }
    buf_free(stored);
    *stored = sealed;
    return 0;
}

/* Compresses text, stores it, and notes size and digest. */
static int
put_part(struct writer *w, struct label *l, enum label_part part, const struct buf *text,
         struct err *e)
{
    bool          list = part == LABEL_CHUNKS;
    char         *object = label_part_name(l, part);
    struct codec *codec = codec_new(CODEC_DEFAULT);
    struct buf    stored = BUF_INIT(BUF_NO_LIMIT);
    int           rc = -1;

    if (codec_compress(codec, text->data, text->len, &stored, e) == 0 &&
        (list || !l->encrypted || seal_manifest(w, l, &stored, e) == 0)) {
        *(list ? &l->chunks_size : &l->manifest_size) = stored.len;
        sha256_hex(stored.data, stored.len, list ? l->chunks_sha256 : l->manifest_sha256);
        rc = put_object(w, object, &stored, e);
    }
    buf_free(&stored);
    codec_free(codec);
    free(object);
    return rc;
}

static int
put_chunk_list(struct writer *w, const struct manifest *m, struct label *l, struct err *e)
{
    struct buf text = BUF_INIT(CHUNK_LIST_RAW_MAX);
    int        rc = -1;

    if (chunk_list_format(m->chunks, m->n_chunks, &text, e) == 0) {
        l->chunks_raw_size = text.len;
        rc = put_part(w, l, LABEL_CHUNKS, &text, e);
    }
    buf_free(&text);
    return rc;
}

/* What will be stored must be readable: all sums, indices and names are checked once more by the
 * reader's own eyes. */
static int
check_readable(const struct buf *text, struct err *e)
{
    struct manifest *back = manifest_parse(text->data, text->len, e);

    manifest_free(back);
    return back == NULL ? err_wrap(e, "the manifest does not add up") : 0;
}

/* Writers of several repositories share the manifest's sections, and older versions of jansson
 * mark values while they write them. */
static int
format_alone(const struct manifest *m, struct buf *text, struct err *e)
{
    static pthread_mutex_t formatting = PTHREAD_MUTEX_INITIALIZER;
    int                    rc;

    (void)pthread_mutex_lock(&formatting);
    rc = manifest_format(m, text, e);
    (void)pthread_mutex_unlock(&formatting);
    return rc;
}

static int
put_lists(struct writer *w, const struct manifest *m, struct label *l, struct err *e)
{
    struct buf text = BUF_INIT(MANIFEST_RAW_MAX);
    int        rc = -1;

    if (format_alone(m, &text, e) == 0 && check_readable(&text, e) == 0 &&
        put_chunk_list(w, m, l, e) == 0) {
        l->manifest_raw_size = text.len;
        sha256_hex(text.data, text.len, l->manifest_raw_sha256);
        rc = put_part(w, l, LABEL_MANIFEST, &text, e);
    }
    buf_free(&text);
    return rc;
}

/* What a backup consists of beside its chunks. */
struct contents {
    const struct manifest *manifest; /* or NULL: */
    const struct buf      *stored;   /* the manifest as it is stored; the label says what it is */
    const uint32_t        *chunks;
    size_t                 n;
};

static int
put_stored(struct writer *w, const struct manifest *own, const struct buf *stored, struct label *l,
           struct err *e)
{
    char *object = label_part_name(l, LABEL_MANIFEST);
    int   rc = put_chunk_list(w, own, l, e) != 0 || put_object(w, object, stored, e) != 0 ? -1 : 0;

    free(object);
    return rc;
}

/* Chunk list and manifest, and what the label says of them. */
static int
put_contents(struct writer *w, const struct contents *c, struct label *l, struct err *e)
{
    struct manifest own = {0};
    int             rc = -1;

    if (c->manifest != NULL) {
        own = *c->manifest; /* borrows all but the table of chunks */
    }
    own.n_chunks = c->n;
    own.chunks = xcalloc(c->n + 1, sizeof *own.chunks);
    if (name_chunks(w, c->chunks, c->n, own.chunks, l, e) == 0) {
        rc = c->manifest != NULL ? put_lists(w, &own, l, e) : put_stored(w, &own, c->stored, l, e);
    }
    free(own.chunks);
    return rc;
}

/* Another copy of the same backup may have put one already. */
static int
put_once(struct writer *w, const char *object, const struct buf *data, struct err *e)
{
    if (data->len == 0 || put_object(w, object, data, e) == 0) {
        return 0;
    }
    if (e->kind != ERR_EXISTS) {
        return -1;
    }
    err_clear(e);
    return 0;
}

/* Without the repository's identity, and an encrypted one's keys, a backup is lost: each keeps a
 * copy of the objects that hold them. */
static int
put_key_copies(struct writer *w, struct err *e)
{
    struct buf keys = BUF_INIT(OBJECT_BYTES_MAX);
    int        rc = put_once(w, "repo.json", &w->repo->line, e);

    if (rc == 0 && w->epoch->sealed) {
        rc = epoch_keys_raw(repo_signed(w->repo), w->epoch, &keys, e) != 0 ||
                put_once(w, "keys.json", &keys, e) != 0
            ? -1
            : 0;
    }
    buf_free(&keys);
    return rc;
}

static int
bind(struct writer *w, struct err *e)
{
    return w->source == NULL ? 0 : source_bind(w->repo, w->db, w->source, w->adopt, e);
}

static void
replace(char **field, const char *value)
{
    free(*field);
    *field = xstrdup(value);
}

static int
remove_label(struct writer *w, struct err *e)
{
    char *key = backup_key(w->db, w->id, "label.json");
    int   rc = storage_remove(w->repo->st, (const char *const *)&key, 1, e);

    free(key);
    return rc;
}

/* The object; the digest is that of its first line alone. */
static int
format_label(const struct writer *w, struct label *l, const char *key, struct buf *line,
             struct err *e)
{
    if ((l->encrypted && l->hidden == NULL && label_hide(l, w->epoch, e) != 0) ||
        label_format(l, line, e) != 0) {
        return -1;
    }
    sha256_hex(line->data, line->len, l->sha256);
    return trust_sign(w->repo->trust, "label", key, line, e);
}

static int
put_label(struct writer *w, struct label *l, struct err *e)
{
    struct buf line = BUF_INIT(LABEL_BYTES_MAX);
    char      *key = backup_key(w->db, w->id, "label.json");
    int        rc = -1;

    if (format_label(w, l, key, &line, e) == 0 && (!w->replace || remove_label(w, e) == 0)) {
        w->label_tried = true;
        rc = put_object(w, "label.json", &line, e);
    }
    free(key);
    if (rc != 0 && e->kind == ERR_EXISTS) {
        w->label_tried = false; /* another's stands there: ours neither does nor can any more */
    }
    buf_free(&line);
    return rc;
}

/* No two labels of this host's key get one number: its other writers wait from here until this
 * one is remembered. */
static int
put_in_chain(struct writer *w, struct label *l, struct err *e)
{
    struct lastseen seen;
    int             turn = w->chain->signer[0] != '\0' ? lastseen_lock(w->repo, w->db) : -1;
    int             rc;

    lastseen_load(w->repo, w->db, &seen);
    chain_fill(w->chain, lastseen_sequence(&seen, w->chain->signer), l);
    lastseen_free(&seen);
    rc = put_label(w, l, e);
    if (rc == 0) {
        chain_append(w->chain, l);
        lastseen_remember(w->repo, w->db, l, turn);
    }
    lastseen_unlock(turn);
    return rc;
}

static void
complete(const struct writer *w, struct label *l)
{
    memcpy(l->id, w->id, sizeof l->id);
    memcpy(l->run, w->mark.run, sizeof l->run);
    replace(&l->db, w->db);
    l->epoch = w->epoch->number;
    l->encrypted = w->epoch->sealed;
    if (l->tool == NULL) {
        l->tool = xstrdup("pgassay " PGASSAY_VERSION);
    }
    if (l->finished == 0) {
        l->finished = time(NULL);
    }
}

int
writer_settle(struct writer *w, struct err *e)
{
    return writer_io_drain(w, e) != 0 ? -1 : writer_check_revoked(w, e);
}

static int
commit(struct writer *w, const struct contents *c, struct label *l, struct err *e)
{
    complete(w, l);
    /* W3 has ended, W4 */
    if (writer_io_drain(w, e) != 0 || bind(w, e) != 0 ||
        writer_lock_reused(w, c->chunks, c->n, e) != 0 || put_contents(w, c, l, e) != 0 ||
        put_key_copies(w, e) != 0 || /* the last sign of life: a prune that sees it waits */
        run_mark_put(&w->mark, e) != 0 || writer_check_revoked(w, e) != 0 ||
        put_in_chain(w, l, e) != 0) {
        return err_wrap(e, "could not commit backup %s", w->id);
    }
    /* W5 */
    if (writer_check_revoked(w, e) != 0) {
        return err_wrap(e,
                        e->kind == ERR_BUSY ? "backup %s does not count"
                                            : "backup %s is stored, but whether it counts is not "
                                              "known",
                        w->id);
    }
    journal_clear(w->journal);
    /* A mark that stays beside its label is no harm: prune looks at the label. */
    run_mark_remove(&w->mark);
    return 0;
}

int
writer_commit(struct writer *w, const struct manifest *m, const uint32_t *chunks, size_t n,
              struct label *l, struct err *e)
{
    return commit(w, &(struct contents){.manifest = m, .chunks = chunks, .n = n}, l, e);
}

int
writer_commit_stored(struct writer *w, const struct buf *manifest, const uint32_t *chunks, size_t n,
                     struct label *l, struct err *e)
{
    return commit(w, &(struct contents){.stored = manifest, .chunks = chunks, .n = n}, l, e);
}
