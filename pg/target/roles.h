/*
 * roles.h - the roles of a backup's globals, created where they are missing.
 *
 * Only roles: tablespaces are never created.  A role that is there already is left as it is: its
 * attributes, settings and password are the target's business.  Memberships are granted when either
 * side is new, privileges on parameters (15) to those who are new; by whoever restores, not by who
 * granted them.
 */
#ifndef PG_TARGET_ROLES_H
#define PG_TARGET_ROLES_H

#include "pg/conn/conn.h"

/* Called for each statement that fails, which does not stop the rest; role is what it is about. */
typedef void roles_problem_fn(void *ctx, const char *role, const struct err *);

/* globals_sql: pg_dumpall --globals-only.  -1 only when nothing can be done at all.  The text of
 * a problem never holds a statement: CREATE ROLE has password hashes in it. */
int roles_create(PGconn *, const char *globals_sql, roles_problem_fn *, void *ctx, struct err *);

#endif
