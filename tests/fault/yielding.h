/*
 * yielding.h - a store in which every call waits for its turn: real code as actors, one at a time,
 * in an order that a seed decides.  With everything a store and a host may do to them:
 *
 *   - a listing shows each key that changed within the last `stale` seconds as it is or as it was;
 *   - a PUT that succeeded may happen once more, later;
 *   - an actor is killed at one of its calls: that call happens, or not, or later, or (a removal)
 *     in part, and no other call of it happens;
 *   - time passes, for the store and for the hosts, which have the same clock (time(),
 *     clock_gettime(), usleep() and random numbers are replaced for the whole program).
 *
 * Actors are threads; an actor's own threads must not call the store at the same time.
 */
#ifndef TESTS_FAULT_YIELDING_H
#define TESTS_FAULT_YIELDING_H

#include "tests/fault/fixture.h"

#include <pthread.h>
#include <sodium.h>
#include <time.h>

enum { ACTORS_MAX = 16, YIELDING_EPOCH = 1900000000 };

enum actor_state { ACTOR_WORKING, ACTOR_AT_GATE, ACTOR_ASLEEP, ACTOR_ENDED };

struct world;

struct actor {
    struct storage   base; /* what it knows as its store */
    struct world    *world;
    pthread_t        thread;
    pthread_cond_t   turn; /* it is its turn */
    enum actor_state state;
    bool             granted;
    double           wake; /* when asleep */
    unsigned         calls;
    unsigned         kill_at; /* the call during which it dies; 0: none */
    bool             killed;
    void (*body)(struct actor *);
    unsigned   number;
    int        rc; /* what its work came to */
    struct err e;
};

/* How a key was before its last change. */
struct past {
    char    *key;
    double   changed;
    bool     was_there;
    uint64_t size;
    time_t   modified;
};

/* A call that is still on its way. */
struct late {
    char    *key;
    uint8_t *data; /* NULL: a removal */
    size_t   size;
    double   at;
};

struct world {
    pthread_mutex_t lock;
    pthread_cond_t  waiting; /* an actor is, or has ended */
    struct storage *inner;
    uint64_t        random;
    _Atomic double  now;
    double          stale;
    bool            again; /* PUTs may happen again */
    struct actor   *actors[ACTORS_MAX];
    size_t          n_actors;
    struct past    *past;
    size_t          n_past, cap_past;
    struct late    *late;
    size_t          n_late, cap_late;
    void (*check)(struct world *); /* after what may lose something */
};

static struct world               *the_world; /* whose clock runs */
static _Thread_local struct actor *this_actor;

/* ---- chance ---- */

static inline uint64_t
world_random(struct world *w)
{
    /* splitmix64 */
    uint64_t z = w->random += 0x9e3779b97f4a7c15U;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

static inline unsigned
world_pick(struct world *w, unsigned n)
{
    return (unsigned)(world_random(w) % n);
}

/* ---- the program's clock and chance ---- */

static const char *
seeded_name(void)
{
    return "seeded";
}

static uint32_t
seeded_random(void)
{
    return the_world == NULL ? 0 : (uint32_t)world_random(the_world);
}

static void
seeded_buf(void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)p)[i] = (uint8_t)seeded_random();
    }
}

static inline void
yielding_init(void)
{
    static randombytes_implementation seeded = {
        .implementation_name = seeded_name, .random = seeded_random, .buf = seeded_buf};

    assert_int_equal(randombytes_set_implementation(&seeded), 0);
    assert_true(sodium_init() >= 0);
}

time_t
time(time_t *out)
{
    time_t t = YIELDING_EPOCH + (the_world == NULL ? 0 : (time_t)the_world->now);

    if (out != NULL) {
        *out = t;
    }
    return t;
}

int
clock_gettime(clockid_t id, struct timespec *out)
{
    double now = the_world == NULL ? 0 : the_world->now;

    (void)id;
    out->tv_sec = YIELDING_EPOCH + (time_t)now;
    out->tv_nsec = (long)((now - (double)(time_t)now) * 1e9);
    return 0;
}

