/*
 * undelete.h - --rows: what became of a table's rows since the backup, and bringing them back.
 *
 * The backup's rows are loaded into a temporary table on the server, and joined there with the live
 * table by the primary key.  What differs is a second temporary table, of pairs of rows:
 *
 *     deleted   in the backup, and no more in the table
 *     changed   in both, with other values
 *     added     in the table, and not in the backup
 *
 * So the server's disk bounds the size, nothing here, and nothing is left of it when the session
 * ends, however that happens.  Without a primary key whole rows are compared, and equal ones
 * counted: a changed row is then one that was deleted and one that was added.
 *
 * Compared are the columns that both have, as bytes, and where these differ as text: one value may
 * be stored in two ways.  Comparing and bringing back happen in one transaction (REPEATABLE READ):
 * what others change meanwhile makes it fail, and changes nothing.
 */
#ifndef RESTORE_UNDELETE_H
#define RESTORE_UNDELETE_H

#include "restore/restore.h"

int undelete_run(struct restore *, struct err *);

#endif
