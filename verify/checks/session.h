/*
 * session.h - one question to a database: read-only, one statement, with a time limit.
 *
 * It is sent as DECLARE ... CURSOR FOR it, by the extended protocol: no second statement fits in,
 * and what is not a SELECT is refused by the server.  At most OWN_ROWS are fetched, whatever it
 * gives. Each check has a session of its own, so that none meets another's settings.
 */
#ifndef VERIFY_CHECKS_SESSION_H
#define VERIFY_CHECKS_SESSION_H

#include "pg/conn/conn.h"
#include "verify/checks/outcome.h"

enum { OWN_ROWS = 11 };

PGconn *own_session(const struct own_check *, const struct own_place *, struct err *);
/* The first rows that it gives; the caller's (PQclear). */
PGresult *own_first_rows(PGconn *, const struct own_check *, const char *query, struct err *);

#endif