static inline void
world_wait_for_turn(struct actor *a, enum actor_state state)
{
    struct world *w = a->world;

    (void)pthread_mutex_lock(&w->lock);
    a->state = state;
    a->granted = false;
    (void)pthread_cond_signal(&w->waiting);
    while (!a->granted) {
        (void)pthread_cond_wait(&a->turn, &w->lock);
    }
    a->state = ACTOR_WORKING;
    (void)pthread_mutex_unlock(&w->lock);
}

int
usleep(useconds_t us)
{
    struct actor *a = this_actor;

    if (a != NULL && !a->killed) {
        a->wake = a->world->now + us / 1e6;
        world_wait_for_turn(a, ACTOR_ASLEEP);
    } else if (the_world != NULL) {
        the_world->now = the_world->now + us / 1e6;
    }
    return 0;
}

unsigned
sleep(unsigned seconds)
{
    (void)usleep(1000000 * seconds);
    return 0;
}

/* ---- the store ---- */

static inline void
world_note(struct world *w, const char *key)
{
    struct object_info info = {0};
    struct err         e = ERR_INIT;
    bool               there = storage_head(w->inner, key, &info, &e) == 0;
    size_t             i;

    for (i = 0; i < w->n_past && strcmp(w->past[i].key, key) != 0; i++) {
    }
    if (i == w->n_past) {
        VEC_GROW(w->past, w->n_past, w->cap_past);
        w->past[w->n_past++] = (struct past){.key = xstrdup(key)};
    }
    w->past[i] = (struct past){w->past[i].key, w->now, there, info.size, info.modified};
}

static inline int
world_put(struct world *w, const char *key, const void *data, size_t size, struct err *e)
{
    struct object_info info;
    struct err         none = ERR_INIT;

    if (storage_head(w->inner, key, &info, &none) != 0) {
        world_note(w, key);
    }
    return storage_put(w->inner, key, data, size, e);
}

static inline void
world_remove(struct world *w, const char *key)
{
    struct object_info info;
    struct err         none = ERR_INIT;

    if (storage_head(w->inner, key, &info, &none) == 0) {
        world_note(w, key);
        assert_int_equal(storage_remove(w->inner, &key, 1, &none), 0);
    }
}

static inline void
world_later(struct world *w, const char *key, const struct blob *blob)
{
    struct late l = {.key = xstrdup(key),
                     .at = w->now + world_pick(w, world_pick(w, 2) == 0 ? 60 : 7200)};

    if (blob != NULL) {
        l.data = xmalloc(blob->size + 1);
        memcpy(l.data, blob->data, blob->size);
        l.size = blob->size;
    }
    VEC_GROW(w->late, w->n_late, w->cap_late);
    w->late[w->n_late++] = l;
}

static inline void
world_arrivals(struct world *w)
{
    for (size_t i = 0; i < w->n_late;) {
        struct late l = w->late[i];
        struct err  none = ERR_INIT;

        if (l.at > w->now) {
            i++;
            continue;
        }
        if (l.data != NULL) {
            (void)world_put(w, l.key, l.data, l.size, &none);
        } else {
            world_remove(w, l.key);
        }
        free(l.key);
        free(l.data);
        w->late[i] = w->late[--w->n_late];
        if (w->check != NULL) {
            w->check(w);
        }
    }
}

/* What becomes of a call.  DEAD: it is not even made. */
enum fate { HAPPENS, NEVER, LATER, DEAD };

static inline enum fate
world_gate(struct storage *st, struct err *e)
{
    struct actor *a = (struct actor *)st;

    static const enum fate last[] = {HAPPENS, NEVER, LATER};

    if (a->killed) {
        err_set(e, ERR_IO, "killed");
        return DEAD;
    }
    world_wait_for_turn(a, ACTOR_AT_GATE);
    a->calls++;
    a->killed = a->calls == a->kill_at;
    return a->killed ? last[world_pick(a->world, 3)] : HAPPENS;
}

static inline int
actor_answer(const struct storage *st, int rc, struct err *e)
{
    return ((const struct actor *)st)->killed ? err_set(e, ERR_IO, "killed") : rc;
}

static int
yielding_put(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    struct world *w = ((struct actor *)st)->world;
    enum fate     fate = world_gate(st, e);
    int           rc = -1;

    if (fate == HAPPENS) {
        rc = world_put(w, key, blob->data, blob->size, e);
        if (rc == 0 && w->again && world_pick(w, 8) == 0) {
            world_later(w, key, blob);
        }
        if (w->check != NULL && strstr(key, "label.json") != NULL) {
            w->check(w);
        }
    } else if (fate == LATER) {
        world_later(w, key, blob);
    }
    return fate == DEAD ? -1 : actor_answer(st, rc, e);
}

