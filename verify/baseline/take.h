/*
 * take.h - a baseline of a running database: its manifest and label, from one read-only snapshot.
 *
 * What a backup records of a database, and no rows: tables are counted, those that the
 * configuration declares static are read and fingerprinted, and with --estimate big ones are
 * estimated (verify/compare/estimates.c).  A standby serves as well as its primary.
 */
#ifndef VERIFY_BASELINE_TAKE_H
#define VERIFY_BASELINE_TAKE_H

#include "storage/format/label.h"
#include "storage/format/manifest.h"
#include "storage/repo/repo.h"
#include "verify/job/options.h"

/* Both are the caller's.  A table that cannot be read is an error: a baseline that lacks it would
 * say nothing of it later on. */
int take_baseline(const struct options *, struct repo *, struct label **, struct manifest **,
                  struct err *);

#endif
