/*
 * statistics.h - what the planner has to know of the tables, once rows and indexes are there.
 *
 * A server >= 18 takes over what the backup has of the source's statistics
 * (pg/snapshot/statistics.h): a whole database's, as a part may lack rows that they tell of, and of
 * tables that all rows were loaded into.  All else is ANALYZE's, and so is what the server does not
 * take.  Size and number of rows are those of the new table.
 *
 * What comes out of the backup are values of functions that initdb made, and reading them takes
 * nobody's code: STATISTICS_FINE is asked of the new database, whatever the backup says.
 */
#ifndef RESTORE_LOAD_STATISTICS_H
#define RESTORE_LOAD_STATISTICS_H

#include "restore/job/restore.h"

/* For one worker: some tables whose statistics are taken over, or an ANALYZE of some. */
struct statistics_task {
    const struct table_job **v; /* NULL: sql */
    size_t                   n;
    char                    *sql;
    uint64_t                 bytes; /* of the tables: the largest first */
};

struct statistics_plan {
    struct statistics_task *v;
    size_t                  n, cap;
};

int  statistics_plan(struct restore *, struct statistics_plan *, struct err *);
void statistics_plan_free(struct statistics_plan *);
/* May be done twice.  0: the restore can go on. */
int statistics_run(struct restore *, struct worker *, const struct statistics_task *, struct err *);

#endif