static int
yielding_get(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    return world_gate(st, e) == DEAD
        ? -1
        : actor_answer(st, storage_get(((struct actor *)st)->world->inner, key, out, e), e);
}

static int
yielding_head(struct storage *st, const char *key, struct object_info *info, struct err *e)
{
    return world_gate(st, e) == DEAD
        ? -1
        : actor_answer(st, storage_head(((struct actor *)st)->world->inner, key, info, e), e);
}

struct shown {
    char    *key;
    uint64_t size;
    time_t   modified;
};

struct showing {
    struct world *world;
    struct shown *v;
    size_t        n, cap;
};

static inline void
showing_add(struct showing *s, const char *key, uint64_t size, time_t modified)
{
    VEC_GROW(s->v, s->n, s->cap);
    s->v[s->n++] = (struct shown){xstrdup(key), size, modified};
}

static inline const struct past *
recent_past(const struct world *w, const char *key)
{
    for (size_t i = 0; i < w->n_past; i++) {
        if (w->now - w->past[i].changed <= w->stale && strcmp(w->past[i].key, key) == 0) {
            return &w->past[i];
        }
    }
    return NULL;
}

static int
show_present(void *ctx, const struct object_info *info, struct err *e)
{
    struct showing    *s = ctx;
    const struct past *p = s->world->stale > 0 ? recent_past(s->world, info->key) : NULL;

    (void)e;
    if (p == NULL || p->was_there || world_pick(s->world, 2) == 0) {
        showing_add(s, info->key, info->size, info->modified);
    }
    return 0;
}

static int
compare_shown(const void *a, const void *b)
{
    return strcmp(((const struct shown *)a)->key, ((const struct shown *)b)->key);
}

static int
yielding_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    struct world  *w = ((struct actor *)st)->world;
    struct showing s = {.world = w};
    struct err     none = ERR_INIT;
    int            rc = 0;

    if (world_gate(st, e) == DEAD) {
        return -1;
    }
    (void)storage_list(w->inner, prefix, show_present, &s, &none);
    for (size_t i = 0; w->stale > 0 && i < w->n_past; i++) {
        const struct past *p = &w->past[i];
        struct object_info info;

        if (p->was_there && w->now - p->changed <= w->stale &&
            strncmp(p->key, prefix, strlen(prefix)) == 0 &&
            storage_head(w->inner, p->key, &info, &none) != 0 && world_pick(w, 2) == 0) {
            showing_add(&s, p->key, p->size, p->modified);
        }
    }
    if (s.n > 1) {
        qsort(s.v, s.n, sizeof *s.v, compare_shown);
    }
    for (size_t i = 0; i < s.n; i++) {
        struct object_info info = {
            .key = s.v[i].key, .size = s.v[i].size, .modified = s.v[i].modified};

        if (rc == 0) {
            rc = fn(ctx, &info, e);
        }
        free(s.v[i].key);
    }
    free(s.v);
    return actor_answer(st, rc, e);
}

struct dirs_of {
    size_t           prefix;
    char             last[256];
    storage_dirs_fn *fn;
    void            *ctx;
};

static int
show_dir(void *ctx, const struct object_info *info, struct err *e)
{
    struct dirs_of *d = ctx;
    const char     *name = info->key + d->prefix;
    size_t          n = strcspn(name, "/");

    if (name[n] == '\0' || n >= sizeof d->last ||
        (strlen(d->last) == n && strncmp(d->last, name, n) == 0)) {
        return 0;
    }
    memcpy(d->last, name, n);
    d->last[n] = '\0';
    return d->fn(d->ctx, d->last, e);
}

static int
yielding_dirs(struct storage *st, const char *prefix, storage_dirs_fn *fn, void *ctx, struct err *e)
{
    struct dirs_of d = {.prefix = strlen(prefix), .fn = fn, .ctx = ctx};

    return yielding_list(st, prefix, show_dir, &d, e);
}

