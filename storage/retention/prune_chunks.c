/*
 * prune_chunks.c - the sorted listing of chunks against sorted sets of names.  All objects of one
 * content are adjacent, and are judged together, as a bad or missing chunk protects the others with
 * its content.
 */
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/log.h"
#include "storage/retention/prune_impl.h"

enum { REMOVE_AT_ONCE = 1000 };

/* An object of the listing, and what is known of it. */
struct object {
    char              text[CHUNK_NAME_MAX];
    struct chunk_name name;
    uint64_t          size;
    bool              needed;  /* a label refers to it */
    bool              trashed; /* a trash list names it */
    bool              ready;   /* ... one that may be swept */
};

struct sweep {
    struct prune      *prune;
    size_t             prefix; /* length of "<db>/chunks/" */
    struct chunkspool *refs, *trashed, *ready;
    struct object     *v; /* the objects of one content */
    size_t             n, cap;
    char               content[CHUNK_NAME_MAX]; /* "<epoch>/<aa>/<id>-" */
    bool protected;                             /* a needed one is bad or missing */
    int (*judge)(struct sweep *, const struct object *, struct err *);
    struct chunkspool *out;   /* garbage, or what is kept */
    struct strlist     keys;  /* to be removed */
    uint64_t           bytes; /* of these */
};

static void
add(struct prune_sum *sum, uint64_t bytes)
{
    sum->objects++;
    sum->bytes += bytes;
}

static void
subtract(struct prune_sum *sum, uint64_t bytes)
{
    sum->objects -= sum->objects > 0;
    sum->bytes -= sum->bytes < bytes ? sum->bytes : bytes;
}

/* ---- one content ---- */

