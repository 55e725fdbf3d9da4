#include "pg/archive/apart.h"

#include <stdlib.h>

#include "core/groups.h"
#include "pg/archive/entry_ids.h"

struct apart {
    const struct archive              *archive;
    const struct archive_entry *const *v;
    size_t                            *group; /* of v: its number, or 0 before all are known */
    size_t                            *at; /* of an archive's entry: its place in v + 1; 0: none */
    struct entry_ids                   ids;
    struct groups                      groups; /* of v */
};

static bool
is_easy(const struct archive_entry *entry)
{
    static const char *const easy[] = {"TABLE",   "SEQUENCE", "SEQUENCE OWNED BY",
                                       "DEFAULT", "COMMENT",  NULL};

    return entry_is(entry, easy);
}

static size_t
first_table(const struct archive_entry *const *v, size_t n)
{
    static const char *const table[] = {"TABLE", NULL};
    size_t                   i = 0;

    while (i < n && !entry_is(v[i], table)) {
        i++;
    }
    return i;
}

/* The place in v of what an entry depends on; n: it is not there. */
static size_t
place(const struct apart *a, int dump_id, size_t n)
{
    const struct archive_entry *other = entry_ids_find(&a->ids, dump_id);
    size_t                      at = other == NULL ? 0 : a->at[other - a->archive->v];

    return at == 0 ? n : at - 1;
}

/* An entry joins the groups of what it needs.  False: that comes afterwards, and so does it.  What
 * stands behind it can be no condition. */
static bool
join(struct apart *a, size_t i)
{
    const struct archive_entry *entry = a->v[i];

    for (size_t k = 0; k < entry->n_depends; k++) {
        size_t j = place(a, entry->depends[k], i);

        if (j < i && a->group[j] == APART_AFTER) {
            return false;
        }
    }
    for (size_t k = 0; k < entry->n_depends; k++) {
        size_t j = place(a, entry->depends[k], i);

        if (j < i && a->group[j] != APART_BEFORE) {
            groups_join(&a->groups, i, j);
        }
    }
    return true;
}

/* A first entry numbers its group. */
static size_t
number(struct apart *a, size_t n)
{
    size_t numbers = 0;

    for (size_t i = 0; i < n; i++) {
        if (a->group[i] < n) {
            size_t first = groups_first(&a->groups, i);

            a->group[i] = first == i ? numbers++ : a->group[first];
        }
    }
    return numbers;
}

size_t
entries_apart(const struct archive *archive, const struct archive_entry *const *v, size_t n,
              size_t *group)
{
    const size_t first = first_table(v, n);
    struct apart a = {.archive = archive,
                      .v = v,
                      .group = group,
                      .at = xcalloc(archive->n + 1, sizeof *a.at),
                      .ids = entry_ids_new(archive),
                      .groups = groups_new(n)};
    size_t       numbers;

    for (size_t i = 0; i < n; i++) {
        a.at[v[i] - archive->v] = i + 1;
        if (i < first) {
            group[i] = APART_BEFORE;
        } else {
            group[i] = is_easy(v[i]) && join(&a, i) ? 0 : APART_AFTER;
        }
    }
    numbers = number(&a, n);
    groups_free(&a.groups);
    entry_ids_free(&a.ids);
    free(a.at);
    return numbers;
}
