/*
 * globals_text.h - processing the output of pg_dumpall --globals-only, without a connection.
 */
#ifndef PG_SNAPSHOT_GLOBALS_TEXT_H
#define PG_SNAPSHOT_GLOBALS_TEXT_H

#include "core/buf.h"
#include "core/mem.h"

/* Makes the text safe, and the same every night:
 *
 *   - the random key of \restrict becomes a digest of the text;
 *   - names of roles (those with a line end, the longest first) that an older pg_dumpall (version:
 *     150013) writes unchanged into comments get blanks for line ends, as in newer ones
 *     (CVE-2025-8715).  Otherwise the text after the line end would be a statement.
 */
void globals_settle(struct buf *, int version, const struct strlist *names);

/* Names of the roles that the text creates. */
int globals_roles(const char *sql, struct strlist *, struct err *);

#endif
