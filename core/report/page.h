/*
 * page.h - a report (docs/schema/report.json) as one page that needs nothing else: no script, no
 * network, readable on paper and on a phone.
 *
 * How it looks is in page.html, which is part of the program.
 */
#ifndef CORE_REPORT_PAGE_H
#define CORE_REPORT_PAGE_H

#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"

int page_html(const json_t *report, struct buf *out, struct err *);

#endif
