/*
 * writer_sent.c - is what was sent there?
 *
 * A put() that succeeded is a store's word, and not always the store's: what stands in between may
 * have said it (a driver looks at the shape of an answer, which can be right by chance), or a store
 * may have lost what it took.  So before a label names what this run wrote, and after the label
 * itself, the store is asked, as somebody who wants to restore would ask it.
 *
 * A few chunks are looked at one by one, many in one listing, whichever takes fewer requests.  A
 * listing may be old: what it lacks is looked at by its key before it counts as lost.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "storage/write/writer_impl.h"

enum { PER_PAGE = 1000 }; /* chunks that one request of a listing shows */

int
writer_look(struct writer *w, const char *key, struct object_info *info, struct err *e)
{
    if (storage_head(w->repo->st, key, info, e) == 0) {
        return 0;
    }
    if (e->kind != ERR_NOT_FOUND) {
        return err_wrap(e, "could not see whether \"%s\" is stored", key);
    }
    (void)err_set(e, ERR_IO, "\"%s\" is not there, although the store took it without an error",
                  key);
    return err_hint(e,
                    "\"pgassay storage doctor\" tries what the store does; the next run goes on "
                    "with what is there");
}

int
writer_sent(struct writer *w, const char *key, uint64_t size, struct err *e)
{
    struct object_info info;

    if (writer_look(w, key, &info, e) != 0) {
        return -1;
    }
    return info.size == size
        ? 0
        : err_set(e, ERR_IO, "\"%s\" was stored with %" PRIu64 " bytes, and has %" PRIu64, key,
                  size, info.size);
}

/* What this run wrote, by its place in w->known: has it been seen? */
struct sent {
    struct writer *w;
    bool          *seen;
};

static void
note_seen(void *ctx, const struct chunk_name *name, uint64_t size)
{
    const struct sent *s = ctx;
    size_t             i = chunkindex_find_name(&s->w->known, name);

    if (i != SIZE_MAX && s->w->known.v[i].ref.size == size) {
        s->seen[i] = true;
    }
}

static int
check_chunk(struct writer *w, const struct chunk_ref *ref, struct err *e)
{
    char *key = chunk_key(w->db, &ref->name);
    int   rc = writer_sent(w, key, ref->size, e);

    free(key);
    return rc;
}

int
writer_sent_chunks(struct writer *w, struct err *e)
{
    struct sent s = {.w = w, .seen = xcalloc(w->known.n + 1, sizeof *s.seen)};
    uint64_t    sent = w->stats.new_chunks;
    int         rc = 0;

    if (sent > 1 + (w->listed + sent) / PER_PAGE) {
        rc = writer_list_chunks(w, note_seen, &s, e);
    }
    for (size_t i = 0; rc == 0 && i < w->known.n; i++) {
        const struct chunkindex_entry *k = &w->known.v[i];

        if (k->state == CHUNKINDEX_WRITTEN && !s.seen[i]) {
            rc = check_chunk(w, &k->ref, e);
        }
    }
    free(s.seen);
    return rc;
}
