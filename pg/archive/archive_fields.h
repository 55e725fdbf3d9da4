/*
 * archive_fields.h - kind, schema, name and owner of an entry.
 *
 * pg_restore prints them twice: "KIND SCHEMA NAME OWNER" in its list and
 * "NAME; Type: KIND; Schema: SCHEMA; Owner: OWNER" above the entry's SQL.  Names may hold blanks
 * and
 * "; Type: ", so neither can be split reliably alone.  Of the ways to split one, few give the
 * other; of these, only one names a kind whose statement is the entry's.  Line ends are blanks in
 * both.
 */
#ifndef PG_ARCHIVE_ARCHIVE_FIELDS_H
#define PG_ARCHIVE_ARCHIVE_FIELDS_H

#include "pg/archive/archive.h"
#include "pg/archive/sqlsplit.h"

/* Sets the four of entry.  line: of the list; header: the text after "-- Name: " up to the
 * line's end; first: the entry's first statement, or NULL.  false: they do not name one entry. */
bool archive_fields_read(struct archive_entry *, const char *line, const char *header,
                         const struct sql_statement *first);
void archive_fields_free(struct archive_entry *);

#endif
