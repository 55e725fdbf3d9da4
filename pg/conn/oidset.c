#include "pg/conn/oidset.h"

#include <stdlib.h>

#include "core/mem.h"

void
oid_set_add(struct oid_set *s, uint32_t oid)
{
    VEC_GROW(s->v, s->n, s->cap);
    s->v[s->n++] = oid;
    s->sorted = false;
}

void
oid_set_add_column(struct oid_set *s, const PGresult *r, int column)
{
    for (int i = 0; i < PQntuples(r); i++) {
        oid_set_add(s, (uint32_t)strtoul(PQgetvalue(r, i, column), NULL, 10));
    }
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

void
oid_set_sort(struct oid_set *s)
{
    if (!s->sorted && s->n > 0) {
        qsort(s->v, s->n, sizeof *s->v, by_number);
        s->sorted = true;
    }
}

bool
oid_set_has(struct oid_set *s, uint32_t oid)
{
    if (s->n == 0) {
        return false;
    }
    oid_set_sort(s);
    return bsearch(&oid, s->v, s->n, sizeof *s->v, by_number) != NULL;
}

void
oid_set_free(struct oid_set *s)
{
    free(s->v);
    *s = (struct oid_set){0};
}
