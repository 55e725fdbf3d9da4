#include "pg/archive/apart.h"

#include <stdlib.h>

#include "pg/archive/entry_ids.h"

struct apart {
    const struct archive              *archive;
    const struct archive_entry *const *v;
    size_t                            *group; /* of v */
    size_t                            *at; /* of an archive's entry: its place in v + 1; 0: none */
    struct entry_ids                   ids;
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

/* The first entry of a group: each entry leads to one before it (group[] until all are known). */
static size_t
head(size_t *group, size_t i)
{
    while (group[i] != i) {
        group[i] = group[group[i]];
        i = group[i];
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

/* Entry i joins the groups of what it depends on. */
static void
join(struct apart *a, size_t i)
{
    const struct archive_entry *entry = a->v[i];

    a->group[i] = i;
    for (size_t k = 0; k < entry->n_depends; k++) {
        size_t j = place(a, entry->depends[k], i);

        if (j >= i || a->group[j] == APART_BEFORE) {
            continue; /* an entry that comes later can be no condition */
        }
        if (a->group[j] == APART_AFTER) {
            a->group[i] = APART_AFTER;
            return;
        }
    }
    for (size_t k = 0; k < entry->n_depends; k++) {
        size_t j = place(a, entry->depends[k], i), x, y;

        if (j >= i || a->group[j] == APART_BEFORE) {
            continue;
        }
        x = head(a->group, i);
        y = head(a->group, j);
        a->group[x < y ? y : x] = x < y ? x : y;
    }
}

/* Numbers instead of heads: a head comes first in its group. */
static size_t
number(size_t *group, size_t first, size_t n)
{
    size_t groups = 0;

    for (size_t i = first; i < n; i++) {
        if (group[i] < n) {
            group[i] = head(group, i);
        }
    }
    for (size_t i = first; i < n; i++) {
        if (group[i] < n) {
            group[i] = group[i] == i ? groups++ : group[group[i]];
        }
    }
    return groups;
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
                      .ids = entry_ids_new(archive)};

    for (size_t i = 0; i < n; i++) {
        a.at[v[i] - archive->v] = i + 1;
        if (i < first) {
            group[i] = APART_BEFORE;
        } else if (is_easy(v[i])) {
            join(&a, i);
        } else {
            group[i] = APART_AFTER;
        }
    }
    entry_ids_free(&a.ids);
    free(a.at);
    return number(group, first, n);
}
