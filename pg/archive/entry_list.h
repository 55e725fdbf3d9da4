/*
 * entry_list.h - a list of an archive's entries, which it borrows.  Zero-initialised is empty.
 */
#ifndef PG_ARCHIVE_ENTRY_LIST_H
#define PG_ARCHIVE_ENTRY_LIST_H

#include "pg/archive/archive.h"

struct entry_list {
    const struct archive_entry **v;
    size_t                       n, cap;
};

void entry_list_add(struct entry_list *, const struct archive_entry *);
void entry_list_add_all(struct entry_list *, const struct entry_list *);
void entry_list_sort(struct entry_list *); /* in the archive's order; entries of one archive */
void entry_list_free(struct entry_list *);

#endif
