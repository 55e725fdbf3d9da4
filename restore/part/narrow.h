/*
 * narrow.h - a table of the backup and the live one, narrowed to the rows that differ.
 *
 * The backup has a fingerprint for each block range of a table.  The live table is read by the same
 * ranges, in parallel, on the transaction's snapshot, and nothing of it is written anywhere.  Where
 * a range's fingerprint is the backup's, its rows are equal.  Where it is not, the range's chunks
 * are read, too, and the rows that both have in this range are taken off both (row_set.h).  What is
 * left goes into two temporary tables: left of the backup (B - C), and of the live table (L - C).
 * They are compared in place of the whole tables, with the same result:
 *
 *   - With a key.  Let b be left of the backup.  A live row with its key that was taken off would
 *     be equal to a row of the backup with this key; that is b, as keys are unique; but b was not
 *     taken off.  So the live row of that key, if there is one, is left, too, and is found.  The
 *     same holds the other way round.  Rows that moved unchanged into another range are left on
 *     both sides, and found equal.
 *   - Without one, equal rows are counted.  C is a part of both, so (B - C) - (L - C) is B - L.
 *
 * A hash in place of a row decides only that two are equal, as the backup's own comparisons do it
 * (fingerprint.h).  Where more than a quarter of a table would be left, as after VACUUM FULL or
 * when the live table was itself restored, it is given up: comparing all rows is cheaper then.
 */
#ifndef RESTORE_PART_NARROW_H
#define RESTORE_PART_NARROW_H

#include "restore/part/live_tables.h"

/* Whether it may be possible: the columns are as they were. */
bool narrow_possible(const struct live_table *);

/* In a transaction that has locked the table, and in which it is REPEATABLE READ: makes and fills
 * the temporary tables backup and live.  *done false: there are no such tables, all rows are to be
 * compared. */
struct narrow_names {
    const char *backup, *live;
};
int narrow_run(struct restore *, PGconn *, const struct live_table *, struct narrow_names,
               bool *done, struct err *);

#endif
