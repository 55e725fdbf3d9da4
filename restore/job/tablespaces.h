/*
 * tablespaces.h - the tablespaces of the new database and its objects.
 *
 * As in the source, in tablespaces of the same names, or of those that --tablespace-map gives;
 * with --no-tablespaces, and on a throw-away server, all in the server's default one.
 */
#ifndef RESTORE_JOB_TABLESPACES_H
#define RESTORE_JOB_TABLESPACES_H

#include "pg/archive/archive.h"
#include "restore/job/restore.h"

/* Names, each once: that of the database (NULL: the server's default, or not recorded), those that
 * entries set.  They are the backup's, before any map.  Allocated. */
char *tablespaces_of_database(const struct restore *);
void  tablespaces_of_entries(const struct archive *, struct strlist *out);

/* map: OLD=NEW, …  The new name, or the old one; borrowed. */
const char *tablespaces_mapped(const struct strlist *map, const char *name);
/* Whether each is OLD=NEW. */
int tablespaces_check_map(const struct strlist *map, struct err *);
/* Rewrites what the entries set. */
void tablespaces_map_entries(struct archive *, const struct strlist *map);

#endif
