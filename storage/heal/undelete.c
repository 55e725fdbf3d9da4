#include "storage/heal/undelete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/contract/versions.h"

enum { BATCH = 1000 };

struct marker {
    char *key, *id;
};

struct markers {
    struct marker *v;
    size_t         n, cap;
};

struct walk {
    const struct undelete_request *request;
    struct undelete_result        *result;
    bool                           labels; /* this time the labels; else all but the labels */
    char                           key[STORAGE_KEY_MAX]; /* at hand */
    bool                           settled;              /* nothing more to be known of it */
    struct markers                 on_top;               /* of it, young enough */
    struct markers                 due;                  /* to be taken away, of all keys so far */
};

static void
add_marker(struct markers *m, const char *key, const char *id)
{
    VEC_GROW(m->v, m->n, m->cap);
    m->v[m->n++] = (struct marker){xstrdup(key), xstrdup(id)};
}

static void
clear_markers(struct markers *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->v[i].key);
        free(m->v[i].id);
    }
    m->n = 0;
}

static void
free_markers(struct markers *m)
{
    clear_markers(m);
    free(m->v);
}

/* The objects of backups, and those that decide about them. */
static bool
is_wanted(const char *key, size_t below)
{
    static const char *const dirs[] = {"chunks/",    "backups/", "pins/",       "accepted/",
                                       "baselines/", "drills/",  "tombstones/", "source"};

    if (below == 0) {
        return true; /* undelete() handles nothing else there */
    }
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        if (strncmp(key + below, dirs[i], strlen(dirs[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* "<db>/backups/<id>/label.json": the id, not ended by a NUL, or NULL. */
static const char *
label_id(const char *key, size_t *n)
{
    const char *end = strrchr(key, '/');
    const char *id = end;

    if (end == NULL || strcmp(end, "/label.json") != 0) {
        return NULL;
    }
    while (id > key && id[-1] != '/') {
        id--;
    }
    *n = (size_t)(end - id);
    return id;
}

static int
flush(struct walk *w, struct err *e)
{
    struct storage        *st = w->request->st;
    struct object_version *v;
    int                    rc = 0;

    if (!w->request->dry_run && w->due.n > 0) {
        v = xcalloc(w->due.n, sizeof *v);
        for (size_t i = 0; i < w->due.n; i++) {
            v[i] = (struct object_version){
                .key = w->due.v[i].key, .id = w->due.v[i].id, .deleted = true};
        }
        rc = st->ops->versions->remove(st, v, w->due.n, e);
        free(v);
    }
    clear_markers(&w->due);
    return rc == 0 && w->request->tick != NULL ? w->request->tick(w->request->ctx, e) : rc;
}

/* Below its recent markers the key has a version with contents: it is recovered. */
static void
revive(struct walk *w)
{
    size_t      n;
    const char *id = label_id(w->key, &n);

    for (size_t i = 0; i < w->on_top.n; i++) {
        add_marker(&w->due, w->on_top.v[i].key, w->on_top.v[i].id);
    }
    w->result->objects++;
    if (id != NULL) {
        strlist_take(&w->result->backups, xstrndup(id, n));
    }
}

static int
see(void *ctx, const struct object_version *v, struct err *e)
{
    struct walk *w = ctx;
    size_t       n;

    if (strcmp(w->key, v->key) != 0) {
        (void)snprintf(w->key, sizeof w->key, "%s", v->key);
        clear_markers(&w->on_top);
        w->settled = !is_wanted(v->key, strlen(w->request->below)) ||
            (label_id(v->key, &n) != NULL) != w->labels;
    }
    if (w->settled) {
        return 0;
    }
    if (v->deleted && v->modified >= w->request->since) {
        add_marker(&w->on_top, v->key, v->id);
        return 0;
    }
    w->settled = true;
    if (!v->deleted && w->on_top.n > 0) {
        revive(w);
    }
    return w->due.n < BATCH ? 0 : flush(w, e);
}

/* labels: these, or all but them. */
static int
bring_back(const struct undelete_request *r, const char *prefix, bool labels,
           struct undelete_result *out, struct err *e)
{
    struct walk w = {.request = r, .result = out, .labels = labels};
    int         rc = storage_versions(r->st, prefix, see, &w, e) != 0 || flush(&w, e) != 0 ? -1 : 0;

    free_markers(&w.on_top);
    free_markers(&w.due);
    return rc;
}

int
undelete(const struct undelete_request *r, struct undelete_result *out, struct err *e)
{
    *out = (struct undelete_result){0};
    if (storage_versions_kept(r->st, e) != 0) {
        return -1;
    }
    if (*r->below == '\0') {
        return bring_back(r, "repo.", false, out, e) != 0 ||
                bring_back(r, "keys.", false, out, e) != 0
            ? -1
            : 0;
    }
    return bring_back(r, r->below, false, out, e) != 0 || bring_back(r, r->below, true, out, e) != 0
        ? -1
        : 0;
}

void
undelete_result_free(struct undelete_result *r)
{
    strlist_free(&r->backups);
}
