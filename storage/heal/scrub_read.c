/*
 * scrub_read.c - the scrub's threads: each object is read, hashed and decoded; what is bad is read
 * again.
 *
 * An object that is bad or missing twice gets an entry in s->bad.  Others of the same content
 * (twins: same id, another name) are then searched and checked too: if one is good, readers use it
 * and nothing is lost; if one is bad, it is noted as well, so that it is not taken for good.
 *
 * Threads finish in any order, and only what is read without a gap from the beginning counts as
 * done: item[i]->used says that i is read.  Once a minute the calling thread records this progress,
 * unless something bad was found that is not condemned yet: the next scrub must read that again.
 */
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/enc.h"
#include "core/human.h"
#include "core/pool.h"
#include "core/progress.h"
#include "storage/heal/scrub_impl.h"
#include "storage/read/reader.h"

static const double CHECKPOINT_SECONDS = 60;

struct hands { /* one thread's */
    struct codec *codec;
    struct buf    scratch, out;
};

struct reading {
    struct scrub *scrub;
    struct hands *hands;
    double        remembered;
};

/* 0 good, 1 bad at two readings, -1 could not be read. */
static int
check_twice(struct scrub *s, struct hands *h, const struct chunk_ref *line, struct err *why)
{
    int is = chunk_check(s->repo, s->db, line, h->codec, &h->scratch, &h->out, why);

    return is == 1 ? chunk_check_anew(s->repo, s->db, line, h->codec, &h->scratch, &h->out, why)
                   : is;
}

static void
add_bad(struct scrub *s, const struct chunk_name *name, const struct bad_object *bad)
{
    size_t n;

    (void)pthread_mutex_lock(&s->work->lock);
    n = s->bad_names.n;
    if (chunkindex_trust_name(&s->bad_names, name)) {
        VEC_GROW(s->bad, n, s->cap_bad);
        s->bad[n] = *bad;
    } else {
        free(bad->problem);
    }
    (void)pthread_mutex_unlock(&s->work->lock);
}

/* ---- others with the same content ---- */

struct twins {
    struct scrub           *scrub;
    struct hands           *hands;
    const struct chunk_ref *of;
    size_t                  prefix; /* length of "<db>/chunks/" */
    bool                    good;   /* one of them is */
};

static int
check_twin(void *ctx, const struct object_info *info, struct err *e)
{
    struct twins            *t = ctx;
    const struct chunk_name *name = &t->of->name;
    struct chunk_ref         twin = {.size = info->size, .raw_size = t->of->raw_size};
    struct err               why = ERR_INIT;
    int                      is;

    if (chunk_name_parse(info->key + t->prefix, &twin.name) != 0 ||
        memcmp(twin.name.id, name->id, sizeof name->id) != 0 ||
        chunk_name_equal(&twin.name, name)) {
        return 0;
    }
    is = check_twice(t->scrub, t->hands, &twin, &why);
    if (is < 0) {
        *e = why;
        return -1;
    }
    t->good |= is == 0;
    if (is == 1) {
        add_bad(t->scrub, &twin.name,
                &(struct bad_object){.spare = true, .problem = xstrdup(why.text)});
    }
    return 0;
}

static int
check_twins(struct scrub *s, struct hands *h, const struct chunk_ref *ref, bool *good,
            struct err *e)
{
    struct twins t = {.scrub = s, .hands = h, .of = ref};
    char        *enc = name_encode(s->db);
    char        *prefix = xasprintf("%s/chunks/%u/%02x/", enc, ref->name.epoch, ref->name.id[0]);
    int          rc;

    t.prefix = strlen(enc) + strlen("/chunks/");
    rc = storage_list(s->repo->st, prefix, check_twin, &t, e);
    *good = t.good;
    free(prefix);
    free(enc);
    return rc;
}

/* ---- one object ---- */

static bool
time_is_up(const struct scrub *s)
{
    const struct scrub_work *w = s->work;

    /* The first is always read, so that every scrub makes progress. */
    return w->request->deadline > 0 && clock_seconds() >= w->request->deadline &&
        (s->objects > 0 || w->item[0]->used);
}

