/*
 * small_keys.h - foreign keys between small tables.
 *
 * They are added whole, many in one message: a validation of its own takes longer than reading such
 * tables.  Those that have no table in common, not even by way of others, are added by several
 * workers.
 */
#ifndef RESTORE_LOAD_SMALL_KEYS_H
#define RESTORE_LOAD_SMALL_KEYS_H

#include "pg/archive/entry_ids.h"
#include "restore/job/restore.h"

bool is_small_key(const struct restore *, const struct entry_ids *, const struct archive_entry *);

/* Those that could not be added are put into left: each is to be added by itself, which tells why.
 * -1: the restore cannot go on. */
int small_keys_add(struct restore *, const struct entry_ids *, const struct entry_list *keys,
                   struct entry_list *left, struct err *);

#endif
