/*
 * data_only.h - rows of the backup into existing tables.
 *
 * All tables in one transaction, those that others refer to first: all rows are added, or none.
 * Triggers fire and foreign keys are checked, as for any rows.
 *
 *     (no option)             COPY: a row whose key exists already is an error
 *     --truncate              the tables are emptied first, in the same transaction
 *     --on-conflict nothing   a row whose key exists already is left unchanged
 *     --on-conflict update    it gets its values of the backup
 *
 * Sequences of the tables' columns are never set back, only forward to where the backup has them.
 */
#ifndef RESTORE_PART_DATA_ONLY_H
#define RESTORE_PART_DATA_ONLY_H

#include "restore/job/restore.h"

int data_only_run(struct restore *, struct err *);

#endif
