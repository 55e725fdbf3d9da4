/*
 * live.h - what goes into a database that exists: --into-schema, --data-only, --rows.
 *
 * The database that is meant is the one that the backup is of, or --into.  Nothing in it that was
 * there before is changed unless that is what was asked for.
 */
#ifndef RESTORE_LIVE_H
#define RESTORE_LIVE_H

#include "core/cli/opts.h"
#include "restore/restore.h"

extern const struct opt live_options[];

bool live_asked(const struct options *);
/* ERR_USAGE: options that do not go together. */
int live_check(const struct options *, struct err *);

/* After plan_read(): all of it. */
int live_run(struct restore *, struct err *);

/* One more connection to the database. */
PGconn *live_connect(struct restore *, struct err *);

/* Begins the transaction that changes live tables: what it commits is durable, constraints that may
 * be are checked at its end, and with --disable-triggers no trigger fires. */
int live_begin(struct restore *, PGconn *, const char *isolation, struct err *);

#endif
