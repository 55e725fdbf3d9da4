/*
 * repair_list.c - rebuilding chunk lists and manifests: whatever has the label's digest is what was
 * lost.
 *
 *   either       the object itself, from a mirror of this repository or from a copy that was stored
 *                unopened
 *   chunk list   from the manifest, whose table of chunks has all its contents
 *   manifest     from the other repository's manifest of this backup: its chunks get the names that
 *                this backup's chunk list has for the same stored bytes
 *
 * A rebuilt text is compressed as by a writer.  Whether this gives the same bytes depends on the
 * versions of the programs and of zstd, and is not relied on: the digest decides.  A sealed
 * manifest is never rebuilt, as each sealing gives other bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/format/chunklist.h"
#include "storage/format/encoded.h"
#include "storage/heal/repair_impl.h"
#include "storage/read/parts.h"
#include "storage/repo/label_load.h"

static const char *
digest_of(const struct label *l, enum label_part part)
{
    return part == LABEL_CHUNKS ? l->chunks_sha256 : l->manifest_sha256;
}

static bool
fits(const struct label *l, enum label_part part, const struct buf *stored)
{
    char hex[SHA256_HEX + 1];

    sha256_hex(stored->data, stored->len, hex);
    return strcmp(hex, digest_of(l, part)) == 0;
}

static bool
encode_fits(const struct label *l, enum label_part part, const struct buf *text, struct buf *stored)
{
    struct encoded x = {.raw_size = 0};
    struct err     e = ERR_INIT;
    bool           good = encoded_make(text, NULL, &x, &e) == 0 && fits(l, part, &x.stored);

    buf_free(stored);
    *stored = x.stored;
    return good;
}

/* The object that this label names there is what l names. */
static bool
named_by(const struct repairing *r, const struct label *l, const struct label *there,
         enum label_part part, struct buf *stored)
{
    char      *object = label_part_name(there, part);
    char      *key = backup_key(l->db, l->id, object);
    struct err e = ERR_INIT;
    bool       good = storage_get(r->from->st, key, stored, &e) == 0 && fits(l, part, stored);

    free(key);
    free(object);
    return good;
}

/* A mirror of this repository holds the same object, as does a copy stored unopened. */
static bool
from_mirror(const struct repairing *r, const struct label *l, enum label_part part,
            struct buf *stored)
{
    struct err    e = ERR_INIT;
    struct label *there = NULL;
    bool          good = named_by(r, l, l, part, stored) ||
        ((there = label_load(r->from, l->db, l->id, &e)) != NULL &&
         named_by(r, l, there, part, stored));

    label_free(there);
    return good;
}

/* The chunk list holds only the manifest's table of chunks. */
static bool
list_from_manifest(const struct repairing *r, const struct label *l, struct buf *stored)
{
    struct err       e = ERR_INIT;
    struct manifest *m = l->encrypted && !keyring_reads(r->to->keys, l->epoch)
        ? NULL
        : manifest_load(r->to, l, &e);
    struct buf       text = BUF_INIT(CHUNK_LIST_RAW_MAX);
    bool good = m != NULL && chunk_list_format(m->chunks, m->n_chunks, &text, &e) == 0 &&
        encode_fits(l, LABEL_CHUNKS, &text, stored);

    buf_free(&text);
    manifest_free(m);
    return good;
}

/* ---- a manifest ---- */

/* The names of the chunks here: by their stored bytes, from this backup's own chunk list. */
static bool
rename_chunks(struct manifest *m, struct chunkindex *own)
{
    for (size_t i = 0; i < m->n_chunks; i++) {
        size_t at = chunkindex_find_stored(own, &m->chunks[i]);

        if (at == SIZE_MAX) {
            return false;
        }
        m->chunks[i].name = own->v[at].ref.name;
    }
    return true;
}

/* Older manifests omit the fingerprint key if it is the repository's. */
static bool
format_fits(const struct label *l, struct manifest *m, struct buf *stored)
{
    struct buf text = BUF_INIT(MANIFEST_RAW_MAX);
    struct err e = ERR_INIT;
    bool       good = false;

    for (int with_key = 1; !good && with_key >= 0; with_key--) {
        buf_clear(&text);
        m->has_fingerprint_key = with_key == 1;
        good = manifest_format(m, &text, &e) == 0 && encode_fits(l, LABEL_MANIFEST, &text, stored);
    }
    buf_free(&text);
    return good;
}

