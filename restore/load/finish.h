/*
 * finish.h - the steps after the rows that are not entries of the archive.
 */
#ifndef RESTORE_LOAD_FINISH_H
#define RESTORE_LOAD_FINISH_H

#include "restore/job/restore.h"

/* Adds these foreign keys, and validates them. */
int finish_foreign_keys(struct restore *, const struct entry_list *, struct err *);
/* Each: -1 only when the restore cannot go on. */
int finish_sequences(struct restore *, PGconn *, struct err *);
int finish_refresh(struct restore *, PGconn *,
                   struct err *); /* and ANALYZE of what was refreshed */
int finish_properties(struct restore *,
                      struct err *); /* ALTER DATABASE … SET, comment, owner, grants */
/* These statements, to be run on the connection. */
int finish_property_statements(struct restore *, PGconn *, struct strlist *, struct err *);
/* Before anything is loaded: may all that be done?  Done and rolled back. */
int finish_rehearse_properties(struct restore *, struct err *);

#endif
