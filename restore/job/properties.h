/*
 * properties.h - whose owner, privileges, settings and tablespace the new database gets: the
 * backup's, or with --swap and --replace those of the running database whose place it takes.
 */
#ifndef RESTORE_JOB_PROPERTIES_H
#define RESTORE_JOB_PROPERTIES_H

#include "restore/job/restore.h"

/* As inventory_database() has them; borrowed. */
const json_t *properties_source(const struct restore *);
/* The same; with these without the comment, which is set in the switch: until then the comment
 * marks the database as half made.  Borrowed. */
const json_t *properties_given(struct restore *);

#endif
