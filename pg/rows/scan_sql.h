/*
 * scan_sql.h - the message that makes the server send what a reading wants.  Internal to pg/.
 */
#ifndef PG_ROWS_SCAN_SQL_H
#define PG_ROWS_SCAN_SQL_H

#include "core/buf.h"
#include "pg/rows/scan_task.h"

/* Appends it; *commands: the statements before the first COPY. */
void scan_sql_put(struct buf *, const struct scan_reader *, const struct scan_reading *,
                  int *commands);

/* What the answer consists of: one COPY for all ranges, whose rows begin with their ctid, or one
 * for each item; behind each the generated columns, as text (no plain COPY names them). */
bool scan_sql_at_once(const struct scan_reading *);
bool scan_sql_generated(const struct scan_table *);

#endif
