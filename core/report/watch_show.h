/*
 * watch_show.h - a report for people, as JSON (docs/json.md), and for Nagios and its kin.
 */
#ifndef CORE_REPORT_WATCH_SHOW_H
#define CORE_REPORT_WATCH_SHOW_H

#include "core/err.h"
#include "core/report/watch.h"

/* The worst first, a line each and one that says what to do.  quiet: nothing when all is well. */
void watch_show_text(const struct watch_report *, bool quiet);
int  watch_show_json(const struct watch_report *, struct err *);

/* One line with the worst, lines for the rest, performance data (Monitoring Plugins, "Development
 * Guidelines").  Returns the plugin's exit status: 0 ok, 1 warning, 2 critical, 3 unknown. */
int watch_show_nagios(const struct watch_report *);
/* The same for an error that left no report: 3. */
int watch_show_nagios_error(const struct err *);

#endif
