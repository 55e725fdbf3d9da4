#include "restore/part/live_triggers.h"

#include <stdio.h>
#include <stdlib.h>

/* tgtype: 1 is FOR EACH ROW, 2 BEFORE, 4 INSERT, 16 UPDATE. */
static const char sql[] =
    "SELECT pg_catalog.string_agg(DISTINCT t.tgname::pg_catalog.text, ', ') FROM "
    "pg_catalog.pg_trigger t WHERE NOT t.tgisinternal AND (t.tgrelid = $1::pg_catalog.oid OR "
    "t.tgrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid))) AND "
    "t.tgtype & 3 = 3 AND t.tgtype & $2::pg_catalog.int4 <> 0 AND t.tgenabled IN ('A', CASE "
    "pg_catalog.current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END)";

int
live_triggers(PGconn *conn, const struct live_table *t, bool updated, char **names, struct err *e)
{
    char        oid[16];
    const char *params[] = {oid, updated ? "20" : "4"};
    PGresult   *res;

    *names = NULL;
    (void)snprintf(oid, sizeof oid, "%u", (unsigned)t->oid);
    if ((res = pg_query(conn, e, sql, 2, params)) == NULL) {
        return -1;
    }
    if (!PQgetisnull(res, 0, 0)) {
        *names = xstrdup(PQgetvalue(res, 0, 0));
    }
    PQclear(res);
    return 0;
}
