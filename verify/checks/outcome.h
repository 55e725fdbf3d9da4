/*
 * outcome.h - what became of one check of the administrator's.
 */
#ifndef VERIFY_CHECKS_OUTCOME_H
#define VERIFY_CHECKS_OUTCOME_H

#include "verify/checks/own.h"

struct pg_target;

enum own_state { OWN_NOT_MADE, OWN_MET, OWN_MISSED };

struct own_outcome {
    enum own_state state;
    const char    *what;        /* of a finding; a constant */
    char          *want, *have; /* owned; NULL: nothing to show */
};

/* Where a database is asked. */
struct own_place {
    const struct pg_target *target; /* as whom */
    bool    is_copy; /* by a role that can only read, on a server that nobody needs */
    int64_t moment;  /* that its data is of: a Unix time */
};

/* -1: it could not be made.  want and have may be set even then. */
typedef int  own_check_fn(const struct own_check *, const struct own_place *, struct own_outcome *,
                          struct err *);
own_check_fn own_query, own_newest, own_command; /* each in a file of its own */

#endif
