#include "restore/part/live_session.h"

#include <string.h>

PGconn *
live_session(struct restore *r, struct err *e)
{
    struct pg_target t = r->server;
    PGconn          *conn;

    t.dbname = r->name;
    if ((conn = pg_connect(&t, PG_RESTORING, "pgassay-restore", e)) == NULL) {
        err_wrap(e, "connecting to database \"%s\"", r->name);
    }
    return conn;
}

const char *
live_other_encoding(const struct restore *r, PGconn *conn)
{
    const char *was = json_opt_str(r->manifest->database, "encoding", NULL);
    const char *is = PQparameterStatus(conn, "server_encoding");

    return was == NULL || is == NULL || strcmp(was, is) == 0 ? NULL : was;
}

int
live_session_begin(struct restore *r, PGconn *conn, const char *isolation, struct err *e)
{
    return pg_execf(conn, e,
                    "SET synchronous_commit = on; BEGIN ISOLATION LEVEL %s; SET CONSTRAINTS ALL "
                    "DEFERRED%s",
                    isolation,
                    r->o->disable_triggers ? "; SET LOCAL session_replication_role = replica" : "");
}
