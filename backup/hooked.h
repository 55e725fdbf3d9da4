/*
 * hooked.h - a backup between the administrator's hooks (core/hooks/hook.h).
 */
#ifndef BACKUP_HOOKED_H
#define BACKUP_HOOKED_H

#include "backup/run.h"

/* As backup_run().  A database whose first hook fails has failed.  Imports and dry runs have no
 * hooks. */
void hooked_run(const struct backup_request *, const struct database *, struct outcome *);
/* The exit status that the database alone would give the tool. */
int hooked_status(const struct outcome *);

#endif