/* Compares what labels need of this content with the listing. */
static int
match_refs(struct sweep *s, struct err *e)
{
    struct chunkspool *refs = s->refs;
    size_t             n = strlen(s->content);
    bool               exact;

    if (chunkspool_seek(refs, s->content, &exact, e) != 0) {
        return -1;
    }
    while (!refs->end && strncmp(refs->name, s->content, n) == 0) {
        struct chunk_name name;
        bool              good = false;

        for (size_t i = 0; i < s->n; i++) {
            if (strcmp(s->v[i].text, refs->name) == 0) {
                s->v[i].needed = true;
                good = s->v[i].size == refs->size;
            }
        }
        s->protected |= !good ||
            (chunk_name_parse(refs->name, &name) == 0 &&
             chunkindex_find_name(&s->prune->condemned, &name) != SIZE_MAX);
        if (chunkspool_next(refs, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
match_lists(struct sweep *s, struct object *o, struct err *e)
{
    return chunkspool_seek(s->trashed, o->text, &o->trashed, e) != 0 ||
            (s->ready != NULL && chunkspool_seek(s->ready, o->text, &o->ready, e) != 0)
        ? -1
        : 0;
}

static int
end_content(struct sweep *s, struct err *e)
{
    int rc = s->n == 0 ? 0 : match_refs(s, e);

    for (size_t i = 0; rc == 0 && i < s->n; i++) {
        rc = match_lists(s, &s->v[i], e) != 0 ? -1 : s->judge(s, &s->v[i], e);
    }
    s->n = 0;
    s->protected = false;
    return rc;
}

static int
see_chunk(void *ctx, const struct object_info *info, struct err *e)
{
    struct sweep     *s = ctx;
    const char       *text = info->key + s->prefix;
    struct chunk_name name;
    size_t            n;

    if (chunk_name_parse(text, &name) != 0) {
        s->prune->out->unknown_objects += s->ready == NULL;
        return 0;
    }
    n = strlen(s->content);
    if (s->n > 0 && strncmp(text, s->content, n) != 0 &&
        (end_content(s, e) != 0 || prune_tick(s->prune, e) != 0)) {
        return -1;
    }
    n = strcspn(text, "-") + 1;
    memcpy(s->content, text, n);
    s->content[n] = '\0';
    VEC_GROW(s->v, s->n, s->cap);
    s->v[s->n] = (struct object){.name = name, .size = info->size};
    memcpy(s->v[s->n].text, text, strlen(text) + 1);
    s->n++;
    return 0;
}

static int
go(struct sweep *s, struct err *e)
{
    struct prune *p = s->prune;
    char         *prefix = xasprintf("%s/chunks/", p->enc);
    int           rc = -1;

    s->prefix = strlen(prefix);
    s->refs = chunkspool_union_all(&p->refs, e);
    s->trashed = s->refs == NULL ? NULL : chunkspool_union_all(&p->trashed, e);
    if (s->trashed != NULL && storage_list(p->repo->st, prefix, see_chunk, s, e) == 0 &&
        end_content(s, e) == 0) {
        rc = 0;
    }
    free(s->v);
    free(prefix);
    return rc;
}

/* ---- P2: what nobody needs and no list names ---- */

/* Objects of a run at work are recognised by the run in their names: no label needs them yet. */
static bool
writers_own(const struct prune *p, const struct chunk_name *name)
{
    char                    run[2 * RUN_BYTES + 1];
    const struct run_entry *r;

    hex_encode(name->run, RUN_BYTES, run);
    r = run_list_find(&p->runs, run);
    return r != NULL && prune_live(p, r);
}

static int
judge_garbage(struct sweep *s, const struct object *o, struct err *e)
{
    struct prune_result *out = s->prune->out;

    if (o->needed) {
        add(&out->kept, o->size);
    } else if (o->trashed) {
        add(&out->waiting, o->size);
    } else if (s->protected) {
        out->protected_objects++;
    } else if (!writers_own(s->prune, &o->name)) {
        add(&out->trashed, o->size);
        add(&out->waiting, o->size);
        return chunkspool_add(s->out, o->text, o->size, e);
    }
    return 0;
}

int
prune_find_garbage(struct prune *p, struct chunkspool *garbage, struct err *e)
{
    struct sweep s = {.prune = p, .judge = judge_garbage, .out = garbage};

    return go(&s, e);
}

/* ---- P0's end ---- */

/* A listing that fails half way, in P2, would end the run after labels were removed: it is tried
 * before. */
static int
pass_by(void *ctx, const struct object_info *info, struct err *e)
{
    (void)info;
    return prune_tick(ctx, e);
}

int
prune_try_listing(struct prune *p, struct err *e)
{
    char *prefix = xasprintf("%s/chunks/", p->enc);
    int   rc = p->gone.n == 0 || p->req->dry_run ? 0
                                                 : storage_list(p->repo->st, prefix, pass_by, p, e);

    free(prefix);
    return rc;
}

/* ---- P7 ---- */

/*
 * The same pass as in P2, together with the names of ready lists.  What a ready list names is
 * removed, a thousand keys in a request, unless a label needs it or it is protected; then it is
 * added to s->out, which becomes prune_sweep()'s kept.  A store that refuses (Object Lock) rejects
 * the request as a whole: its keys are then removed one by one, and those that are locked are kept.
 * s->out is a spool and must be written in ascending order, so the keys that come before a kept one
 * are removed before it is added.
 */

static int
keep(struct sweep *s, const char *key, struct err *e)
{
    return chunkspool_add(s->out, key + s->prefix, 0, e);
}

/* One by one, as the store refused some of them. */
static int
remove_single(struct sweep *s, struct err *e)
{
    struct prune *p = s->prune;

    for (size_t i = 0; i < s->keys.n; i++) {
        const char        *key = s->keys.v[i];
        struct object_info info;

        if (storage_remove(p->repo->st, &key, 1, e) == 0) {
            continue;
        }
        if (e->kind != ERR_AUTH) {
            return -1;
        }
        err_clear(e);
        if (storage_head(p->repo->st, key, &info, e) != 0) {
            return -1;
        }
        log_debug("locked: %s", key);
        add(&p->out->locked, info.size);
        subtract(&p->out->swept, info.size);
        add(&p->out->waiting, info.size);
        if (keep(s, key, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
flush(struct sweep *s, struct err *e)
{
    struct prune *p = s->prune;
    int           rc = 0;

    if (s->keys.n > 0 && !p->req->dry_run) {
        p->changed = true;
        rc = prune_tick(p, e) != 0
            ? -1
            : storage_remove(p->repo->st, (const char *const *)s->keys.v, s->keys.n, e);
        if (rc != 0 && e->kind == ERR_AUTH) {
            err_clear(e);
            rc = remove_single(s, e);
        }
    }
    strlist_free(&s->keys);
    return rc;
}

static int
judge_swept(struct sweep *s, const struct object *o, struct err *e)
{
    struct prune_result *out = s->prune->out;

    if (!o->ready) {
        return 0;
    }
    if (o->needed || s->protected) {
        /* keys to be removed sort before it, and may still be kept */
        return flush(s, e) != 0 ? -1 : chunkspool_add(s->out, o->text, 0, e);
    }
    add(&out->swept, o->size);
    subtract(&out->waiting, o->size);
    strlist_take(&s->keys, xasprintf("%s/chunks/%s", s->prune->enc, o->text));
    return s->keys.n < REMOVE_AT_ONCE ? 0 : flush(s, e);
}

int
prune_sweep(struct prune *p, struct chunkspool *kept, struct err *e)
{
    struct sweep s = {.prune = p, .judge = judge_swept, .out = kept};
    int          rc = -1;

    s.ready = chunkspool_union_all(&p->ready, e);
    if (s.ready == NULL) {
        return -1;
    }
    if (s.ready->end) {
        return 0; /* nothing to sweep: no listing */
    }
    if (go(&s, e) == 0 && flush(&s, e) == 0) {
        rc = 0;
    }
    strlist_free(&s.keys);
    return rc;
}
