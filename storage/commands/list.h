/*
 * list.h - what the parts of the command list share.
 */
#ifndef STORAGE_COMMANDS_LIST_H
#define STORAGE_COMMANDS_LIST_H

#include "storage/commands/cmd.h"

/* One a line, for scripts and shells: the databases (db NULL), or the ids of a database's backups.
 * From the listing alone: nothing is read, so that no key is asked for, and whether they are whole
 * is not known. */
int list_names(const struct cmd *, const char *db, struct err *);

#endif
