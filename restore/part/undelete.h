/*
 * undelete.h - --rows: the changes of a table's rows since the backup, and bringing rows back.
 *
 * Where it can be done, both sides are first narrowed to the rows that may differ, or, if only what
 * was deleted is asked for, to those whose keys do (narrow.h); changed rows are not found then.
 * Otherwise the backup's rows are loaded into a temporary table on the server, and joined there
 * with the live table by the primary key.  The differences are another temporary table, of pairs of
 * rows:
 *
 *     deleted   in the backup, and no longer in the table
 *     changed   in both, with other values
 *     added     in the table, and not in the backup
 *
 * So only the server's disk limits the size, and nothing is left when the session ends, in whatever
 * way.  Without a primary key whole rows are compared, and equal ones counted: a changed row is
 * then one deleted and one added.
 *
 * The columns that both have are compared as bytes, and if these differ as text: one value may be
 * stored in two ways.  Comparing and bringing back happen in one transaction (REPEATABLE READ):
 * concurrent changes by others make it fail without effect.
 */
#ifndef RESTORE_PART_UNDELETE_H
#define RESTORE_PART_UNDELETE_H

#include "restore/job/restore.h"

int undelete_run(struct restore *, struct err *);

#endif
