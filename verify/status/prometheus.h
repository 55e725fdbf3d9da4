/*
 * prometheus.h - what stands in repositories, for node_exporter's textfile collector (Prometheus'
 * "Exposition formats", text format 0.0.4).
 *
 * docs/monitoring.md lists the metrics.  A moment of success is only ever set by a success: of a
 * repository that could not be read, the lines of the file before stay as they are, so that an
 * alert on their age fires, and no alert on absence is needed.
 */
#ifndef VERIFY_STATUS_PROMETHEUS_H
#define VERIFY_STATUS_PROMETHEUS_H

#include <time.h>

#include "core/report/watch.h"
#include "verify/status/places.h"

/* Written next to it and renamed, mode 0644: a scraper never sees half of it. */
int status_prometheus(const char *file, const struct watch_report *, const struct status_places *,
                      time_t      now, struct err *);

#endif
