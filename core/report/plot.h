/*
 * plot.h - numbers over time, as the coordinates of a drawing.
 *
 * A plot of a report (docs/schema/report.json) has "title", "unit" ("bytes", "seconds", "count"),
 * "series" of "name" and "points" ([seconds since 1970, value], by time), and "limits" of "name"
 * and "value".  The drawing has everything that a template needs: lines, dots, a grid with its
 * labels, the time below, the last value of each series.  It begins at 0: a reader compares
 * heights.
 */
#ifndef CORE_REPORT_PLOT_H
#define CORE_REPORT_PLOT_H

#include "core/json.h"

/* A new object; plot is only read. */
json_t *plot_draw(const json_t *plot);

#endif
