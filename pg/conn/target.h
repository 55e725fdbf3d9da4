/*
 * target.h - where the server's address comes from: command line, environment, configuration file.
 *
 * In this order, for host, port and user each; if none of them sets it, libpq's default applies.
 * If an option and a connection string come from the same source, the option counts on the command
 * line; in the file the connection string, which is a database's own.
 */
#ifndef PG_CONN_TARGET_H
#define PG_CONN_TARGET_H

#include "core/cli/opts.h"
#include "pg/conn/conn.h"

/* host, port and user have the values of the options "host", "port" and "username" (of which the
 * environment has PGHOST, PGPORT, PGUSER): those that the connection string overrides are removed.
 * conninfo_given: it comes from the command line. */
void pg_target_settle(struct pg_target *, const struct opts_result *, bool conninfo_given);

/* The connection string without this key; allocated.  NULL: it does not have it, or cannot be
 * parsed. */
char *pg_conninfo_without(const char *conninfo, const char *key);

#endif
