/*
 * archive_public.h - schema public, which every new database has already.
 *
 * pg_dump -n public writes CREATE SCHEMA public, as if it were a schema like others.
 */
#ifndef PG_ARCHIVE_ARCHIVE_PUBLIC_H
#define PG_ARCHIVE_ARCHIVE_PUBLIC_H

#include "pg/archive/archive.h"

/* The SQL to run where the schema may be there: allocated, or NULL: the entry's own will do. */
char *archive_public_sql(const struct archive_entry *);

#endif
