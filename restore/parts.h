/*
 * parts.h - which part of a backup is restored: -t, -T, -n, -N.
 *
 * What the patterns ask for is *wanted*: it comes with its rows, indexes, privileges and comments.
 * What that cannot be made without is *needed*, and comes too: schemas, types, functions,
 * sequences, extensions, the table that a partition belongs to; a table that is only needed comes
 * without rows.  Everything else is taken out of the archive and the manifest, so that the rest of
 * a restore knows nothing of parts: it reads no other chunks, and asks for no other roles or
 * extensions.
 */
#ifndef RESTORE_PARTS_H
#define RESTORE_PARTS_H

#include "restore/restore.h"

bool parts_asked(const struct options *);

/* Narrows archive and manifest, when it is asked for; restore.needed has what comes along.
 * ERR_USAGE: a pattern of -t or -n that matches nothing. */
int parts_select(struct restore *, struct err *);

#endif
