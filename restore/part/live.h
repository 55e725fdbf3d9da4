/*
 * live.h - restoring into an existing database: --into-schema, --data-only, --rows.
 *
 * The target is the database that the backup was taken of, or --into.  Nothing in it is changed
 * unless the options request it.
 */
#ifndef RESTORE_PART_LIVE_H
#define RESTORE_PART_LIVE_H

#include "core/cli/opts.h"
#include "restore/job/restore.h"

extern const struct opt live_options[];

bool live_asked(const struct options *);
/* ERR_USAGE: options that do not go together. */
int live_check(const struct options *, struct err *);

/* After plan_read(): the whole restore. */
int live_run(struct restore *, struct err *);

#endif
