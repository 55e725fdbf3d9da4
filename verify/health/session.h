/*
 * session.h - a session that looks at a server and changes nothing: read only, with limits for
 * every statement and lock; and what it means when there is none.
 */
#ifndef VERIFY_HEALTH_SESSION_H
#define VERIFY_HEALTH_SESSION_H

#include "verify/health/check.h"

/* Connects within limits->timeout_s (unless the connection string has a connect_timeout), and
 * fills in conn, version, standby and rights.  -1 and *e. */
int  session_open(struct health *, const struct pg_target *, struct err *);
void session_close(struct health *);
/* The finding of the check "connection" for such an error: is the server down, the network, the
 * role, are all connections taken, is it starting, does it hang?  For ERR_USAGE and
 * ERR_INTERRUPTED there is none. */
bool session_diagnose(struct health *, const struct err *);

#endif
