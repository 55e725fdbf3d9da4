/*
 * xid.h - the age of XIDs and multixacts: databases, tables, what holds the horizon, days left.
 *
 * xid_checks (checks.h) are about the cluster, and xid_ages the first of them; tables are seen only
 * from within their database.
 */
#ifndef VERIFY_HEALTH_XID_H
#define VERIFY_HEALTH_XID_H

#include "verify/health/check.h"

/* So many XIDs there are before the oldest is one of the future. */
#define XID_SPACE (INT64_C(1) << 31)

/* The oldest tables of the database that the session is in, as a check of its own. */
void xid_tables(struct health *, const char *database);

#endif
