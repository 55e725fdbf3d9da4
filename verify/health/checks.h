/*
 * checks.h - the tables of checks, and what their queries and judges share.
 */
#ifndef VERIFY_HEALTH_CHECKS_H
#define VERIFY_HEALTH_CHECKS_H

#include <math.h>

#include "verify/health/check.h"

extern const struct health_check sessions_checks[], locks_checks[], replication_checks[],
    space_checks[], objects_checks[], xid_checks[], xid_ages[];

/* "session 4711 (web as app in shop)", of a row of pg_stat_activity. */
#define WHO(a)                                                                                     \
    "format('session %s (%s as %s in %s)', " a ".pid, coalesce(nullif(" a                          \
    ".application_name, ''), 'no name'), coalesce(" a ".usename, '?'), coalesce(" a                \
    ".datname, "                                                                                   \
    "'?'))"

/* Programs of this suite, and pg_dump: they leave a transaction open while others work, on
 * purpose. */
#define NOT_OURS(a)                                                                                \
    " " a                                                                                          \
    ".application_name !~ '^(pgassay-(backup|verify|restore|storage)( |$)|pg_dump(all)?( |$))' "

#endif
