/*
 * load_first.h - --first: tables that are complete before the rest is begun.
 *
 * Each pattern is a stage, in the order given: its tables are loaded, indexed, their keys validated
 * and their statistics collected; then a line says that they are usable, in the database under its
 * working name.  What may read other tables waits for all rows, as always (plan_tables.c): foreign
 * keys to tables of no stage yet, indexes on functions of the database's own.  How many of those
 * are still to come is said.
 */
#ifndef RESTORE_LOAD_LOAD_FIRST_H
#define RESTORE_LOAD_LOAD_FIRST_H

#include "restore/job/restore.h"

/* Every stage; nothing when there is none.  -1: the restore cannot go on. */
int load_first(struct restore *, struct err *);

#endif
