#include "pg/snapshot/exported.h"

int
exported_begin(PGconn *conn, const char *id, struct err *e)
{
    return pg_exec(conn, e, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") != 0
        ? -1
        : pg_execf(conn, e, "SET TRANSACTION SNAPSHOT '%s'", id);
}
