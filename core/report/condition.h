/*
 * condition.h - how things stand that somebody watches: one level for each check, and the worst of
 * them is the verdict.
 *
 * A finding (finding.h) says what differs; a condition says whether somebody must get up.  A check
 * that could not run is LEVEL_UNKNOWN, never LEVEL_OK.  Printed for people, as JSON, or in one line
 * as monitoring plugins do (Monitoring Plugins Development Guidelines: "Plugin Output for Nagios",
 * "Performance data").  Not thread-safe; everything is copied.
 */
#ifndef CORE_REPORT_CONDITION_H
#define CORE_REPORT_CONDITION_H

#include <stddef.h>
#include <stdio.h>

#include "core/json.h"
#include "core/mem.h"

/* The worse, the larger. */
enum level { LEVEL_OK, LEVEL_UNKNOWN, LEVEL_WARNING, LEVEL_CRITICAL };

struct condition {
    enum level  level;
    const char *check;  /* a code that never changes, as in JSON: "rpo", "connections" */
    const char *object; /* what it is about: a database, a slot; NULL: all of it */
    const char
        *text; /* one clause with the numbers: "the newest backup is 3 d old (target 26 h)" */
    const char
        *advice; /* the one thing to do, a command or SQL where there is any; NULL: nothing */
};

/* A number that is plotted. */
struct measure {
    const char *name;
    double      value, warn, critical; /* NAN: there is none */
    const char *unit;                  /* "s", "B", "%", "c" (counts up) or "" */
};

struct conditions {
    struct condition *v;
    size_t            n, cap;
    struct measure   *measures;
    size_t            n_measures, cap_measures;
    struct strlist    texts; /* owns what they point to */
};

const char *level_text(enum level); /* "ok", "unknown", "warning", "critical" */

void conditions_add(struct conditions *, struct condition);
void conditions_measure(struct conditions *, struct measure);
void conditions_free(struct conditions *);

/* LEVEL_OK when there is none. */
enum level conditions_worst(const struct conditions *);
/* EXIT_GOOD when all is well, else EXIT_DIFFERENT. */
int conditions_exit_status(const struct conditions *);

/* One line each, the worst first, and a line with what to do; what is well only when all is
 * asked for. */
void conditions_print(const struct conditions *, bool all, FILE *);
/* An array of objects: level, check, object, text, advice. */
json_t *conditions_json(const struct conditions *);
/* "PGASSAY CRITICAL: shop: the newest ... (and 2 more) | age=93s;93600", one line.  Returns the
 * plugin's exit status: 0 ok, 1 warning, 2 critical, 3 unknown. */
int conditions_nagios(const struct conditions *, const char *good, FILE *);

#endif
