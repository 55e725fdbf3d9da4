/*
 * report.h - what came of it: a line for people, a document for machines.
 */
#ifndef BACKUP_REPORT_H
#define BACKUP_REPORT_H

#include "backup/run.h"

/* One line on stdout; warnings and errors through log.h.  several: errors name their database. */
void report_text(const struct outcome *, bool several, bool wanted);

/* {"backups": [...]} of docs/json.md; a new reference of one element. */
json_t *report_json(const struct outcome *);

#endif
