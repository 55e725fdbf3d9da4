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
 * By key.  Who only wants what was deleted back does not ask for changed rows.  Then of the live
 * table only the columns of the key are read, and all ranges of the backup: its server's work is a
 * third of that for whole rows, and more than the chunks' decoding takes.  Keys that both have in a
 * range, byte by byte, are taken off both; left are whole rows of the backup, and keys of the live
 * table.  The join finds among them what is the same key in another range, or spelt otherwise
 * (numeric 1.0 and 1.00, a collation), with the same result but for changed rows:
 *
 *   - Added: let l be left of the live table.  A row of the backup with its key is left, too: it
 *     would have been taken off with a live row of this key; that is l, as keys are unique.
 *   - Deleted: let b be left of the backup.  The live row with its key, if there is one, is left,
 *     too, where the backup's keys are unique.  They need not be, if the live key is another since,
 *     or its collation: it may have been taken off with another row of the backup.  Hence what
 *     seems to be deleted is looked for in the live table (undelete_sql.h): a look into an index
 *     for each row that is inserted into it.
 *
 * One chunk that cannot be read must not stop who needs others of the table: then whole rows are
 * compared, for which only ranges that differ are read.
 *
 * Not by key: where --where may ask for any column of the live row; where the store is distant, as
 * all chunks of the table cost more there than the server's work does; text, whose rows are not
 * cut into fields here.
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

/* ... and this, too, by key: the backup's rows are binary, its store is at hand. */
bool narrow_by_key_possible(const struct restore *, const struct live_table *);

enum narrow_outcome {
    NARROW_DONE,
    NARROW_NOT,   /* there are no such tables, all rows are to be compared */
    NARROW_UNREAD /* likewise; by key: what was wanted of the backup cannot be read */
};

/* In a transaction that has locked the table, and in which it is REPEATABLE READ: makes and fills
 * the temporary tables backup and live. */
struct narrow_wanted {
    const char *backup, *live;
    bool        by_key; /* live has the columns of the key */
};
int narrow_run(struct restore *, PGconn *, const struct live_table *, struct narrow_wanted,
               enum narrow_outcome *, struct err *);

#endif
