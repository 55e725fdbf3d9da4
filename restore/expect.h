/*
 * expect.h - how long a restore will take.
 *
 * A drill measured it: from nothing to a copy that could have been used, with indexes and keys,
 * which rates of rows know nothing of.  The last drill of this backup counts, else that of the
 * newest that has one, in proportion to the bytes of rows.  Statistics are not in it, and another
 * host may be faster or slower: so it is an expectation, and nothing depends on it.
 */
#ifndef RESTORE_EXPECT_H
#define RESTORE_EXPECT_H

#include "restore/job/restore.h"

/* Sets restore.expected_seconds, unless no drill is known, and restore.drilled. */
void expect_duration(struct restore *);
/* "proven by its drill 3 h ago; about 4 min, by the last drill of backup ID"; allocated, NULL: not
 * known. */
char *expect_text(const struct restore *);

#endif
