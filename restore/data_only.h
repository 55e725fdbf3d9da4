/*
 * data_only.h - rows of the backup into tables that are there already.
 *
 * All tables in one transaction, those that others refer to first: all of it is there afterwards,
 * or nothing.  Triggers fire and foreign keys are checked, as for anybody's rows.
 *
 *     nothing said            COPY: a row whose key is there already is an error
 *     --truncate              the tables are emptied first, in the same transaction
 *     --on-conflict nothing   a row whose key is there already is left as it is
 *     --on-conflict update    it becomes as it was in the backup
 *
 * Sequences of the tables' columns are never set back, only forward to where the backup has them.
 */
#ifndef RESTORE_DATA_ONLY_H
#define RESTORE_DATA_ONLY_H

#include "restore/restore.h"

int data_only_run(struct restore *, struct err *);

#endif
