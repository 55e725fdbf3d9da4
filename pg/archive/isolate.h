/*
 * isolate.h - what must change in an archive's entry before it runs, and on a scratch server.
 *
 * Scratch servers must have no effect outside (docs/postgresql.md, end of "Restore order"): user
 * mappings are skipped, and foreign servers lose their options, so that no foreign table can be
 * reached.  Tablespaces are archive_options.no_tablespaces.
 */
#ifndef PG_ARCHIVE_ISOLATE_H
#define PG_ARCHIVE_ISOLATE_H

#include "pg/archive/archive.h"

enum isolate_effect {
    ISOLATE_NOTHING, /* run it as it is */
    ISOLATE_SKIP,    /* do not run it */
    ISOLATE_CHANGED, /* run *sql instead (allocated) */
};

enum isolate_effect isolate_entry(const struct archive_entry *, char **sql);

/* The SQL to run for an entry in a database of its own, which has a schema public already;
 * isolated: on a scratch server.  Allocated; NULL: the entry is left out. */
char *isolate_sql(const struct archive_entry *, bool isolated);

#endif
