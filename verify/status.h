/*
 * status.h - `status`: one verdict for each database and repository: could it be restored, to what
 * moment, in how long, proven when, and is all that protects it as it should be.
 *
 * Reads listings, labels and records, and no chunk; needs no database server.
 */
#ifndef VERIFY_STATUS_H
#define VERIFY_STATUS_H

#include "core/report/watch.h"
#include "verify/job/options.h"

/* Prints it.  The exit status; -1: nothing could be looked at. */
int verify_status(struct options *, struct err *);

/* Beside a look at the server of the database that is named: its last backup and its last proof.
 * Nothing where no repository is known.  -1: ERR_USAGE, ERR_INTERRUPTED. */
int verify_status_beside(const struct options *, struct watch_report *, struct err *);

#endif
