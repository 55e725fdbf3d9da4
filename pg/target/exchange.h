/*
 * exchange.h - a database takes another's name, which gets one of its own, in one transaction.
 *
 * ALTER DATABASE ... RENAME may stand in a transaction.  It takes a lock for which every session
 * that begins in the database waits, and then waits itself, up to five seconds, until no session is
 * left in it.  So:
 *
 *   1. The new database is renamed, to a name that nobody uses: from here on nobody comes in.
 *   2. The old one is set aside, and the new one gets its name.  A second connection ends the
 *      sessions that are in either for as long as the first waits.
 *   3. COMMIT.  Who has waited to come in is told that the database is gone, and connects anew.
 *
 * Nothing is barred by a setting that would stay: killed at any moment, the tool leaves either the
 * old state or the new one, and the server decides which.  When the answer is lost, it is asked who
 * has the name.
 */
#ifndef PG_TARGET_EXCHANGE_H
#define PG_TARGET_EXCHANGE_H

#include "pg/conn/conn.h"

struct exchange {
    const char *take;          /* the database that is to have the name */
    const char *name;          /* the name */
    const char *aside;         /* the name of the one that has it now; NULL: nobody has it */
    char       *aside_comment; /* its comment from then on; NULL: none.  The caller frees both */
    char       *comment;       /* that of the other */

    double outage_seconds; /* out: from the first session that was ended to COMMIT */
};

/* conn: in a third database, as a role that owns both; server: where conn is, to connect again.
 * ERR_PG: nothing has changed.  ERR_INTERRUPTED: likewise, after a signal.  ERR_IO: the connection
 * was lost, and the server cannot be asked what has become of it. */
int exchange_run(const struct pg_target *server, PGconn *conn, struct exchange *, struct err *);

#endif
