#include "verify/compare/few.h"

#include <stdlib.h>

static void
keys_of(const struct objectlist_pairs *p, struct strlist *keys)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct listed_object *o = p->v[i].want;

        strlist_take(keys, reference_key(o->kind, o->schema, o->name));
    }
    strlist_sort(keys);
}

static void
list_named(const struct archive *a, const struct strlist *keys, struct objectlist *l)
{
    size_t kept = 0;

    objectlist_of_archive(a, l);
    for (size_t i = 0; i < l->n; i++) {
        char *key = reference_key(l->v[i].kind, l->v[i].schema, l->v[i].name);

        if (strlist_find(keys, key))
            l->v[kept++] = l->v[i];
        free(key);
    }
    l->n = kept;
}

static bool
same_named(const struct archive *a, const struct archive *b, const struct strlist *keys)
{
    struct objectlist       want, have;
    struct objectlist_pairs unequal;
    bool                    same;

    list_named(a, keys, &want);
    list_named(b, keys, &have);
    objectlist_match(&want, &have, &unequal);
    same = unequal.n == 0 && want.n >= keys->n;
    objectlist_pairs_free(&unequal);
    objectlist_free(&want);
    objectlist_free(&have);
    return same;
}

int
few_equal(struct few *f, bool *equal, struct err *e)
{
    struct reference_result want = {0}, live = {0};
    struct strlist          keys = {0};
    bool                    travels = f->live.archive != NULL;
    int                     rc = -1;

    *equal = false;
    keys_of(f->unequal, &keys);
    f->want.only = f->live.only = &keys;
    if (reference_make(&f->want, &want, e) != 0 ||
        (travels && reference_make(&f->live, &live, e) != 0))
        goto out;
    *equal = want.failed.n == 0 && live.failed.n == 0 &&
        same_named(&want.dump, travels ? &live.dump : f->have, &keys);
    rc = 0;
out:
    /* A self-test makes these trips again, on the same server. */
    reference_drop(&f->want);
    if (travels)
        reference_drop(&f->live);
    f->want.only = f->live.only = NULL;
    reference_result_free(&want);
    reference_result_free(&live);
    strlist_free(&keys);
    return rc;
}
