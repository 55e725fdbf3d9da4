/*
 * control.h - what a drill's self-test did: in which ways the copy was damaged, and what of it was
 * noticed.
 */
#ifndef VERIFY_JOB_CONTROL_H
#define VERIFY_JOB_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/json.h"
#include "core/mem.h"

struct result_damage {
    const char *name, *check; /* "a row removed", by which check it must be noticed: "rows" */
    char       *object;       /* to which it was done */
    bool        noticed;
};

struct result_control {
    bool                  made; /* false: the rest is empty */
    struct result_damage *v;
    size_t                n, cap;
    struct strlist inapplicable, why; /* not made, as the database holds nothing of the kind (""),
                                         or could not be */
};

/* Its object is the control's from now on. */
void result_control_add(struct result_control *, const struct result_damage *);
/* why NULL: the database holds nothing that could be damaged so. */
void    result_control_inapplicable(struct result_control *, const char *name, const char *why);
size_t  result_control_noticed(const struct result_control *);
json_t *result_control_json(const struct result_control *);
/* One line, when it was made. */
void result_control_print(const struct result_control *);
void result_control_free(struct result_control *);

#endif
