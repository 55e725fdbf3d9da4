#include "pg/archive/entry_list.h"

#include <stdlib.h>

#include "core/mem.h"

void
entry_list_add(struct entry_list *l, const struct archive_entry *entry)
{
    VEC_GROW(l->v, l->n, l->cap);
    l->v[l->n++] = entry;
}

void
entry_list_add_all(struct entry_list *l, const struct entry_list *more)
{
    for (size_t i = 0; i < more->n; i++) {
        entry_list_add(l, more->v[i]);
    }
}

/* An archive is an array of its entries. */
static int
by_order(const void *a, const void *b)
{
    const struct archive_entry *x = *(const struct archive_entry *const *)a;
    const struct archive_entry *y = *(const struct archive_entry *const *)b;

    return x < y ? -1 : x > y;
}

void
entry_list_sort(struct entry_list *l)
{
    if (l->n > 0) {
        qsort(l->v, l->n, sizeof *l->v, by_order);
    }
}

void
entry_list_free(struct entry_list *l)
{
    free(l->v);
    *l = (struct entry_list){0};
}
