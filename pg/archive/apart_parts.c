#include "pg/archive/apart_parts.h"

#include <stdlib.h>

#include "core/groups.h"
#include "core/mem.h"
#include "pg/archive/apart.h"

/* PART_ENTRIES: of a part.  WORTH_IT: fewer are made before another session is. */
enum { PART_ENTRIES = 64, WORTH_IT = 4 * PART_ENTRIES };

static bool
worth_it(const size_t *group, size_t n, size_t n_groups, size_t parts)
{
    size_t in_groups = 0;

    for (size_t i = 0; i < n; i++) {
        in_groups += group[i] < n_groups;
    }
    return parts > 1 && in_groups >= WORTH_IT;
}

struct apart_parts
apart_parts_cut(const struct archive *archive, const struct entry_list *l, int sessions)
{
    struct apart_parts p = {0};
    size_t            *group = xcalloc(l->n + 1, sizeof *group);
    size_t             n_groups = entries_apart(archive, l->v, l->n, group);
    size_t            *part_of = groups_share(group, l->n, n_groups, PART_ENTRIES, &p.n);

    if (sessions < 2 || !worth_it(group, l->n, n_groups, p.n)) {
        p.n = 0;
        entry_list_add_all(&p.before, l);
        goto out;
    }
    p.v = xcalloc(p.n, sizeof *p.v);
    for (size_t i = 0; i < l->n; i++) {
        entry_list_add(group[i] < n_groups            ? &p.v[part_of[group[i]]].entries
                           : group[i] == APART_BEFORE ? &p.before
                                                      : &p.after,
                       l->v[i]);
    }
out:
    free(part_of);
    free(group);
    return p;
}

void
apart_parts_take_back(struct apart_parts *p)
{
    for (size_t i = 0; i < p->n; i++) {
        entry_list_add_all(&p->after, &p->v[i].early);
    }
    entry_list_sort(&p->after);
}

void
apart_parts_free(struct apart_parts *p)
{
    for (size_t i = 0; i < p->n; i++) {
        entry_list_free(&p->v[i].entries);
        entry_list_free(&p->v[i].early);
    }
    free(p->v);
    entry_list_free(&p->before);
    entry_list_free(&p->after);
}
