#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/runid.h"
#include "storage/format/chunklist.h"
#include "storage/format/object.h"
#include "storage/keys/trust.h"
#include "storage/repo/imported.h"
#include "storage/repo/label_load.h"
#include "storage/repo/lastseen.h"
#include "storage/write/writer_impl.h"

/* ---- names ---- */

/* Only what this run stored or found stored may be referred to.  To be called when no put() is
 * pending. */
static int
name_chunks(const struct writer *w, const struct chunk_number *chunks, size_t n,
            struct chunk_ref *refs, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct chunkindex_entry *k = chunks[i].n < w->known.n ? &w->known.v[chunks[i].n]
                                                                    : NULL;

        if (k == NULL || !k->used ||
            (k->state != CHUNKINDEX_WRITTEN && k->state != CHUNKINDEX_REUSABLE)) {
            return err_set(e, ERR_CORRUPT,
                           "the backup refers to chunk %" PRIu32 ", which this run did not store",
                           chunks[i].n);
        }
        refs[i] = k->ref;
    }
    return 0;
}

int
writer_refs(struct writer *w, const struct chunk_number *chunks, size_t n, struct chunk_ref *refs,
            struct err *e)
{
    return writer_io_drain(w, e) != 0 ? -1 : name_chunks(w, chunks, n, refs, e);
}

bool
writer_sealed_as(const struct writer *w, struct sealed_as *as)
{
    *as = label_manifest_as(w->id, w->epoch);
    return w->epoch->sealed;
}

static void
count_chunks(const struct writer *w, const struct writer_backup *b, struct label *l)
{
    l->chunks = b->n;
    l->stored_bytes = l->new_chunks = l->new_bytes = 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct chunkindex_entry *k = &w->known.v[b->chunks[i].n];

        l->stored_bytes += k->ref.size;
        if (k->state == CHUNKINDEX_WRITTEN) {
            l->new_chunks++;
            l->new_bytes += k->ref.size;
        }
    }
}

/* ---- what the label names ---- */

/* And it is there. */
static int
put_object(struct writer *w, const char *object, const struct buf *data, struct err *e)
{
    char *key = backup_key(w->db, w->id, object);
    int   rc = storage_put(w->repo->st, key, data->data, data->len, e) != 0
          ? -1
          : writer_sent(w, key, data->len, e);

    free(key);
    return rc;
}

static int
put_part(struct writer *w, const struct label *l, enum label_part part, const struct buf *stored,
         struct err *e)
{
    char *object = label_part_name(l, part);
    int   rc = put_object(w, object, stored, e);

    free(object);
    return rc;
}

/* refs[i] is chunks[i], with its current lock. */
static int
put_list_of(struct writer *w, const struct chunk_ref *refs, size_t n, struct label *l,
            struct err *e)
{
    struct buf     text = BUF_INIT(CHUNK_LIST_RAW_MAX);
    struct encoded list = {.raw_size = 0};
    int            rc = -1;

    if (chunk_list_format(refs, n, &text, e) == 0 && encoded_make(&text, NULL, &list, e) == 0) {
        l->chunks_raw_size = list.raw_size;
        l->chunks_size = list.stored.len;
        sha256_hex(list.stored.data, list.stored.len, l->chunks_sha256);
        buf_free(&text);
        rc = put_part(w, l, LABEL_CHUNKS, &list.stored, e);
    }
    buf_free(&text);
    encoded_free(&list);
    return rc;
}

static int
put_chunk_list(struct writer *w, const struct writer_backup *b, struct label *l, struct err *e)
{
    struct chunk_ref *refs = xcalloc(b->n + 1, sizeof *refs);
    int               rc = name_chunks(w, b->chunks, b->n, refs, e);

    if (rc == 0) {
        count_chunks(w, b, l);
        rc = put_list_of(w, refs, b->n, l, e);
    }
    free(refs);
    return rc;
}

static int
put_manifest(struct writer *w, const struct encoded *m, struct label *l, struct err *e)
{
    l->manifest_size = m->stored.len;
    sha256_hex(m->stored.data, m->stored.len, l->manifest_sha256);
    l->manifest_raw_size = m->raw_size;
    memcpy(l->manifest_raw_sha256, m->raw_sha256, sizeof l->manifest_raw_sha256);
    return put_part(w, l, LABEL_MANIFEST, &m->stored, e);
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
put_key_copies(struct writer *w, struct label *l, struct err *e)
{
    struct buf keys = BUF_INIT(OBJECT_BYTES_MAX);
    int        rc = put_once(w, "repo.json", &w->repo->line, e);

    if (rc == 0 && w->epoch->sealed) {
        rc = epoch_keys_raw(repo_signed(w->repo), w->epoch, &keys, &l->keys, e) != 0 ||
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
        w->label_tried = false; /* another one exists: ours does not and cannot any more */
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
    l->settings = w->repo->in_force;
    l->keys = 0; /* put_key_copies() */
    l->encrypted = w->epoch->sealed;
    if (label_is_imported(l) && l->imported_sha256 != NULL && w->epoch->naming.n > 0) {
        imported_id(w->epoch, l->imported_sha256, l->imported_id);
    }
    if (l->tool == NULL) {
        l->tool = xstrdup("pgassay " PGASSAY_VERSION);
    }
    if (l->copied_repo[0] == '\0' && *run_id() != '\0') {
        replace(&l->run_id, run_id());
    }
    if (l->finished == 0) {
        l->finished = time(NULL);
    }
}

int
writer_settle(struct writer *w, struct err *e)
{
    return writer_io_drain(w, e) != 0 || writer_sent_chunks(w, e) != 0 ? -1
                                                                       : writer_check_revoked(w, e);
}

int
writer_commit(struct writer *w, const struct writer_backup *b, struct label *l, struct err *e)
{
    complete(w, l);
    /* W3 has ended, W4 */
    if (writer_io_drain(w, e) != 0 || writer_sent_chunks(w, e) != 0 || bind(w, e) != 0 ||
        writer_lock_reused(w, b->chunks, b->n, e) != 0 || put_chunk_list(w, b, l, e) != 0 ||
        put_manifest(w, b->manifest, l, e) != 0 ||
        put_key_copies(w, l, e) != 0 || /* the last renewal: a prune that sees it waits */
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
    w->committed = true;
    if (w->batch != NULL) {
        batch_keep(w->batch, &w->known,
                   &(struct batch_listing){w->epoch->number, w->listed + w->stats.new_chunks});
    }
    journal_clear(w->journal);
    /* A mark that stays beside its label is harmless: prune looks at the label. */
    run_mark_remove(&w->mark);
    return 0;
}

static int
encode(struct writer *w, const struct draft *c, struct encoded *out, struct err *e)
{
    struct chunk_ref *refs = xcalloc(c->n + 1, sizeof *refs);
    struct sealed_as  as;
    bool              sealed = writer_sealed_as(w, &as);
    int               rc = writer_refs(w, c->chunks, c->n, refs, e);

    if (rc == 0) {
        rc = c->encode(c->what, refs, c->n, sealed ? &as : NULL, out, e);
    }
    free(refs);
    return rc;
}

int
writer_commit_draft(struct writer *w, const struct draft *c, struct label *l, struct err *e)
{
    struct encoded manifest = {.raw_size = 0};
    int            rc = encode(w, c, &manifest, e);

    if (rc == 0) {
        rc = writer_commit(w, &(struct writer_backup){c->chunks, c->n, &manifest}, l, e);
    } else {
        err_wrap(e, "could not commit backup %s", w->id);
    }
    encoded_free(&manifest);
    return rc;
}
