#include "verify/chunkset.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* So many additions at least gather before they are sorted in. */
enum { LOOSE_MAX = 4096 };

static int
by_name(const void *a, const void *b)
{
    const struct chunkset_item *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* Two sizes under one name cannot both be true: both stay, and the wrong one is found when it is
 * hashed. */
static int
same(const struct chunkset_item *a, const struct chunkset_item *b)
{
    return strcmp(a->name, b->name) == 0 && a->size == b->size && a->raw_size == b->raw_size;
}

void
chunkset_finish(struct chunkset *s)
{
    size_t kept = 0;

    if (s->n == 0)
        return;
    qsort(s->v, s->n, sizeof *s->v, by_name);
    for (size_t i = 0; i < s->n; i++) {
        if (kept > 0 && same(&s->v[kept - 1], &s->v[i])) {
            free(s->v[i].name);
            continue;
        }
        s->v[kept++] = s->v[i];
    }
    s->n = s->n_sorted = kept;
}

void
chunkset_add(struct chunkset *s, const char *name, uint64_t size, uint64_t raw_size)
{
    struct chunkset_item  one = {.name = xstrdup(name), .size = size, .raw_size = raw_size};
    struct chunkset_item *found = NULL;

    if (s->n_sorted > 0)
        found = bsearch(&one, s->v, s->n_sorted, sizeof *s->v, by_name);
    if (found != NULL && same(found, &one)) {
        free(one.name);
        return;
    }
    VEC_GROW(s->v, s->n, s->cap);
    s->v[s->n++] = one;
    /* Sorting when the loose ones double the set keeps the whole at n log n. */
    if (s->n - s->n_sorted > LOOSE_MAX && s->n - s->n_sorted > s->n_sorted)
        chunkset_finish(s);
}

uint64_t
chunkset_bytes(const struct chunkset *s)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s->n; i++)
        sum += s->v[i].size;
    return sum;
}

void
chunkset_free(struct chunkset *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->v[i].name);
    free(s->v);
    *s = (struct chunkset){0};
}
