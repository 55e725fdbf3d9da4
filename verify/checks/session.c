#include "verify/checks/session.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

enum { PATIENCE_S = 30 }; /* beyond the statement's timeout: for a server that does not keep it */

static int
ask(PGconn *conn, const struct own_check *k, const char *sql, PGresult **res, struct err *e)
{
    *res = pg_query_within(conn, (k->timeout_s + PATIENCE_S) * 1000, e, sql);
    if (*res != NULL)
        return 0;
    if (strcmp(e->sqlstate, "57014") == 0) {
        err_clear(e);
        return err_set(e, ERR_PG, "it did not end within %d s (timeout)", k->timeout_s);
    }
    return -1;
}

static int
ask_only(PGconn *conn, const struct own_check *k, const char *sql, struct err *e)
{
    PGresult *res;
    int       rc = ask(conn, k, sql, &res, e);

    PQclear(res);
    return rc;
}

/* A superuser's view runs whatever functions its owner put there: on a live database only others
 * read views (see restrict_nonsystem_relation_kind in pg/conn/session.c). */
static int
allow_views(PGconn *conn, const struct own_place *p, struct err *e)
{
    const char *super = PQparameterStatus(conn, "is_superuser");

    if (!p->is_copy && (super == NULL || strcmp(super, "off") != 0))
        return 0;
    return pg_exec(conn, e,
                   "SELECT pg_catalog.set_config('restrict_nonsystem_relation_kind', '', false) "
                   "WHERE pg_catalog.current_setting('restrict_nonsystem_relation_kind', true) IS "
                   "NOT NULL");
}

static int
set_path(PGconn *conn, const struct own_check *k, struct err *e)
{
    const char *params[] = {k->search_path};
    PGresult   *res;

    if (k->search_path == NULL)
        return 0;
    res = pg_query(conn, e, "SELECT pg_catalog.set_config('search_path', $1, false)", 1, params);
    PQclear(res);
    return res == NULL ? -1 : 0;
}

PGconn *
own_session(const struct own_check *k, const struct own_place *p, struct err *e)
{
    PGconn *conn = pg_connect(p->target, PG_READING, "pgassay-verify", e);

    if (conn == NULL)
        return NULL;
    if (allow_views(conn, p, e) != 0 || set_path(conn, k, e) != 0 ||
        pg_execf(conn, e,
                 "SET statement_timeout = %d; SET default_transaction_read_only = on; "
                 "BEGIN READ ONLY",
                 k->timeout_s * 1000) != 0) {
        pg_close(conn);
        return NULL;
    }
    return conn;
}

PGresult *
own_first_rows(PGconn *conn, const struct own_check *k, const char *query, struct err *e)
{
    char     *sql = xasprintf("DECLARE pgassay_check NO SCROLL CURSOR FOR %s", query);
    char     *fetch = xasprintf("FETCH %d FROM pgassay_check", OWN_ROWS);
    PGresult *res = NULL;

    if (ask_only(conn, k, sql, e) == 0)
        (void)ask(conn, k, fetch, &res, e);
    free(sql);
    free(fetch);
    return res;
}
