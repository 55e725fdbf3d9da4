/*
 * newest.c - is the newest row of a table recent enough?
 *
 * Rows that are dated after the moment do not count: one of them would make all the others fresh.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/mem.h"
#include "verify/checks/session.h"

/* Without a search path: the only table of that name. */
static const char schema_sql[] =
    "SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
    "c.relnamespace WHERE c.relname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND CASE WHEN "
    "$2 "
    "THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname <> 'information_schema' AND "
    "n.nspname "
    "!~ '^pg_' END";

static char *
schema_of(PGconn *conn, const struct own_check *k, struct err *e)
{
    const char *params[] = {k->column.table, k->search_path != NULL ? "t" : "f"};
    PGresult   *res;
    char       *schema = NULL;

    if (k->column.schema != NULL)
        return xstrdup(k->column.schema);
    if ((res = pg_query(conn, e, schema_sql, 2, params)) == NULL)
        return NULL;
    if (PQntuples(res) == 1)
        schema = xstrdup(PQgetvalue(res, 0, 0));
    else if (PQntuples(res) == 0)
        err_set(e, ERR_PG, "there is no table \"%s\"", k->column.table);
    else
        err_set(e, ERR_PG, "several schemas have a table \"%s\": which one?", k->column.table);
    PQclear(res);
    return schema;
}

static PGresult *
newest(PGconn *conn, const struct own_check *k, int64_t moment, struct err *e)
{
    char     *schema = schema_of(conn, k, e), *table, *column, *sql;
    PGresult *res;

    if (schema == NULL)
        return NULL;
    table = pg_qualified(schema, k->column.table);
    column = pg_ident(k->column.name);
    sql = xasprintf(
        "SELECT pg_catalog.date_part('epoch', t), t FROM (SELECT pg_catalog.max(%s)"
        "::pg_catalog.timestamptz AS t FROM %s WHERE %s <= pg_catalog.to_timestamp(%" PRId64
        ")) AS newest",
        column, table, column, moment);
    res = own_first_rows(conn, k, sql, e);
    free(schema);
    free(table);
    free(column);
    free(sql);
    return res;
}

static void
judge(const struct own_check *k, const struct own_place *p, const PGresult *res,
      struct own_outcome *out)
{
    bool   any = PQntuples(res) == 1 && !PQgetisnull(res, 0, 0);
    double age = any ? (double)p->moment - strtod(PQgetvalue(res, 0, 0), NULL) : 0;
    char   limit[32], at[32], before[32];

    out->what = "the newest row is too old";
    out->want = xasprintf("not older than %s before %s",
                          duration_human((double)k->not_older_s, limit, sizeof limit),
                          time_rfc3339((time_t)p->moment, at, sizeof at));
    out->have = any ? xasprintf("%s, %s before it", PQgetvalue(res, 0, 1),
                                duration_human(age, before, sizeof before))
                    : xstrdup("no row");
    out->state = any && age <= (double)k->not_older_s ? OWN_MET : OWN_MISSED;
}

int
own_newest(const struct own_check *k, const struct own_place *p, struct own_outcome *out,
           struct err *e)
{
    PGconn   *conn = own_session(k, p, e);
    PGresult *res = conn == NULL ? NULL : newest(conn, k, p->moment, e);

    if (res != NULL)
        judge(k, p, res, out);
    PQclear(res);
    pg_close(conn);
    return res == NULL ? -1 : 0;
}
