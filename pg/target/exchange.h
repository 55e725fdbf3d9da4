/*
 * exchange.h - a database takes another's name, and the other is renamed, in one transaction.
 *
 * ALTER DATABASE ... RENAME is allowed in a transaction.  It takes a lock for which every session
 * that begins in the database waits, and then waits itself, up to five seconds, until no session is
 * left in it.  So:
 *
 *   1. The new database is renamed to an unused name: from here on nobody can connect to it.
 *   2. The old one is set aside, and the new one gets its name.
 *   3. COMMIT.  Clients that waited to connect get an error that the database is gone, and connect
 *      again.
 *
 * A second connection ends the sessions in a database once the first has its lock (ender.h); none
 * while the first waits for a lock, up to three seconds.  A session that only a superuser may end
 * is named.
 *
 * No setting that would stay keeps sessions out: killed at any moment, the tool leaves either the
 * old state or the new one, and the server decides which.  When the answer is lost, the backend
 * that may still be at work is ended, and the server asked which database has the name.
 */
#ifndef PG_TARGET_EXCHANGE_H
#define PG_TARGET_EXCHANGE_H

#include <stdbool.h>

#include "pg/conn/conn.h"

struct exchange {
    const char *take;          /* the database that is to get the name; NULL: none, the one that
                                  has it only gives it up (aside is not NULL then) */
    const char *name;          /* the name */
    const char *aside;         /* the new name of the one that has it now; NULL: none has it */
    const char *aside_comment; /* its comment from then on; NULL: none */
    const char *comment;       /* the other's comment */
    bool        keep_comment;  /* the other's stays as it is */
    const char *also;          /* statements about take for the same transaction, each with its
                                  semicolon; NULL: none */
    PGconn **last;             /* a session in the one that is set aside, to be closed and made NULL
                                  when no other is left there; NULL: none (ender.h) */

    double outage_seconds; /* out: from the request for the name's lock to COMMIT */
    bool   unknown; /* out, of a failure: the connection was lost, and for half a minute the server
                       could not be asked for the result */
};

/* conn: in a third database, as a role that owns both; server: where conn is, to connect again.
 * -1: nothing has changed, unless it is unknown. */
int exchange_run(const struct pg_target *server, PGconn *conn, struct exchange *, struct err *);

#endif
