/*
 * partitions.h - which table of an archive each partition belongs to.
 *
 * pg_dump 14 and newer attach a partition in an entry of its own, TABLE ATTACH, which has the
 * partition's name; older ones do it at the end of the partition's TABLE.
 */
#ifndef RESTORE_PART_PARTITIONS_H
#define RESTORE_PART_PARTITIONS_H

#include "pg/archive/entry_ids.h"

/* By index of the partition's entry: the index of the partitioned table, or SIZE_MAX.  Allocated.
 */
size_t *partitions_parents(const struct archive *, const struct entry_ids *);

#endif
