/*
 * loaders.h - the roles that load rows.
 *
 * Loading a row runs functions of the backup: in CHECK constraints, of the table or of a domain, in
 * generated columns, in partition keys.  On a server used only for the restore (--isolated,
 * --scratch) they run with the rights of the table's owner, at most those that they had at the
 * source, and not with those of the restoring superuser.  SET ROLE in the superuser's session is
 * not enough, as a function could reset it: so it is a separate session, of a role made for this.
 *
 *     loader    a role that may log in, is a member of one owner, and may read and write all data
 *               of the database, as privileges come after the rows.  It begins as that owner
 *               (SET ROLE), and is itself only when the owner lacked a right
 *
 * Tables of superusers are loaded by the restoring user: their owners' functions had those rights.
 * A table that belongs to the restoring superuser only because its owner could not be created gets
 * a loader that is a member of no owner.
 */
#ifndef RESTORE_LOAD_LOADERS_H
#define RESTORE_LOAD_LOADERS_H

#include "restore/job/restore.h"

struct loader {
    char *owner; /* NULL: none */
    char *role;
};

/* Between pre-data and rows: makes the roles, and sets table_job.loader.  Does nothing if the
 * restore is not isolated, or not a superuser's. */
int loaders_make(struct restore *, struct err *);
/* Ends their sessions and removes the roles. */
void loaders_end(struct restore *);

/* worker.rows is the session for rows of that loader; NULL: the worker's own. */
int loader_use(struct restore *, struct worker *, const struct loader *, struct err *);
/* After an error.  True: a right was missing, and the loader is now itself, outside a transaction;
 * the same may be tried again. */
bool loader_widen(struct worker *, struct err *);

/* An entry of post-data that reads rows through functions (a CHECK that was added later): by its
 * owner's loader; NULL: the restoring user. */
const struct loader *loader_of_entry(const struct restore *, const struct archive_entry *);
int loader_run_entry(struct restore *, const struct loader *, const struct archive_entry *,
                     struct err *);

#endif
