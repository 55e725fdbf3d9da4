#include "restore/part/live.h"

#include <stdlib.h>

#include "restore/part/data_only.h"
#include "restore/part/into_schema.h"
#include "restore/part/undelete.h"

PGconn *
live_connect(struct restore *r, struct err *e)
{
    struct pg_target t = r->server;
    PGconn          *conn;

    t.dbname = r->name;
    if ((conn = pg_connect(&t, PG_RESTORING, "pgassay-restore", e)) == NULL) {
        err_wrap(e, "connecting to database \"%s\"", r->name);
    }
    return conn;
}

int
live_begin(struct restore *r, PGconn *conn, const char *isolation, struct err *e)
{
    return pg_execf(conn, e,
                    "SET synchronous_commit = on; BEGIN ISOLATION LEVEL %s; SET CONSTRAINTS ALL "
                    "DEFERRED%s",
                    isolation,
                    r->o->disable_triggers ? "; SET LOCAL session_replication_role = replica" : "");
}

int
live_run(struct restore *r, struct err *e)
{
    if (!r->has_archive && r->o->into_schema != NULL) {
        return err_set(e, ERR_USAGE,
                       "backup %s holds data only: it does not say how its tables are made",
                       r->label->id);
    }
    restore_phase(r, "server, preflight");
    if (target_open(r, e) != 0) {
        return -1;
    }
    if (r->o->into != NULL) {
        free(r->name);
        r->name = xstrdup(r->o->into);
    }
    if (r->o->into_schema != NULL) {
        return into_schema_run(r, e);
    }
    strlist_free(&r->needed); /* no tables are made here */
    return r->o->data_only ? data_only_run(r, e) : undelete_run(r, e);
}
