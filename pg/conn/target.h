/*
 * target.h - who says where the server is: command line, environment, configuration file.
 *
 * In this order, for host, port and user each; what none of them says is libpq's default.  A single
 * option and a connection string from the same place: the option counts, on the command line; in
 * the file it is the connection string, which is a database's own.
 */
#ifndef PG_CONN_TARGET_H
#define PG_CONN_TARGET_H

#include "core/cli/opts.h"
#include "pg/conn/conn.h"

/* host, port and user have the values of the options "host", "port" and "username" (of which the
 * environment has PGHOST, PGPORT, PGUSER): those to which the connection string is prior are taken
 * out.  conninfo_given: it comes from the command line. */
void pg_target_settle(struct pg_target *, const struct opts_result *, bool conninfo_given);

/* The connection string without this key; allocated.  NULL: it does not have it, or cannot be
 * understood. */
char *pg_conninfo_without(const char *conninfo, const char *key);

#endif
