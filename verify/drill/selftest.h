/*
 * selftest.h - a drill's negative control: the copy is damaged in some forty ways, and each damage
 * must be found, under its own name, by the check that is for it.
 *
 * Damages are made in one transaction, to objects that no other damage touches, and then the
 * copy is compared as before, except that of the tables only those are read whose rows were
 * changed.  When a database has too few objects for all (one table, say), those that are left
 * get another round.  All rounds but the last are made on a copy of the copy, so that each
 * begins with what the drill found to be equal; with --keep the last one is, too.
 */
#ifndef VERIFY_DRILL_SELFTEST_H
#define VERIFY_DRILL_SELFTEST_H

#include "verify/drill/copy.h"

/* The name of a copy of the copy; it is gone afterwards. */
#define SELFTEST_NAME "pgassay_drill_selftest"

/* For a copy without differences; spoils it, unless it is to be kept.  Fills in r->control; a
 * damage that was not found is a finding. */
int selftest_run(struct copy *, struct verify_result *, struct err *);

#endif
