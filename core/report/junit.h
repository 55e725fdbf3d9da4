/*
 * junit.h - a report (docs/schema/report.json) as JUnit XML, which CI systems read: a test case for
 * each check.
 *
 * What differs or is wrong is a failure, what could not be looked at an error, what does not apply
 * is skipped, and notes are the output of their check.
 */
#ifndef CORE_REPORT_JUNIT_H
#define CORE_REPORT_JUNIT_H

#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"

int junit_xml(const json_t *report, struct buf *out, struct err *);

#endif
