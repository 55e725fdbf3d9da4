/*
 * define.h - what a database consists of before its rows: pre-data.
 *
 * Schemas, types and functions come one after another; then tables, which need nothing of each
 * other, by all workers (pg/archive/apart.h); then the rest.  An entry that fails beside others is
 * made once more with the rest, in the archive's order, and is a problem only if it fails again.
 */
#ifndef RESTORE_LOAD_DEFINE_H
#define RESTORE_LOAD_DEFINE_H

#include "restore/job/restore.h"

/* restore.pre.  -1: the restore cannot go on. */
int define_run(struct restore *, struct err *);

#endif
