/*
 * beyond.h - what pg_dump does not carry: changed built-in objects and members of extensions.
 */
#ifndef RESTORE_BEYOND_H
#define RESTORE_BEYOND_H

#include "restore/job/restore.h"

/* After pre-data and before the rows: generated columns, CHECKs and indexes depend on these
 * objects.  With --beyond the SQL of the backup's inventory runs, each object in a transaction;
 * objects that still differ after that, or without the option, are named in one warning. */
int beyond_run(struct restore *, struct err *);

#endif
