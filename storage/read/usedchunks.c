#include "storage/read/usedchunks.h"

#include <stdlib.h>

#include "core/cancel.h"
#include "core/mem.h"
#include "storage/format/backupid.h"
#include "storage/read/parts.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/fetch.h"

uint64_t
usedchunks_position(const uint8_t id[SHA256_BYTES])
{
    uint64_t place = 0;

    for (int i = 0; i < 8; i++) {
        place = place << 8 | id[i];
    }
    return place;
}

bool
usedchunks_slice_holds(const struct usedchunks_slice *s, uint64_t place)
{
    return place - s->first <= s->span;
}

/* The distinct chunks are at most those of the oldest backup plus what each later one wrote;
 * backups that expired since make this too small, which only costs memory. */
uint64_t
usedchunks_span(const struct backup_list *list)
{
    uint64_t chunks = 0;
    uint64_t slices;

    for (size_t i = 0; i < list->n; i++) {
        const struct label *l = list->v[i].label;

        if (l != NULL) {
            chunks += chunks == 0 ? l->chunks : l->new_chunks;
            chunks = chunks < l->chunks ? l->chunks : chunks;
        }
    }
    slices = chunks / USEDCHUNKS_SLICE + 1;
    return slices == 1 ? UINT64_MAX : UINT64_MAX / slices;
}

struct collecting {
    const struct usedchunks_slice *slice;
    struct chunkindex             *set;
};

static int
collect_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct collecting *c = ctx;

    (void)e;
    if (usedchunks_slice_holds(c->slice, usedchunks_position(line->name.id))) {
        (void)chunkindex_trust(c->set, line);
    }
    return 0;
}

/* On a distant store so many lists are read side by side, as long as they are of no great size. */
static size_t
batch(const struct repo *r, const struct backup_list *list, size_t from)
{
    enum { COUNT = 64, BYTES = 32 << 20 };
    uint64_t bytes = 0;
    size_t   to = from;

    do {
        bytes += list->v[to].label == NULL ? 0 : list->v[to].label->chunks_size;
        to++;
    } while (r->st->distant && to < list->n && to - from < COUNT && bytes < BYTES);
    return to - from;
}

static bool
needs_nothing(const struct backup_entry *b)
{
    return b->state == BACKUP_VOID || b->label == NULL;
}

static void
fetch_lists(struct repo *r, const struct backup_entry *v, struct fetch *lists, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct label *l = v[i].label;
        char               *object;

        if (n > 1 && !needs_nothing(&v[i])) {
            object = label_part_name(l, LABEL_CHUNKS);
            lists[i].key = backup_key(l->db, l->id, object);
            lists[i].raw = (struct buf)BUF_INIT((size_t)l->chunks_size + 1);
            free(object);
        }
    }
    fetch_all(r->st, lists, n);
}

static int
collect_some(struct collecting *c, struct repo *r, const struct backup_entry *v, size_t n,
             usedchunks_fault_fn *fault, void *ctx, struct err *e)
{
    struct fetch *lists = xcalloc(n, sizeof *lists);
    int           rc = 0;

    fetch_lists(r, v, lists, n);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (cancel_check(e) != 0) {
            rc = -1;
        } else if (!needs_nothing(&v[i]) &&
                   chunk_list_read_fetched(r, v[i].label,
                                           lists[i].key == NULL ? NULL : &lists[i].raw,
                                           collect_line, c, e) != 0) {
            if ((e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) || fault(ctx, &v[i], e) != 0) {
                rc = -1;
            } else {
                err_clear(e);
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        free(lists[i].key);
        buf_free(&lists[i].raw);
    }
    free(lists);
    return rc;
}

int
usedchunks_collect(struct repo *r, const struct backup_list *list,
                   const struct usedchunks_slice *slice, struct chunkindex *set,
                   usedchunks_fault_fn *fault, void *ctx, struct err *e)
{
    struct collecting c = {slice, set};

    for (size_t i = 0, n; i < list->n; i += n) {
        n = batch(r, list, i);
        if (collect_some(&c, r, &list->v[i], n, fault, ctx, e) != 0) {
            return -1;
        }
    }
    return 0;
}
