/*
 * target_server.h - the server to restore into, as the options name it.
 */
#ifndef RESTORE_JOB_TARGET_SERVER_H
#define RESTORE_JOB_TARGET_SERVER_H

#include "pg/conn/conn.h"
#include "restore/job/options.h"

/* Without a database; borrows from the options. */
struct pg_target target_server(const struct options *);
/* To "postgres", or if there is none, template1: any will do to create or rename another from.
 */
PGconn *target_server_connect(const struct pg_target *, struct err *);

#endif
