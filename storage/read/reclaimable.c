#include "storage/read/reclaimable.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "storage/format/chunkname.h"
#include "storage/read/parts.h"
#include "storage/repo/backuplist.h"

/* Its bytes and writer identify an object. */
enum { KEY_BYTES = 16 + RUN_BYTES };

struct used {
    uint8_t  key[KEY_BYTES];
    uint64_t size;
    uint32_t step; /* when the last backup that refers to it is removed */
};

struct users {
    struct used *v;
    size_t       n, cap, sorted; /* number that are sorted and distinct */
    uint32_t     step;           /* of the list being read */
};

static int
by_key(const void *a, const void *b)
{
    const struct used *x = a, *y = b;
    int                c = memcmp(x->key, y->key, KEY_BYTES);

    return c != 0 ? c : (x->step > y->step) - (x->step < y->step);
}

/* Each object once, with its latest step. */
static void
compact(struct users *u)
{
    size_t n = 0;

    if (u->n > 1) {
        qsort(u->v, u->n, sizeof *u->v, by_key);
    }
    for (size_t i = 0; i < u->n; i++) {
        if (n > 0 && memcmp(u->v[n - 1].key, u->v[i].key, KEY_BYTES) == 0) {
            u->v[n - 1] = u->v[i];
        } else {
            u->v[n++] = u->v[i];
        }
    }
    u->n = u->sorted = n;
}

static int
add_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct users *u = ctx;
    struct used  *x;

    (void)e;
    if (u->n == u->cap && u->n > 2 * u->sorted) {
        compact(u);
    }
    VEC_GROW(u->v, u->n, u->cap);
    x = &u->v[u->n++];
    memcpy(x->key, line->name.sha256, KEY_BYTES - RUN_BYTES);
    memcpy(x->key + KEY_BYTES - RUN_BYTES, line->name.run, RUN_BYTES);
    x->size = line->size;
    x->step = u->step;
    return 0;
}

static int
add_backup(struct users *u, struct repo *r, const struct backup_entry *b, uint32_t step,
           struct err *e)
{
    u->step = step;
    if (b->state == BACKUP_VOID) {
        return 0;
    }
    if (b->label != NULL && chunk_list_read(r, b->label, add_line, u, e) == 0) {
        return 0;
    }
    if (b->state == BACKUP_DAMAGED && step != RECLAIMABLE_STAYS &&
        (b->label == NULL || e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND)) {
        err_clear(e);
        return 0;
    }
    return b->label != NULL
        ? -1
        : err_set(e, ERR_CORRUPT, "backup %s is damaged: %s", b->id, b->problem);
}

int
reclaimable(struct repo *r, const struct backup_list *list, const uint32_t *step, uint32_t n_steps,
            uint64_t *freed, struct err *e)
{
    struct users u = {0};
    int          rc = 0;

    memset(freed, 0, n_steps * sizeof *freed);
    for (size_t i = 0; rc == 0 && i < list->n; i++) {
        rc = add_backup(&u, r, &list->v[i], step[i], e);
    }
    compact(&u);
    for (size_t i = 0; i < u.n; i++) {
        if (u.v[i].step != RECLAIMABLE_STAYS) {
            freed[u.v[i].step] += u.v[i].size;
        }
    }
    free(u.v);
    return rc;
}
