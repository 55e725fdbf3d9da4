#include "storage/write/batch.h"

#include <stdlib.h>

#include "core/log.h"
#include "core/mem.h"

int
batch_begin(struct batch *b, struct repo *r, const char *db, struct err *e)
{
    return run_mark_begin(&b->hold, r, db, "", e);
}

/* A late renewal is harmless for 72 hours: the next attempt is enough. */
void
batch_tick(struct batch *b)
{
    struct err late = ERR_INIT;

    if (b->hold.stored && run_mark_renew(&b->hold, false, &late) != 0) {
        log_warn("%s", late.text);
    }
}

void
batch_end(struct batch *b)
{
    run_mark_remove(&b->hold);
    run_mark_free(&b->hold);
    chunkindex_free(&b->trusted);
    free(b->listed);
    *b = (struct batch){0};
}

static struct batch_listing *
listing(const struct batch *b, unsigned epoch)
{
    for (size_t i = 0; i < b->n_listed; i++) {
        if (b->listed[i].epoch == epoch) {
            return &b->listed[i];
        }
    }
    return NULL;
}

const struct batch_listing *
batch_listing(const struct batch *b, unsigned epoch)
{
    return listing(b, epoch);
}

int
batch_check(const struct batch *b, struct err *e)
{
    return run_mark_check(&b->hold, e);
}

void
batch_learn(struct batch *b, const struct chunkindex *known, const struct batch_listing *l)
{
    if (!b->hold.stored) {
        return;
    }
    for (size_t i = 0; i < known->n; i++) {
        chunkindex_take(&b->trusted, &known->v[i].ref, known->v[i].state);
    }
    VEC_GROW(b->listed, b->n_listed, b->cap_listed);
    b->listed[b->n_listed++] = *l;
}

void
batch_keep(struct batch *b, const struct chunkindex *known, const struct batch_listing *l)
{
    struct batch_listing *mine = listing(b, l->epoch);

    for (size_t i = 0; i < known->n; i++) {
        if (known->v[i].used) {
            chunkindex_take(&b->trusted, &known->v[i].ref, CHUNKINDEX_REUSABLE);
        }
    }
    if (mine != NULL) {
        mine->chunks = l->chunks;
    }
}

void
batch_list_anew(struct batch *b)
{
    b->n_listed = 0;
}
