/*
 * show.h - a report for people, as JSON (docs/json.md), and for Nagios and its kin.
 */
#ifndef VERIFY_HEALTH_SHOW_H
#define VERIFY_HEALTH_SHOW_H

#include "core/err.h"
#include "verify/health/report.h"

/* The worst first, a line each and one that says what to do.  quiet: nothing when all is well. */
void show_text(const struct health_report *, bool quiet);
int  show_json(const struct health_report *, struct err *);

/* One line with the worst, lines for the rest, performance data (Monitoring Plugins, "Development
 * Guidelines").  Returns the plugin's exit status: 0 ok, 1 warning, 2 critical, 3 unknown. */
int show_nagios(const struct health_report *);
/* The same for an error that left no report: 3. */
int show_nagios_error(const struct err *);

#endif
