/*
 * use_list.h - --use-list: what is restored, as a file says that --list has printed.
 *
 *     ; backup 20261121T021500Z-4f2a of "shop", …    a comment, and which backup it is of
 *     17; table shop.orders: 5,000 rows, 1.2 MB      restored, with its rows
 *     ;18; INDEX shop.orders_at                      not restored
 *
 * Only the number before the first ';' counts: the place of an object among the manifest's, from 1
 * on; 0 is the large objects.  Order means nothing: a restore keeps the archive's, in which what an
 * object needs comes before it.
 */
#ifndef RESTORE_PART_USE_LIST_H
#define RESTORE_PART_USE_LIST_H

#include "restore/job/restore.h"

struct use_list {
    bool *kept;          /* by index in the archive */
    bool  large_objects; /* wanted, too */
};

/* Reads --use-list.  ERR_USAGE: it is of another backup, a line has no number, or nothing is
 * kept. */
int  use_list_read(const struct restore *, struct use_list *, struct err *);
void use_list_free(struct use_list *);

#endif
