/*
 * remember.h - how a run ended, for `verify status` on this host.
 */
#ifndef BACKUP_REMEMBER_H
#define BACKUP_REMEMBER_H

#include <time.h>

#include "backup/run.h"

/* For each of its repositories.  Only whole backups are a schedule's, and a run that found another
 * at work was none. */
void remember(const struct backup_request *, const struct database *, const struct outcome *,
              time_t started);

#endif
