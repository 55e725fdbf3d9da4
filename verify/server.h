/*
 * server.h - health and xid: a running server, for people, JSON and Nagios.
 */
#ifndef VERIFY_SERVER_H
#define VERIFY_SERVER_H

#include "verify/job/options.h"

/* Both print what they found, and return the exit status; -1 when they could not look, with the
 * error not printed yet. */
int server_health(struct options *, struct err *);
int server_xid(struct options *, struct err *);
/* The status of such an error: with --nagios UNKNOWN, after a line on stdout. */
int server_error_status(const struct options *, const struct err *);

#endif
