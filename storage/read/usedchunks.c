#include "storage/read/usedchunks.h"

#include "core/cancel.h"
#include "storage/read/parts.h"
#include "storage/repo/backuplist.h"

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

int
usedchunks_collect(struct repo *r, const struct backup_list *list,
                   const struct usedchunks_slice *slice, struct chunkindex *set,
                   usedchunks_fault_fn *fault, void *ctx, struct err *e)
{
    struct collecting c = {slice, set};

    for (size_t i = 0; i < list->n; i++) {
        const struct backup_entry *b = &list->v[i];

        if (cancel_check(e) != 0) {
            return -1;
        }
        if (b->state == BACKUP_VOID || b->label == NULL ||
            chunk_list_read(r, b->label, collect_line, &c, e) == 0) {
            continue;
        }
        if ((e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) || fault(ctx, b, e) != 0) {
            return -1;
        }
        err_clear(e);
    }
    return 0;
}