static void
finished(struct scrub *s, struct chunkindex_entry *k, bool good)
{
    struct scrub_work *w = s->work;

    (void)pthread_mutex_lock(&w->lock);
    k->used = true;
    s->objects++;
    s->bytes += k->ref.size;
    if (good && condemned_has(&w->condemned, &k->ref.name)) {
        (void)chunkindex_trust(&w->acquitted, &k->ref);
    }
    (void)pthread_mutex_unlock(&w->lock);
    progress_add(k->ref.size);
}

static int
check_one(void *ctx, void *task, int worker, struct err *e)
{
    struct reading          *r = ctx;
    struct scrub            *s = r->scrub;
    struct hands            *h = &r->hands[worker];
    struct chunkindex_entry *k = *(struct chunkindex_entry **)task;
    char                     name[CHUNK_NAME_MAX];
    struct err               why = ERR_INIT;
    bool                     healed = false;
    bool                     late;
    int                      is;

    (void)pthread_mutex_lock(&s->work->lock);
    late = time_is_up(s);
    if (late) {
        s->end = SCRUB_TIME;
    }
    (void)pthread_mutex_unlock(&s->work->lock);
    if (late || cancel_check(e) != 0) {
        return late ? 0 : -1;
    }
    is = check_twice(s, h, &k->ref, &why);
    if (is < 0 || (is == 1 && check_twins(s, h, &k->ref, &healed, &why) != 0)) {
        *e = why;
        return err_wrap(e, "could not read chunk \"%s\"", chunk_name_format(&k->ref.name, name));
    }
    if (is == 1) {
        add_bad(s, &k->ref.name,
                &(struct bad_object){.missing = why.kind == ERR_NOT_FOUND,
                                     .healed = healed,
                                     .problem = xstrdup(why.text)});
    }
    finished(s, k, is == 0);
    return 0;
}

/* ---- all of them ---- */

static size_t
done_from_the_beginning(struct scrub *s)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&s->work->lock);
    while (n < s->work->n_items && s->work->item[n]->used) {
        n++;
    }
    (void)pthread_mutex_unlock(&s->work->lock);
    return n;
}

/* SIGKILL loses the progress since the last record.  Nothing beyond a bad object is recorded before
 * that is condemned. */
static int
checkpoint(void *ctx, struct err *e)
{
    struct reading    *r = ctx;
    struct scrub_work *w = r->scrub->work;
    size_t             done;
    bool               settled;

    (void)e;
    if (clock_seconds() - r->remembered < CHECKPOINT_SECONDS) {
        return 0;
    }
    r->remembered = clock_seconds();
    done = done_from_the_beginning(r->scrub);
    (void)pthread_mutex_lock(&w->lock);
    settled = r->scrub->bad_names.n == w->settled;
    (void)pthread_mutex_unlock(&w->lock);
    if (done > 0 && done < w->n_items && settled) {
        scrub_remember(r->scrub, usedchunks_position(w->item[done]->ref.name.id));
    }
    return 0;
}

int
scrub_read(struct scrub *s, size_t *done, struct err *e)
{
    struct scrub_work *w = s->work;
    int                jobs = w->request->jobs;
    struct reading     r = {.scrub = s, .remembered = clock_seconds()};
    struct pool       *pool = pool_new(jobs, check_one, &r);
    int                rc;

    r.hands = xcalloc((size_t)jobs, sizeof *r.hands);
    for (int i = 0; i < jobs; i++) {
        r.hands[i] = (struct hands){codec_new(CODEC_DEFAULT), BUF_INIT(CHUNK_STORED_MAX),
                                    BUF_INIT(CHUNK_RAW_MAX)};
    }
    for (size_t i = 0; i < w->n_items; i++) {
        pool_add(pool, &w->item[i], 0);
    }
    rc = pool_wait(pool, checkpoint, 1000, e);
    pool_free(pool);
    for (int i = 0; i < jobs; i++) {
        codec_free(r.hands[i].codec);
        buf_free(&r.hands[i].scratch);
        buf_free(&r.hands[i].out);
    }
    free(r.hands);
    *done = done_from_the_beginning(s);
    return rc;
}
