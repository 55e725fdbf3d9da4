/*
 * entry_ids.h - an archive's entries by dump id, as dependencies name them.
 */
#ifndef PG_ARCHIVE_ENTRY_IDS_H
#define PG_ARCHIVE_ENTRY_IDS_H

#include "pg/archive/archive.h"

struct entry_ids {
    const struct archive_entry **v;
    size_t                       n;
};

struct entry_ids entry_ids_new(const struct archive *); /* borrows the entries */
void             entry_ids_free(struct entry_ids *);
/* NULL: the archive has no entry with that id. */
const struct archive_entry *entry_ids_find(const struct entry_ids *, int dump_id);

/* Whether the entry's kind is in a list that NULL ends. */
bool entry_is(const struct archive_entry *, const char *const *kinds);
/* Whether one of its statements has these words, outside of parentheses. */
bool entry_has_words(const struct archive_entry *, const char *words);

#endif
