/*
 * extensions.h - extensions belong to those who created them.
 *
 * pg_dump writes CREATE EXTENSION without an owner, and PostgreSQL has no ALTER EXTENSION … OWNER:
 * restored by a superuser, a trusted extension that the database's owner made would be the
 * superuser's, and its owner could neither update nor drop it.  The manifest records the owner.
 */
#ifndef RESTORE_JOB_EXTENSIONS_H
#define RESTORE_JOB_EXTENSIONS_H

#include "restore/job/restore.h"

/* The SQL that makes the entry's extension as its owner: allocated.  NULL: the entry makes none, or
 * it is to belong to the restoring role.  The role may be missing or lack rights: then the entry's
 * own SQL is the one to run. */
char *extension_as_owner(const struct restore *, const struct archive_entry *);

#endif
