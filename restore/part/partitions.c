#include "restore/part/partitions.h"

#include <stdint.h>
#include <string.h>

static const char *const attach[] = {"TABLE ATTACH", NULL};
static const char *const tables[] = {"TABLE", "FOREIGN TABLE", NULL};

static bool
same_name(const struct archive_entry *a, const struct archive_entry *b)
{
    return a->schema != NULL && b->schema != NULL && strcmp(a->schema, b->schema) == 0 &&
        strcmp(a->tag, b->tag) == 0;
}

/* Parsed only if it may be one. */
static bool
says(const struct archive_entry *entry, const char *words)
{
    return strstr(entry->sql, words) != NULL && entry_has_words(entry, words);
}

/* Among the entry's dependencies, the table of its own name, and the partitioned one. */
static void
find(const struct archive *a, const struct entry_ids *ids, const struct archive_entry *entry,
     size_t *partition, size_t *parent)
{
    *partition = *parent = SIZE_MAX;
    for (size_t i = 0; i < entry->n_depends; i++) {
        const struct archive_entry *on = entry_ids_find(ids, entry->depends[i]);

        if (on != NULL && entry_is(on, tables) && same_name(on, entry)) {
            *partition = (size_t)(on - a->v);
        } else if (on != NULL && entry_is(on, tables) && says(on, "PARTITION BY")) {
            *parent = (size_t)(on - a->v);
        }
    }
}

size_t *
partitions_parents(const struct archive *a, const struct entry_ids *ids)
{
    size_t *parents = xcalloc(a->n + 1, sizeof *parents);

    memset(parents, 0xff, (a->n + 1) * sizeof *parents);
    for (size_t i = 0; i < a->n; i++) {
        const struct archive_entry *entry = &a->v[i];
        size_t                      partition, parent;

        if (entry_is(entry, attach)) {
            find(a, ids, entry, &partition, &parent);
            parents[partition == SIZE_MAX ? a->n : partition] = parent;
        } else if (entry_is(entry, tables) && says(entry, "ATTACH PARTITION")) {
            find(a, ids, entry, &partition, &parent);
            parents[i] = parent;
        }
    }
    return parents;
}
