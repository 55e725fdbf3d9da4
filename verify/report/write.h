/*
 * write.h - --report and --junit: a report into files, whole or not at all.
 */
#ifndef VERIFY_REPORT_WRITE_H
#define VERIFY_REPORT_WRITE_H

#include "core/json.h"
#include "verify/job/baseline.h"
#include "verify/job/options.h"
#include "verify/job/result.h"

/* Is any file asked for? */
bool report_asked(const struct options *);
/* Takes report.  --report FILE.json: the document itself; else the page. */
int report_write(const struct options *, json_t *report, struct err *);
/* A result, with the trend of its database where a backup was compared. */
int report_write_result(const struct options *, const struct verify_result *,
                        const struct baseline *, struct err *);

/* For a command that could not be run: an old report would else say that all is as it was.  Best
 * effort. */
void report_write_error(const struct options *, const char *verb, const struct err *why);

#endif
