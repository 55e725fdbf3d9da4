/*
 * result_parts.h - the parts of a verdict that are lists: the administrator's checks, times,
 * targets.
 *
 * Each is the JSON that is printed, as it is; the functions here add to it, and print it for
 * people.
 */
#ifndef VERIFY_JOB_RESULT_PARTS_H
#define VERIFY_JOB_RESULT_PARTS_H

#include "verify/job/result.h"

struct result_check { /* state: 1 met, 0 missed, -1 could not be made */
    const char *name, *kind, *want, *have;
    int         state;
    double      seconds;
};
void result_add_check(struct verify_result *, const struct result_check *);

/* What took how long: "server", "rows" ...; several times of one name are added. */
void result_add_time(struct verify_result *, const char *name, double seconds);

/* "rto", "rpo". */
void result_add_target(struct verify_result *, const char *name, double want_s, double have_s);

/* Into the document of a drill or a live comparison. */
void result_parts_json(const struct verify_result *, json_t *);
void result_parts_print(const struct verify_result *);
void result_parts_free(struct verify_result *);

#endif
