/*
 * list.h - the interface between the files of the command list.
 */
#ifndef STORAGE_COMMANDS_LIST_H
#define STORAGE_COMMANDS_LIST_H

#include "storage/commands/cmd.h"

/* One a line, for scripts and shells: the databases (db NULL), or the ids of a database's backups.
 * From the listing alone: nothing is read, so no key is needed, and it is not known whether they
 * are complete. */
int list_names(const struct cmd *, const char *db, struct err *);

#endif
