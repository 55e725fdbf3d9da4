/*
 * entries.h - running the archive's entries: each by its name, a failing one does not stop the
 * others.
 */
#ifndef RESTORE_JOB_ENTRIES_H
#define RESTORE_JOB_ENTRIES_H

#include "restore/job/restore.h"

/* In order, many in one message as long as nothing fails.  -1 only when the restore cannot go
 * on. */
int entries_run(struct restore *, PGconn *, const struct entry_list *, struct err *);
int entry_run(struct restore *, PGconn *, const struct archive_entry *, struct err *);
/* Likewise, but one that fails is no problem yet: it is added to failed. */
int entries_try(struct restore *, PGconn *, const struct entry_list *, struct entry_list *failed,
                struct err *);

/* One statement on behalf of an entry: a deadlock is tried again, another error becomes the
 * entry's problem. */
int entry_statement(struct restore *, PGconn *, const struct archive_entry *, const char *sql,
                    struct err *);

#endif
