/*
 * into_schema.h - tables of a backup in a separate schema, beside the live ones.
 *
 * PostgreSQL itself gives every definition its new name.  The part's definitions, without a row,
 * are made in a working database on the same server; there the tables are moved with ALTER TABLE …
 * SET SCHEMA, which takes indexes, constraints and the sequences of their columns along, and
 * pg_dump prints their new names.  That archive is restored into the live database; the rows come
 * directly from the backup's chunks, as in any restore.  (Rewriting names in SQL would require
 * distinguishing names from strings in every expression; restoring the rows twice would cost twice
 * the time and space.)
 *
 * A table's own parts are included: indexes, keys, checks, defaults, identities and own sequences,
 * privileges, policies, comments.  Links to other objects are not: foreign keys, triggers, rules,
 * statistics objects, and inheritance or partitioning from a table that was not selected.  Types
 * and functions are the live database's.
 *
 * The schema's comment says that it is half made, and a lock on its name is held in that database
 * as long as its maker runs.  A failed restore removes it; the next restore into a schema of that
 * name removes one left by a killed restore, and one into another schema names it.
 */
#ifndef RESTORE_PART_INTO_SCHEMA_H
#define RESTORE_PART_INTO_SCHEMA_H

#include "restore/job/restore.h"

int into_schema_run(struct restore *, struct err *);

/* into_left.c: a sentence for each schema of the connection's database that is half made, with what
 * to do about it. */
int into_schema_left(PGconn *, struct strlist *lines, struct err *);
/* -1, with ERR_BUSY. */
int into_schema_busy(PGconn *, const char *schema, struct err *);

#endif
