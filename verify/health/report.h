/*
 * report.h - what a look at a server found: how bad, what it means, what to do.
 *
 * Each check leaves one status, the worst of its findings.  A check that could not be made is a
 * finding of its own (HEALTH_UNKNOWN), never a pass; one that does not apply to this server (a
 * standby's on a primary) is skipped, and says why.  Facts and metrics are for the reader: they
 * change no status.  Everything is copied, and lives as long as the report.
 */
#ifndef VERIFY_HEALTH_REPORT_H
#define VERIFY_HEALTH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/json.h"
#include "core/mem.h"

/* The worst last. */
enum health_severity {
    HEALTH_SKIPPED,
    HEALTH_OK,
    HEALTH_UNKNOWN,
    HEALTH_WARNING,
    HEALTH_CRITICAL,
};

struct health_finding {
    enum health_severity severity;
    const char          *check;  /* filled in by report_find() */
    const char          *object; /* "database shop", "session 4711 (web of shop)" */
    const char          *what;   /* "is 93% on its way to wraparound" */
    const char          *means;  /* the consequence, one clause; NULL: it is plain */
    const char          *action; /* what to do */
    const char          *sql;    /* what to look at, or what mends it; NULL: none */
    const char          *detail; /* further lines, "\n" between; NULL: none */
};

struct health_check_status {
    const char          *name;
    enum health_severity severity;
    const char          *why; /* of a skipped one; else NULL */
};

/* For monitoring: limits are NAN where there are none. */
struct health_metric {
    const char *name, *unit; /* unit: "", "s", "B", "%", "c" (a counter), as Nagios has them */
    double      value, warning, critical;
};

struct health_report {
    const char                 *verb; /* "health", "xid": literals */
    const char                 *server;
    struct health_finding      *findings;
    size_t                      n_findings, cap_findings;
    struct health_check_status *checks;
    size_t                      n_checks, cap_checks;
    struct health_metric       *metrics;
    size_t                      n_metrics, cap_metrics;
    json_t                     *facts; /* an object; owned */
    struct strlist              lines; /* facts for people: "cache hits  99.2 %" */
    double                      seconds;
    struct strlist              texts; /* owns what the others point to */
};

void report_init(struct health_report *, const char *verb);
void report_free(struct health_report *);

/* A text that lives as long as the report. */
const char *report_text(struct health_report *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* From here on findings belong to this check. */
void report_begin(struct health_report *, const char *check);
void report_skip(struct health_report *, const char *why);
/* Raises the status of the current check. */
void report_find(struct health_report *, struct health_finding);
void report_metric(struct health_report *, struct health_metric);
/* "name" and text in a line of their own. */
void report_line(struct health_report *, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The worst of all: HEALTH_OK when everything that applies was looked at and is good. */
enum health_severity report_worst(const struct health_report *);
size_t               report_count(const struct health_report *, enum health_severity);
/* Findings, the worst first, those of one severity in their order. */
void report_sort(struct health_report *);
/* "ok", "warning", "critical", "unknown", "skipped". */
const char *health_severity_text(enum health_severity);

#endif
