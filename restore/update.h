/*
 * update.h - --kept: a copy that a restore left is brought up to another backup of the same
 * definitions.
 *
 * Rows of ranges that this backup does not have are removed, those that the copy does not have are
 * loaded (load/kept.h), with the tables' indexes and constraints in place, and no trigger or rule
 * of the copy at work.  What would then stand without having been proven is made again:
 *
 *     foreign keys     of tables with changed rows, and to them, are dropped first, and added and
 *                      validated in the end
 *     late indexes     those that call functions which may read other tables (plan_tables.c)
 *     sequences, materialized views   all
 *
 * For drills, which compare everything afterwards.  On failure the copy is of no use any more.
 */
#ifndef RESTORE_UPDATE_H
#define RESTORE_UPDATE_H

#include "restore/job/restore.h"

/* ERR_EXISTS: this copy cannot be brought up to this backup; nothing was changed. */
int update_run(struct restore *, struct err *);

#endif
