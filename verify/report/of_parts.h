/*
 * of_parts.h - the parts of a result that only some have: the administrator's checks, targets,
 * times, a self-test.
 */
#ifndef VERIFY_REPORT_OF_PARTS_H
#define VERIFY_REPORT_OF_PARTS_H

#include "core/json.h"

/* Facts, checks and tables of a report; result: what --json prints. */
void report_add_parts(json_t *report, const json_t *result);

#endif
