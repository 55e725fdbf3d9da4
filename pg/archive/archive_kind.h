/*
 * archive_kind.h - the kinds of entries that pg_dump writes.
 *
 * The section of each, and the statement that it begins with.
 */
#ifndef PG_ARCHIVE_ARCHIVE_KIND_H
#define PG_ARCHIVE_ARCHIVE_KIND_H

#include "pg/archive/archive.h"
#include "pg/archive/sqlsplit.h"

/* SECTION_NONE: it belongs to the section around it.  An unknown kind is pre-data. */
enum archive_section archive_kind_section(const char *desc);

/* Whether an entry whose first statement this is (NULL: it has none) can be of the kind.  false
 * for kinds that are not known. */
bool archive_kind_fits(const char *desc, const struct sql_statement *first);

#endif
