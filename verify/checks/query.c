/*
 * query.c - a query, and what is expected of what it gives.
 */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/mem.h"
#include "verify/checks/session.h"

enum { ROWS_SHOWN = 5, VALUE_SHOWN = 80 };

static void
add_value(struct buf *out, const PGresult *res, int row, int column)
{
    struct err  never = ERR_INIT;
    const char *value = PQgetisnull(res, row, column) ? "null" : PQgetvalue(res, row, column);

    (void)buf_printf(out, &never, "%s%s=%.*s%s", column > 0 ? ", " : "", PQfname(res, column),
                     VALUE_SHOWN, value, strlen(value) > VALUE_SHOWN ? "..." : "");
}

/* "2 rows: id=3, name=x; id=9, name=y". */
static char *
show_rows(const PGresult *res)
{
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    int        n = PQntuples(res);
    char      *text, count[48];

    (void)buf_printf(
        &out, &never, "%s%s", n == OWN_ROWS ? "more than " : "",
        count_human((uint64_t)(n == OWN_ROWS ? n - 1 : n), "row", count, sizeof count));
    for (int row = 0; row < n && row < ROWS_SHOWN; row++) {
        (void)buf_puts(&out, row == 0 ? ": " : "; ", &never);
        for (int column = 0; column < PQnfields(res); column++)
            add_value(&out, res, row, column);
    }
    (void)buf_puts(&out, n > ROWS_SHOWN ? "; ..." : "", &never);
    text = xstrdup(buf_str(&out));
    buf_free(&out);
    return text;
}

static int
judge(const struct own_check *k, const PGresult *res, struct own_outcome *out, struct err *e)
{
    const char *value;
    bool        met = false;

    out->what = "is not as expected";
    out->want = xstrdup(k->expect_text);
    if (k->expect.kind == EXPECT_NO_ROWS) {
        out->have = show_rows(res);
        out->state = PQntuples(res) == 0 ? OWN_MET : OWN_MISSED;
        return 0;
    }
    if (PQntuples(res) != 1 || PQnfields(res) != 1) {
        char *rows = show_rows(res);

        err_set(e, ERR_PG, "one value is expected, and the query gives %s", rows);
        free(rows);
        return -1;
    }
    value = PQgetisnull(res, 0, 0) ? NULL : PQgetvalue(res, 0, 0);
    if (expect_judge(&k->expect, value, &met, e) != 0)
        return -1;
    out->have = value == NULL ? xstrdup("null") : xasprintf("%.*s", 4 * VALUE_SHOWN, value);
    out->state = met ? OWN_MET : OWN_MISSED;
    return 0;
}

int
own_query(const struct own_check *k, const struct own_place *p, struct own_outcome *out,
          struct err *e)
{
    PGconn   *conn = own_session(k, p, e);
    PGresult *res = conn == NULL ? NULL : own_first_rows(conn, k, k->text, e);
    int       rc = res == NULL ? -1 : judge(k, res, out, e);

    PQclear(res);
    pg_close(conn);
    if (rc != 0 && strcmp(e->sqlstate, "42P01") == 0 && k->search_path == NULL)
        err_wrap(e, "tables are found by schema and name, or in search-path");
    return rc;
}
