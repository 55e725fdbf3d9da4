/*
 * telling.h - what people are told of backups (core/notify/notify.h).
 *
 * Not told: imports, dry runs, and a run that found another one at work.  A backup of a part of a
 * database ends no failure of the whole.
 */
#ifndef BACKUP_TELLING_H
#define BACKUP_TELLING_H

#include "backup/run.h"
#include "core/notify/notify.h"

/* NULL as notify_begin(); the targets may be none. */
struct notify *telling_begin(const struct backup_request *, const struct targets *);
void           telling_add(struct notify *, const struct outcome *);
/* Which databases are meant could not be found out. */
void telling_none(struct notify *, const struct options *, const struct err *);

#endif
