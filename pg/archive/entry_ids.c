#include "pg/archive/entry_ids.h"

#include <stdlib.h>
#include <string.h>

#include "pg/archive/sqlsplit.h"

static int
by_dump_id(const void *a, const void *b)
{
    int x = (*(const struct archive_entry *const *)a)->dump_id,
        y = (*(const struct archive_entry *const *)b)->dump_id;

    return x < y ? -1 : x > y;
}

struct entry_ids
entry_ids_new(const struct archive *a)
{
    struct entry_ids ids = {.v = xcalloc(a->n + 1, sizeof *ids.v), .n = a->n};

    for (size_t i = 0; i < a->n; i++) {
        ids.v[i] = &a->v[i];
    }
    qsort(ids.v, ids.n, sizeof *ids.v, by_dump_id);
    return ids;
}

void
entry_ids_free(struct entry_ids *ids)
{
    free(ids->v);
    *ids = (struct entry_ids){0};
}

const struct archive_entry *
entry_ids_find(const struct entry_ids *ids, int dump_id)
{
    const struct archive_entry   key = {.dump_id = dump_id}, *k = &key;
    const struct archive_entry **found = bsearch(&k, ids->v, ids->n, sizeof *ids->v, by_dump_id);

    return found == NULL ? NULL : *found;
}

bool
entry_is(const struct archive_entry *entry, const char *const *kinds)
{
    for (; *kinds != NULL; kinds++) {
        if (strcmp(entry->desc, *kinds) == 0) {
            return true;
        }
    }
    return false;
}

bool
entry_has_words(const struct archive_entry *entry, const char *words)
{
    struct sql_script script;
    struct err        ignored = ERR_INIT;
    bool              found = false;

    (void)sql_parse(entry->sql, &script, &ignored);
    for (size_t i = 0; !found && i < script.n; i++) {
        found = sql_has_words(sql_cursor(&script.v[i]), words);
    }
    sql_script_free(&script);
    return found;
}
