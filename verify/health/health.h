/*
 * health.h - a running server looked at: what five runbooks do by hand, in one go.
 *
 * No repository is needed, and nothing is written.  What was found is in the report; -1 is for what
 * is no statement about the server (ERR_USAGE, ERR_INTERRUPTED).
 */
#ifndef VERIFY_HEALTH_HEALTH_H
#define VERIFY_HEALTH_HEALTH_H

#include "storage/repo/repo.h"
#include "verify/health/check.h"

/* Every check.  That the server cannot be reached is the finding "connection". */
int health_run(const struct pg_target *, const struct health_limits *, struct watch_report *,
               struct err *);

/* Whose XIDs, and what backups and baselines say about the rate. */
struct xid_request {
    struct strlist databases; /* on the server */
    bool           connected; /* and the one that is connected to; neither: that, and those whose
                                 age is a finding */
    struct repo *repo;        /* NULL: the rate is not known */
    const char  *db;          /* its name there */
    const char  *no_rate;     /* why repo is NULL */
};
int xid_run(const struct pg_target *, const struct xid_request *, const struct health_limits *,
            struct watch_report *, struct err *);
/* The same for a look at one database that is about something else: what holds the horizon back is
 * looked at only if the role may. */
int xid_beside(const struct pg_target *, const struct xid_request *, const struct health_limits *,
               struct watch_report *, struct err *);

#endif
