/*
 * beyond.h - what pg_dump does not carry: changed built-in objects and members of extensions.
 */
#ifndef RESTORE_BEYOND_H
#define RESTORE_BEYOND_H

#include "restore/restore.h"

/* After pre-data and before the rows: generated columns, CHECKs and indexes go by what it brings
 * back.  With --beyond the SQL of the backup's inventory runs, each object in a transaction; what
 * is not as it was after that, or without the option, is named in one warning. */
int beyond_run(struct restore *, struct err *);

#endif
