/*
 * watch.h - what a look at something that is watched found: how bad, what it means, what to do.
 *
 * Each check leaves one status, the worst of its findings.  A check that could not be made is a
 * finding of its own (WATCH_UNKNOWN), never a pass; one that does not apply (a
 * standby's on a primary) is skipped, and says why.  Facts and metrics are for the reader: they
 * change no status.  Everything is copied, and lives as long as the report.
 */
#ifndef CORE_REPORT_WATCH_H
#define CORE_REPORT_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/json.h"
#include "core/mem.h"

/* The worst last. */
enum watch_severity {
    WATCH_SKIPPED,
    WATCH_OK,
    WATCH_UNKNOWN,
    WATCH_WARNING,
    WATCH_CRITICAL,
};

struct watch_finding {
    enum watch_severity severity;
    const char         *check;  /* filled in by watch_find() */
    const char         *object; /* "database shop", "session 4711 (web of shop)" */
    const char         *what;   /* "is 93% on its way to wraparound" */
    const char         *means;  /* the consequence, one clause; NULL: it is plain */
    const char         *action; /* what to do */
    const char *command; /* SQL or a command line: what to look at, or what mends it; NULL: none */
    const char *detail;  /* further lines, "\n" between; NULL: none */
};

struct watch_check {
    const char         *name;
    enum watch_severity severity;
    const char         *why; /* of a skipped one; else NULL */
};

/* For monitoring: limits are NAN where there are none. */
struct watch_metric {
    const char *name, *unit; /* unit: "", "s", "B", "%", "c" (a counter), as Nagios has them */
    double      value, warning, critical;
};

struct watch_report {
    const char           *verb; /* "health", "xid": literals */
    const char           *server;
    struct watch_finding *findings;
    size_t                n_findings, cap_findings;
    struct watch_check   *checks;
    size_t                n_checks, cap_checks;
    struct watch_metric  *metrics;
    size_t                n_metrics, cap_metrics;
    json_t               *facts; /* an object; owned */
    struct strlist        lines; /* facts for people: "cache hits  99.2 %" */
    double                seconds;
    struct strlist        texts; /* owns what the others point to */
};

void watch_init(struct watch_report *, const char *verb);
void watch_free(struct watch_report *);

/* A text that lives as long as the report. */
const char *watch_text(struct watch_report *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* From here on findings belong to this check. */
void watch_begin(struct watch_report *, const char *check);
void watch_skip(struct watch_report *, const char *why);
/* Raises the status of the current check. */
void watch_find(struct watch_report *, struct watch_finding);
void watch_metric(struct watch_report *, struct watch_metric);
/* "name" and text in a line of their own. */
void watch_line(struct watch_report *, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The worst of all: WATCH_OK when everything that applies was looked at and is good. */
enum watch_severity watch_worst(const struct watch_report *);
size_t              watch_count(const struct watch_report *, enum watch_severity);
/* Findings, the worst first, those of one severity in their order. */
void watch_sort(struct watch_report *);
/* "ok", "warning", "critical", "unknown", "skipped". */
const char *watch_severity_text(enum watch_severity);

#endif
