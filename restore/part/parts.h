/*
 * parts.h - which part of a backup is restored: -t, -T, -n, -N.
 *
 * Objects that match the patterns are *wanted*: restored with rows, indexes, privileges and
 * comments.  Objects that these depend on are *needed*, and restored too: schemas, types,
 * functions, sequences, extensions, the table that a partition belongs to; a table that is only
 * needed is restored without rows.  Everything else is removed from the archive and the manifest,
 * so that the rest of a restore need not know of parts: it reads no other chunks, and needs no
 * other roles or extensions.
 */
#ifndef RESTORE_PART_PARTS_H
#define RESTORE_PART_PARTS_H

#include "restore/job/restore.h"

bool parts_asked(const struct options *);

/* Narrows archive and manifest if requested; restore.needed lists the needed objects.
 * ERR_USAGE: a pattern of -t or -n that matches nothing. */
int parts_select(struct restore *, struct err *);

#endif
