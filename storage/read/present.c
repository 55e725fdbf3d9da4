#include "storage/read/present.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/codec.h"
#include "core/enc.h"
#include "storage/format/chunkindex.h"
#include "storage/read/reader.h"
#include "storage/repo/condemned.h"

/* TRIED: reading each of thousands would take as long as the restore; FEW: below, that many small
 * listings are cheaper than one of a large repository. */
enum { TRIED = 16, FEW = 128 };

struct listing {
    struct chunkindex *set;
    size_t             prefix; /* length of "<db>/chunks/" */
};

static int
see(void *ctx, const struct object_info *info, struct err *e)
{
    const struct listing *l = ctx;
    struct chunk_name     name;

    if (chunk_name_parse(info->key + l->prefix, &name) == 0) {
        chunkindex_listed(l->set, &name, info->size);
    }
    return cancel_check(e);
}

/* "<epoch>/<first two digits>/" of each chunk of the set, each once; the whole when they are
 * many. */
static void
folders(const struct chunkindex *set, struct strlist *out)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct chunk_name *name = &set->v[i].ref.name;
        char                    *below = xasprintf("%u/%02x/", name->epoch, name->id[0]);

        if (strlist_has(out, below)) {
            free(below);
            continue;
        }
        strlist_take(out, below);
        if (out->n > FEW) {
            strlist_free(out);
            strlist_add(out, "");
            return;
        }
    }
}

static int
list(struct repo *r, const char *db, struct chunkindex *set, struct err *e)
{
    struct strlist below = {0};
    char          *enc = name_encode(db);
    struct listing l = {.set = set, .prefix = strlen(enc) + strlen("/chunks/")};
    int            rc = 0;

    folders(set, &below);
    for (size_t i = 0; rc == 0 && i < below.n; i++) {
        char *prefix = xasprintf("%s/chunks/%s", enc, below.v[i]);

        rc = storage_list(r->st, prefix, see, &l, e);
        free(prefix);
    }
    strlist_free(&below);
    free(enc);
    return rc;
}

/* Reads what the listing does not vouch for: 1 lost, 0 not. */
static int
try_to_read(struct repo *r, const char *db, const struct chunk_ref *ref, struct present *p,
            struct err *e)
{
    struct codec *codec = codec_new(CODEC_DEFAULT);
    struct buf    stored = BUF_INIT(CHUNK_STORED_MAX), raw = BUF_INIT(CHUNK_RAW_MAX);
    struct err    why = ERR_INIT;
    int           rc = chunk_read(r, db, ref, codec, &stored, &raw, &why);

    if (rc != 0 && why.kind != ERR_CORRUPT && why.kind != ERR_NOT_FOUND) {
        *e = why;
    } else if (rc != 0) {
        rc = 1;
        p->first = p->lost == 0 ? why : p->first;
    }
    buf_free(&raw);
    buf_free(&stored);
    codec_free(codec);
    return rc;
}

static int
judge(struct repo *r, const char *db, const struct manifest *m, const struct chunkindex *set,
      const struct condemned *bad, bool *chunks, struct present *p, struct err *e)
{
    for (size_t i = 0; i < m->n_chunks; i++) {
        const struct chunk_ref *ref = &m->chunks[i];
        size_t                  at = chunks[i] ? chunkindex_find_name(set, &ref->name) : SIZE_MAX;
        int                     rc;

        if (at == SIZE_MAX ||
            (set->v[at].state == CHUNKINDEX_REUSABLE && !condemned_has(bad, &ref->name))) {
            chunks[i] = false;
            continue;
        }
        rc = p->lost >= TRIED ? 1 : try_to_read(r, db, ref, p, e);
        if (rc < 0 || cancel_check(e) != 0) {
            return -1;
        }
        chunks[i] = rc == 1;
        p->lost += (size_t)rc;
    }
    return 0;
}

int
present_look(struct repo *r, const char *db, const struct manifest *m, bool *chunks,
             struct present *p, struct err *e)
{
    struct chunkindex set = {0};
    struct condemned  bad = {0};
    int               rc;

    *p = (struct present){.first = ERR_INIT};
    for (size_t i = 0; i < m->n_chunks; i++) {
        if (chunks[i]) {
            (void)chunkindex_trust(&set, &m->chunks[i]);
        }
    }
    rc = set.n == 0 ? 0 : list(r, db, &set, e);
    if (rc == 0 && set.n > 0) {
        rc = condemned_load(r, db, &bad, e);
    }
    if (rc == 0) {
        rc = judge(r, db, m, &set, &bad, chunks, p, e);
    }
    condemned_free(&bad);
    chunkindex_free(&set);
    return rc == 0 ? 0 : err_wrap(e, "looking for the chunks of \"%s\"", db);
}
