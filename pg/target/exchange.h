/*
 * exchange.h - a database takes another's name, which gets one of its own, in one transaction.
 *
 * ALTER DATABASE ... RENAME may stand in a transaction.  It takes a lock for which every session
 * that begins in the database waits, and then waits itself, up to five seconds, until no session is
 * left in it.  So:
 *
 *   1. The new database is renamed, to a name that nobody uses: from here on nobody comes in.
 *   2. The old one is set aside, and the new one gets its name.
 *   3. COMMIT.  Who has waited to come in is told that the database is gone, and connects anew.
 *
 * A second connection ends the sessions that are in a database whose lock the first has got, until
 * the end; nobody while it waits for a lock, which it does for three seconds.  A session that only
 * a superuser may end is left out, and then named.
 *
 * Nothing is barred by a setting that would stay: killed at any moment, the tool leaves either the
 * old state or the new one, and the server decides which.  When the answer is lost, the backend
 * that may be at it still is ended, and the server asked who has the name.
 */
#ifndef PG_TARGET_EXCHANGE_H
#define PG_TARGET_EXCHANGE_H

#include <stdbool.h>

#include "pg/conn/conn.h"

struct exchange {
    const char *take;          /* the database that is to have the name */
    const char *name;          /* the name */
    const char *aside;         /* the name of the one that has it now; NULL: nobody has it */
    const char *aside_comment; /* its comment from then on; NULL: none */
    const char *comment;       /* that of the other */
    bool        keep_comment;  /* the other's stays as it is */

    double outage_seconds; /* out: from the request for the name's lock to COMMIT */
    bool   unknown;        /* out, of a failure: the connection was lost, and for half a minute the
                            * server could not be asked what has become of it */
};

/* conn: in a third database, as a role that owns both; server: where conn is, to connect again.
 * -1: nothing has changed, unless it is unknown. */
int exchange_run(const struct pg_target *server, PGconn *conn, struct exchange *, struct err *);

#endif
