/*
 * archive_owner.h - the ALTER … OWNER TO … that pg_restore adds to an entry's own statements.
 */
#ifndef PG_ARCHIVE_ARCHIVE_OWNER_H
#define PG_ARCHIVE_ARCHIVE_OWNER_H

#include "pg/archive/sqlsplit.h"

/* The last such statement of an entry's SQL, with its semicolon.  false: there is none. */
bool archive_owner_statement(const char *sql, struct sql_span *);

/* The role that it names, exactly (the list has blanks for line ends); allocated, or NULL. */
char *archive_owner_name(const char *sql);

#endif
