/*
 * first.h - which tables are loaded before the others: --first.
 */
#ifndef RESTORE_PART_FIRST_H
#define RESTORE_PART_FIRST_H

#include "restore/job/restore.h"

/* Gives the groups of tables their stages: the number of the first pattern that matches a table, or
 * the nearest partitioned one that it belongs to.  After plan_phases().  ERR_USAGE: a pattern that
 * matches nothing. */
int first_mark(struct restore *, struct err *);

#endif
