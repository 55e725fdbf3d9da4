/*
 * sql_kept.h - the property that a split archive must have: the statements of its entries are,
 * token for token, those of the text that pg_restore printed, but for the documented rewrites
 * (archive_split.h).  For the tests and the fuzz target.
 */
#ifndef TESTS_SUPPORT_SQL_KEPT_H
#define TESTS_SUPPORT_SQL_KEPT_H

#include "pg/archive/archive.h"

/* What is wrong, or NULL. */
const char *sql_kept(const struct archive *, const char *text);

#endif
