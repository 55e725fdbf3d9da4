/*
 * undelete_sql.h - the statements of undelete.c.
 *
 * The temporary table of differences has pgassay_state, pgassay_respelt (the keys are equal, and
 * spelt otherwise), then for the i-th written column of the
 * table bi, its value in the backup, and li, that in the live table.
 */
#ifndef RESTORE_PART_UNDELETE_SQL_H
#define RESTORE_PART_UNDELETE_SQL_H

#include "restore/part/live_tables.h"

/* All of them allocated. */

/* Makes the table of differences between the staged rows and the live ones, which are staged, too,
 * if narrowed.  where: SQL about the table's columns, or NULL; a row counts when it is true of
 * either side. */
char *undelete_diff_sql(const struct live_table *, const char *stage, const char *narrowed,
                        const char *diff, const char *where);
/* The same by key (narrow.h): without changed rows, and li only of the key's columns. */
char *undelete_key_diff_sql(const struct live_table *, const char *stage, const char *narrowed,
                            const char *diff);
/* Takes deleted rows out of it whose key the live table has. */
char *undelete_key_there_sql(const struct live_table *, const char *diff);
/* The first of them: state, then both values of each column as text. */
char *undelete_show_sql(const struct live_table *, const char *diff, int limit, bool by_key);
/* The statement that brings the deleted, or changed, rows back.  respelt: those whose key is spelt
 * otherwise, with it; else those whose key is not.  NULL: there can be none of these. */
char *undelete_insert_sql(const struct live_table *, const char *diff);
char *undelete_update_sql(const struct live_table *, const char *diff, bool respelt);
/* Counts the rows of these differences (SQL: a list of states) that are not in the live table as
 * the backup has them.  Only with a key. */
char *undelete_unlike_sql(const struct live_table *, const char *diff, const char *states);
/* A query for statements that do this, one a row.  NULL: a text cannot be quoted. */
char *undelete_inserts_sql(PGconn *, const struct live_table *, const char *diff);
char *undelete_updates_sql(PGconn *, const struct live_table *, const char *diff);
/* Puts the backup's rows that are deleted or changed into a new table. */
char *undelete_keep_sql(const struct live_table *, const char *diff, const char *into);

#endif
