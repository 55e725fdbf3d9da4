/*
 * loaders.h - as whom rows are loaded.
 *
 * Loading a row runs functions of the backup: in CHECK constraints, of the table or of a domain, in
 * generated columns, in partition keys.  On a server that is there for the restore alone
 * (--isolated, --scratch) they run with the rights of the table's owner, as they did at the source
 * at most, and not with those of the superuser who restores.  SET ROLE in the superuser's session
 * would not do, as a function could take it back: so it is another session, of a role made for
 * that.
 *
 *     loader    a role that may log in, is a member of one owner, and may read and write all data
 *               of the database, as privileges come after the rows.  It begins as that owner
 *               (SET ROLE), and is itself only when the owner lacked a right
 *
 * Tables of superusers are loaded by the restoring user: their owners' functions had those rights.
 * One that has come to the restoring superuser by default, as its owner could not be made, gets a
 * loader that is a member of no owner.
 */
#ifndef RESTORE_LOADERS_H
#define RESTORE_LOADERS_H

#include "restore/restore.h"

struct loader {
    char *owner; /* NULL: none */
    char *role;
};

/* Between pre-data and rows: makes the roles, and sets table_job.loader.  Nothing where the restore
 * is not isolated, or not a superuser's. */
int loaders_make(struct restore *, struct err *);
/* Ends their sessions and removes the roles. */
void loaders_end(struct restore *);

/* worker.rows is the session for rows of that loader; NULL: the worker's own. */
int loader_use(struct restore *, struct worker *, const struct loader *, struct err *);
/* After an error.  True: a right was missing, and the loader is itself now, in no transaction; the
 * same may be tried again. */
bool loader_widen(struct worker *, struct err *);

/* An entry of post-data that reads rows through functions (a CHECK that was added later): by its
 * owner's loader; NULL: the restoring user. */
const struct loader *loader_of_entry(const struct restore *, const struct archive_entry *);
int loader_run_entry(struct restore *, const struct loader *, const struct archive_entry *,
                     struct err *);

#endif
