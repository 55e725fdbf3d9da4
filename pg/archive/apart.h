/*
 * apart.h - which entries of pre-data can be made by several sessions at once.
 *
 * Tables, their sequences, defaults and comments, in groups: none needs, by the dependencies that
 * pg_dump has noted, anything of another group.  All else waits: what stands before the first
 * table is made before, what is of another kind (a view, a function that takes a table's rows), or
 * needs such a one, afterwards, in the archive's order.  A dependency that is not noted (none is
 * known) shows as an error of an entry that came too early: then it is to be made once more, with
 * those that come afterwards.
 */
#ifndef PG_ARCHIVE_APART_H
#define PG_ARCHIVE_APART_H

#include "pg/archive/archive.h"

/* Of an entry; any other number is its group. */
#define APART_BEFORE SIZE_MAX
#define APART_AFTER  (SIZE_MAX - 1)

/* v: n entries of the archive, in its order.  Fills group[0 .. n), numbers from 0 on in the order
 * of the groups' first entries, and returns how many there are. */
size_t entries_apart(const struct archive *, const struct archive_entry *const *v, size_t n,
                     size_t *group);

#endif
