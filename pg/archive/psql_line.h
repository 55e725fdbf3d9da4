/*
 * psql_line.h - the lines for psql that pg_dump and pg_dumpall write; no other is understood.
 *
 *     \restrict KEY, \unrestrict KEY     since August 2025: psql takes no command between them.
 *                                        They must be a pair; nothing here could run one anyway
 *     \connect name
 *     \connect "na me"
 *     \connect -reuse-previous=on "dbname='na me'"
 *     \encoding SQL_ASCII                before the third
 */
#ifndef PG_ARCHIVE_PSQL_LINE_H
#define PG_ARCHIVE_PSQL_LINE_H

enum psql_line { PSQL_LINE_OTHER, PSQL_LINE_NOTHING, PSQL_LINE_CONNECT };

/* text: from the backslash to the line's end.  *key: the pair that is open, allocated; NULL: none.
 * *database: for CONNECT, allocated. */
enum psql_line psql_line_read(const char *text, char **key, char **database);

#endif
