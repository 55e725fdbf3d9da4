/*
 * into_schema.h - tables of a backup in a schema of their own, beside the live ones.
 *
 * PostgreSQL itself gives every definition its new name.  The part's definitions, without a row,
 * are made in a working database on the same server; there the tables are moved with ALTER TABLE …
 * SET SCHEMA, which takes indexes, constraints and the sequences of their columns along, and
 * pg_dump prints what they are called now.  That archive is what is restored into the live
 * database; the rows come straight from the backup's chunks, as in any restore.  (Rewriting names
 * in SQL would mean to tell a name from a string in every expression; restoring the rows twice
 * would cost twice the time and room.)
 *
 * What belongs to a table comes along: indexes, keys, checks, defaults, identities and sequences of
 * its own, privileges, policies, comments.  What reaches beyond it does not: foreign keys,
 * triggers, rules, statistics objects, and being a child or partition of a table that was not asked
 * for.  Types and functions are the live database's.
 *
 * The schema says in its comment that it is half made, and a lock is held on its name, in that
 * database, for as long as its maker lives.  What fails removes it; the next restore into a schema
 * of that name removes what one that was killed has left, and one into another names it.
 */
#ifndef RESTORE_INTO_SCHEMA_H
#define RESTORE_INTO_SCHEMA_H

#include "restore/restore.h"

int into_schema_run(struct restore *, struct err *);

#endif
