/*
 * report.h - the result of a backup, as text and as JSON.
 */
#ifndef BACKUP_REPORT_H
#define BACKUP_REPORT_H

#include "backup/run.h"

/* What was done or would be done, on stdout if wanted; warnings through log.h. */
void report_text(const struct outcome *, bool wanted);
/* Why it failed, or in which repositories, through log.h.  several: each names its database. */
void report_errors(const struct outcome *, bool several);

/* {"backups": [...]} of docs/json.md; a new reference of one element. */
json_t *report_json(const struct outcome *);

#endif
