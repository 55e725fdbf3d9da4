#include "restore/job/target_server.h"

#include <string.h>

struct pg_target
target_server(const struct options *o)
{
    return (struct pg_target){.conninfo = o->conninfo,
                              .host = o->host,
                              .port = o->port,
                              .user = o->user,
                              .role = o->role};
}

PGconn *
target_server_connect(const struct pg_target *server, struct err *e)
{
    static const char *const names[] = {"postgres", "template1"};
    PGconn                  *conn = NULL;

    for (size_t i = 0; conn == NULL && i < sizeof names / sizeof names[0]; i++) {
        struct pg_target t = *server;
        t.dbname = names[i];
        conn = pg_connect(&t, PG_RESTORING, "pgassay-restore", e);
        if (conn == NULL && strstr(e->text, "does not exist") == NULL) {
            break;
        }
    }
    if (conn == NULL) {
        err_wrap(e, "connecting to the target server");
    }
    return conn;
}
