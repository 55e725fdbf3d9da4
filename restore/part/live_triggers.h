/*
 * live_triggers.h - triggers of a live table that may change a row on its way into it.
 */
#ifndef RESTORE_PART_LIVE_TRIGGERS_H
#define RESTORE_PART_LIVE_TRIGGERS_H

#include "restore/part/live_tables.h"

/* Names of those that fire in this session for rows that are inserted, or (updated) updated, in the
 * table or one of its partitions: BEFORE ... FOR EACH ROW.  *names: allocated, NULL when there are
 * none.  0 or -1 (ERR_PG). */
int live_triggers(PGconn *, const struct live_table *, bool updated, char **names, struct err *);

#endif