static int
yielding_remove(struct storage *st, const char *const *keys, size_t n, struct err *e)
{
    struct world *w = ((struct actor *)st)->world;
    enum fate     fate = world_gate(st, e);

    if (fate == DEAD) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        bool part = ((struct actor *)st)->killed && world_pick(w, 2) == 0;

        if (fate == LATER) {
            world_later(w, keys[i], NULL);
        } else if (fate == HAPPENS && !part) {
            world_remove(w, keys[i]);
        }
    }
    if (w->check != NULL) {
        w->check(w);
    }
    return actor_answer(st, 0, e);
}

static void
yielding_close(struct storage *st)
{
    (void)st; /* the world's */
}

static const struct storage_ops yielding_ops = {
    .scheme = "yielding",
    .put = yielding_put,
    .get = yielding_get,
    .head = yielding_head,
    .list = yielding_list,
    .dirs = yielding_dirs,
    .remove = yielding_remove,
    .close = yielding_close,
};

/* ---- actors ---- */

static void *
actor_run(void *arg)
{
    struct actor *a = arg;

    this_actor = a;
    world_wait_for_turn(a, ACTOR_AT_GATE);
    a->body(a);
    (void)pthread_mutex_lock(&a->world->lock);
    a->state = ACTOR_ENDED;
    (void)pthread_cond_signal(&a->world->waiting);
    (void)pthread_mutex_unlock(&a->world->lock);
    return NULL;
}

static inline struct actor *
world_add(struct world *w, void (*body)(struct actor *), unsigned number, unsigned kill_at)
{
    struct actor *a = xcalloc(1, sizeof *a);

    (void)pthread_cond_init(&a->turn, NULL);
    a->base.ops = &yielding_ops;
    a->base.stale_seconds = (unsigned)w->stale;
    a->world = w;
    a->body = body;
    a->number = number;
    a->kill_at = kill_at;
    w->actors[w->n_actors++] = a;
    assert_int_equal(pthread_create(&a->thread, NULL, actor_run, a), 0);
    return a;
}

/* Whose turn may it be?  NULL: all have ended. */
static inline struct actor *
world_choose(struct world *w)
{
    struct actor *ready[ACTORS_MAX];
    unsigned      n = 0;
    double        next = -1;

    for (size_t i = 0; i < w->n_actors; i++) {
        struct actor *a = w->actors[i];

        if (a->state == ACTOR_AT_GATE || (a->state == ACTOR_ASLEEP && a->wake <= w->now)) {
            ready[n++] = a;
        } else if (a->state == ACTOR_ASLEEP && (next < 0 || a->wake < next)) {
            next = a->wake;
        }
    }
    if (n > 0) {
        return ready[world_pick(w, n)];
    }
    if (next < 0) {
        return NULL;
    }
    w->now = next;
    return world_choose(w);
}

/* Until every actor has ended. */
static inline void
world_run(struct world *w)
{
    struct actor *a;

    for (;;) {
        (void)pthread_mutex_lock(&w->lock);
        for (size_t i = 0; i < w->n_actors; i++) {
            while (w->actors[i]->state == ACTOR_WORKING) {
                (void)pthread_cond_wait(&w->waiting, &w->lock);
            }
        }
        w->now = w->now + world_pick(w, 100) / 100.0;
        world_arrivals(w);
        a = world_choose(w);
        if (a != NULL) {
            a->state = ACTOR_WORKING;
            a->granted = true;
            (void)pthread_cond_signal(&a->turn);
        }
        (void)pthread_mutex_unlock(&w->lock);
        if (a == NULL) {
            break;
        }
    }
    for (size_t i = 0; i < w->n_actors; i++) {
        assert_int_equal(pthread_join(w->actors[i]->thread, NULL), 0);
    }
}

static inline void
world_dismiss(struct world *w)
{
    for (size_t i = 0; i < w->n_actors; i++) {
        (void)pthread_cond_destroy(&w->actors[i]->turn);
        free(w->actors[i]);
    }
    w->n_actors = 0;
}

static inline void
world_free(struct world *w)
{
    world_dismiss(w);
    for (size_t i = 0; i < w->n_past; i++) {
        free(w->past[i].key);
    }
    free(w->past);
    free(w->late);
    storage_close(w->inner);
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->waiting);
}

#endif