static bool
manifest_from_copy(const struct repairing *r, const struct label *l, struct buf *stored)
{
    struct chunkindex own = {0};
    struct err        e = ERR_INIT;
    struct label     *there = label_load(r->from, l->db, l->id, &e);
    struct manifest  *m = there == NULL ? NULL : manifest_load(r->from, there, &e);
    bool good = m != NULL && chunk_list_index(r->to, l, &own, &e) == 0 && rename_chunks(m, &own) &&
        format_fits(l, m, stored);

    chunkindex_free(&own);
    manifest_free(m);
    label_free(there);
    return good;
}

/* ---- either ---- */

/* 1: it is bad or missing, at two readings. */
static int
is_bad(const struct repairing *r, const struct label *l, enum label_part part, struct err *e)
{
    for (int reading = 1;; reading++) {
        if ((reading == 1 ? part_check : part_check_anew)(r->to, l, part, e) == 0) {
            return 0;
        }
        if (e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
            return -1;
        }
        if (e->newer) { /* nothing need be wrong with it */
            strlist_take(&r->result->failed, xasprintf("backup %s: %s", l->id, e->text));
            err_clear(e);
            return 0;
        }
        if (reading == 2) {
            return 1;
        }
        err_clear(e);
    }
}

/* A process that dies in between leaves it missing, which heals the same way. */
static int
put_back(const struct repairing *r, const struct label *l, enum label_part part,
         const struct buf *stored, struct err *e)
{
    char *object = label_part_name(l, part);
    char *key = backup_key(l->db, l->id, object);
    int   rc = storage_replace(r->to->st, key, stored->data, stored->len, e);

    free(key);
    free(object);
    return rc;
}

/* The findings of scrubs about it are obsolete. */
static int
strike(const struct repairing *r, const struct label *l, enum label_part part, struct err *e)
{
    struct chunkindex none = {0};
    struct condemned  c;
    struct strlist    objects = {0};
    char             *object = label_part_name(l, part);
    size_t            struck;
    int               rc = condemned_load(r->to, r->db, &c, e);

    strlist_take(&objects, xasprintf("backups/%s/%s", l->id, object));
    if (rc == 0) {
        rc = condemned_strike(r->to, r->db, &c, &none, &objects, &struck, e);
        condemned_free(&c);
    }
    strlist_free(&objects);
    free(object);
    return rc;
}

static int
repair_part(struct repairing *r, const struct label *l, enum label_part part, char **problem,
            struct err *e)
{
    struct buf stored = BUF_INIT(BUF_NO_LIMIT);
    int        bad = is_bad(r, l, part, e);
    int        rc = 0;

    if (bad <= 0) {
        return bad;
    }
    if (from_mirror(r, l, part, &stored) ||
        (part == LABEL_CHUNKS ? list_from_manifest(r, l, &stored)
                              : manifest_from_copy(r, l, &stored))) {
        err_clear(e);
        rc = put_back(r, l, part, &stored, e) != 0 || strike(r, l, part, e) != 0 ? -1 : 0;
        r->result->lists += rc == 0;
    } else {
        free(*problem);
        *problem = xstrdup(e->text);
        err_clear(e);
    }
    buf_free(&stored);
    return rc;
}

int
repair_lists_bad(struct repairing *r, const struct label *l, struct err *e)
{
    int bad = is_bad(r, l, LABEL_CHUNKS, e);

    if (bad == 0) {
        bad = is_bad(r, l, LABEL_MANIFEST, e);
    }
    if (bad > 0) {
        err_clear(e);
    }
    return bad;
}

int
repair_lists(struct repairing *r, const struct label *l, char **problem, struct err *e)
{
    *problem = NULL;
    return repair_part(r, l, LABEL_CHUNKS, problem, e) != 0 ||
            repair_part(r, l, LABEL_MANIFEST, problem, e) != 0
        ? -1
        : 0;
}
