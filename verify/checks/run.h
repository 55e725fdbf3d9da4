/*
 * run.h - making the administrator's checks: of a copy, or of a running database.
 *
 * A check that fails is a difference, one that could not be made is something not compared: neither
 * is ever a pass.  Both are findings of the group "checks"; what each found is in the result.
 */
#ifndef VERIFY_CHECKS_RUN_H
#define VERIFY_CHECKS_RUN_H

#include "pg/conn/conn.h"
#include "verify/checks/own.h"
#include "verify/job/result.h"

/* Queries and newest rows.  Of a copy: target is its superuser's. */
int checks_ask(const struct own_checks *, const struct pg_target *, bool is_copy, time_t moment,
               struct verify_result *, struct err *);
/* Commands: last of all, since they may change the copy. */
int checks_command(const struct own_checks *, const struct pg_target *, struct verify_result *,
                   struct err *);

#endif
