/* into_left.c - schemas that a restore is making, or has left half made. */
#include <stdlib.h>
#include <string.h>

#include "pg/target/halfmade.h"
#include "restore/part/into_schema.h"
#include "restore/part/into_schema_impl.h"

/* What there is to say of it; allocated. */
static char *
fate(PGconn *conn, const char *schema)
{
    char *lock = xasprintf("schema %s", schema), *ident = pg_ident(schema), *doing = NULL, *text;
    bool  back = strcmp(schema, INTO_PASSING) == 0;

    if (halfmade_is_free(conn, lock)) {
        text = xasprintf(
            "schema \"%s\": %s was interrupted, and has changed nothing else: the same "
            "command once more removes it, and begins anew; or SQL: DROP SCHEMA %s "
            "CASCADE;",
            schema, back ? "a --put-back" : "an --into-schema", ident);
    } else {
        (void)halfmade_holder(conn, lock, &doing);
        text = xasprintf("schema \"%s\": %s is making it%s%s%s", schema,
                         back ? "a --put-back" : "an --into-schema", doing == NULL ? "" : " (",
                         doing == NULL ? "" : doing, doing == NULL ? "" : ")");
    }
    free(doing);
    free(lock);
    free(ident);
    return text;
}

int
into_schema_left(PGconn *conn, struct strlist *lines, struct err *e)
{
    static const char sql[] =
        "SELECT nspname FROM pg_catalog.pg_namespace WHERE pg_catalog.obj_description(oid, "
        "'pg_namespace') = $1 ORDER BY 1";
    const char *params[] = {INTO_HALF_MADE};
    PGresult   *res = pg_query(conn, e, sql, 1, params);

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        strlist_take(lines, fate(conn, PQgetvalue(res, i, 0)));
    }
    PQclear(res);
    return res == NULL ? -1 : 0;
}

int
into_schema_busy(PGconn *conn, const char *schema, struct err *e)
{
    char *lock = xasprintf("schema %s", schema), *doing;
    int   pid = halfmade_holder(conn, lock, &doing);

    err_set(e, ERR_BUSY, "another restore is at work on schema \"%s\"%s%s%s", schema,
            pid == 0 ? "" : " (", pid == 0 ? "" : doing, pid == 0 ? "" : ")");
    if (pid != 0) {
        err_hint(e,
                 "wait for it, or end it; if it was killed, the server ends its session after that "
                 "statement, or at once by SELECT pg_terminate_backend(%d)",
                 pid);
    }
    free(lock);
    free(doing);
    return -1;
}
