#include "verify/stored/deltas.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/cancel.h"
#include "core/mem.h"
#include "core/pool.h"
#include "core/progress.h"
#include "storage/format/chunkusers.h"
#include "storage/read/parts.h"
#include "storage/read/place.h"

struct hands { /* one worker's */
    struct place_reader *reader;
    struct buf           out;
};

struct adding {
    const struct manifest *m;
    struct hands          *hands;
    deltas_bad_fn         *bad;
    void                  *ctx;
    pthread_mutex_t        lock;
};

static void
note_user(void *ctx, uint32_t chunk, const char *what)
{
    (void)chunk;
    if (!strlist_has(ctx, what)) {
        strlist_add(ctx, what);
    }
}

/* Whose rows are in it: those of its list's chunk, which is its own. */
static char *
users_of(const struct manifest *m, const struct manifest_delta *d)
{
    bool          *want = xcalloc(m->n_chunks + 1, sizeof *want);
    struct strlist names = {0};
    char          *text = xstrdup("");

    want[d->sources[d->n - 1].chunk] = true;
    chunkusers_trace(m, want, note_user, &names);
    for (size_t i = 0; i < names.n; i++) {
        char *longer = xasprintf("%s%s%s", text, i > 0 ? ", " : "", names.v[i]);

        free(text);
        text = longer;
    }
    strlist_free(&names);
    free(want);
    return text;
}

static int
add_up(void *ctx, void *delta, int worker, struct err *e)
{
    struct adding               *a = ctx;
    const struct manifest_delta *d = delta;
    struct hands                *h = &a->hands[worker];
    struct err                   why = ERR_INIT;
    uint32_t                     place = MANIFEST_DELTA + (uint32_t)(d - a->m->deltas);
    char                        *users;
    int                          rc;

    if (cancel_check(e) != 0) {
        return -1;
    }
    rc = place_read(h->reader, place, &h->out, &why);
    progress_add(d->raw_size);
    if (rc == 0) {
        return 0;
    }
    users = users_of(a->m, d);
    (void)pthread_mutex_lock(&a->lock);
    rc = a->bad(a->ctx, users, &why, e);
    (void)pthread_mutex_unlock(&a->lock);
    free(users);
    return rc;
}

int
deltas_check(struct repo *r, const struct label *l, int jobs, deltas_bad_fn *bad, void *ctx,
             uint64_t *n, struct err *e)
{
    struct manifest *m = manifest_load(r, l, e);
    struct adding    a = {.m = m, .bad = bad, .ctx = ctx, .lock = PTHREAD_MUTEX_INITIALIZER};
    int              rc;

    if (m == NULL) {
        return -1;
    }
    *n = m->n_deltas;
    a.hands = xcalloc((size_t)jobs, sizeof *a.hands);
    for (int i = 0; i < jobs; i++) {
        a.hands[i] = (struct hands){place_reader_new(r, l->db, m), BUF_INIT(CHUNK_RAW_MAX)};
    }
    for (size_t i = 0; i < m->n_deltas; i++) {
        progress_grow(m->deltas[i].raw_size);
    }
    rc = pool_each(jobs, add_up, &a, m->deltas, sizeof *m->deltas, m->n_deltas, e);
    for (int i = 0; i < jobs; i++) {
        place_reader_free(a.hands[i].reader);
        buf_free(&a.hands[i].out);
    }
    free(a.hands);
    (void)pthread_mutex_destroy(&a.lock);
    manifest_free(m);
    return rc;
}
