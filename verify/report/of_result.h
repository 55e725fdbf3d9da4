/*
 * of_result.h - a drill, live, objects, chain or key-drill as a report.
 */
#ifndef VERIFY_REPORT_OF_RESULT_H
#define VERIFY_REPORT_OF_RESULT_H

#include "core/json.h"

/* result: what --json prints (docs/json.md, "pgassay-verify"). */
json_t *report_of_result(const json_t *result);

#endif
