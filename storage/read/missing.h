/*
 * missing.h - backups that are gone although no prune expired them.
 *
 * There are three witnesses: this host remembers the newest backup that it has seen (lastseen.h),
 * labels name the labels before them (chain.h), and chunks were stored for some backup.  A missing
 * backup is damage: nothing of it may be removed as if it had expired.
 */
#ifndef STORAGE_READ_MISSING_H
#define STORAGE_READ_MISSING_H

#include "core/err.h"
#include "core/mem.h"
#include "storage/repo/backuplist.h"

/* Appends one sentence for each backup that is missing from the list, and one when there is no
 * label at all though chunks are stored that no prune has named as garbage.  Reads tombstones and
 * trash lists, no label and no chunk. */
int missing_find(struct repo *, const char *db, const struct backup_list *,
                 struct strlist *sentences, struct err *);

/* The witness of this backup, of which the list has no label: a clause such as "this host has seen
 * it", allocated; NULL: there is none. */
char *missing_witness(struct repo *, const char *db, const struct backup_list *, const char *id);

#endif
