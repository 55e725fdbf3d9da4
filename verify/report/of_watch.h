/*
 * of_watch.h - a look at a server, or at many backups (core/report/watch.h), as a report.
 */
#ifndef VERIFY_REPORT_OF_WATCH_H
#define VERIFY_REPORT_OF_WATCH_H

#include "core/report/watch.h"
#include "verify/status/places.h"
#include "verify/status/targets.h"

json_t *report_of_watch(const struct watch_report *, const char *title);
/* The same of status, with an overview, and a part for each database.  targets: one for each
 * place. */
int report_of_status(const struct watch_report *, const struct status_places *,
                     const struct status_targets *, json_t **out, struct err *);

#endif
