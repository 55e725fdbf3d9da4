/*
 * roles.h - the roles of a backup's globals, created where they are missing.
 *
 * Only roles: tablespaces are never created.  An existing role is left unchanged: its attributes,
 * settings, password and privileges belong to the target, and so do those of PUBLIC.  Memberships
 * are granted when either side is new, privileges on parameters (15) and on tablespaces that are
 * there to new roles; by the restoring role, not the original grantor.
 */
#ifndef PG_TARGET_ROLES_H
#define PG_TARGET_ROLES_H

#include "core/mem.h"
#include "pg/conn/conn.h"

/* Called for each statement that fails, which does not stop the rest; role is what it is about. */
typedef void roles_problem_fn(void *ctx, const char *role, const struct err *);

/* globals_sql: pg_dumpall --globals-only.  -1 only when nothing can be done.  The text of
 * a problem never holds a statement: CREATE ROLE has password hashes in it. */
/* left (NULL: not wanted) gets the grants that are left to the target, and that it lacks. */
int roles_create(PGconn *, const char *globals_sql, roles_problem_fn *, void *ctx,
                 struct strlist *left, struct err *);

#endif
