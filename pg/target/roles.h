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

/* The comment of roles that are made for a copy and go with it: who finds one after a kill knows
 * what it is. */
#define ROLES_TEMPORARY "pgassay: made for a copy, and dropped with it"

/* Called for each statement that fails, which does not stop the rest; role is what it is about.
 * The text of a problem never holds a statement: CREATE ROLE has password hashes in it. */
typedef void roles_problem_fn(void *ctx, const char *role, const struct err *);

struct roles_wish {
    const char *globals_sql; /* pg_dumpall --globals-only */
    bool        temporary;   /* each that is made has ROLES_TEMPORARY as its comment, from the
                                first moment on and instead of its own */
    roles_problem_fn *problem;
    void             *ctx;
    struct strlist   *left; /* gets the grants that are left to the target, and that it lacks; NULL:
                               not wanted */
};

/* -1 only when nothing can be done. */
int roles_create(PGconn *, const struct roles_wish *, struct err *);

#endif
