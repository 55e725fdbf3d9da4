#include "pg/conn/jsonrows.h"

#include <stdlib.h>

#include "core/json.h"

/* pg_type.oid of types with a JSON type of their own (catalog/pg_type.dat; fixed for ever). */
enum { OID_BOOL = 16, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_OID = 26 };

static json_t *
cell(const PGresult *r, int row, int col)
{
    const char *text = PQgetvalue(r, row, col);

    if (PQgetisnull(r, row, col)) {
        return json_null();
    }
    switch (PQftype(r, col)) {
    case OID_BOOL:
        return json_boolean(text[0] == 't');
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_OID:
        return json_integer(strtoll(text, NULL, 10));
    default:
        return json_text(text);
    }
}

static json_t *
row_object(const PGresult *r, int row)
{
    json_t *object = json_object();

    for (int k = 0; k < PQnfields(r); k++) {
        json_object_set_new(object, PQfname(r, k), cell(r, row, k));
    }
    return object;
}

json_t *
pg_rows_json(PGconn *conn, const char *sql, struct err *e)
{
    PGresult *r = pg_query(conn, e, sql, 0, NULL);
    json_t   *rows = r != NULL ? json_array() : NULL;

    for (int i = 0; rows != NULL && i < PQntuples(r); i++) {
        json_array_append_new(rows, row_object(r, i));
    }
    PQclear(r);
    return rows;
}

json_t *
pg_row_json(PGconn *conn, const char *sql, struct err *e)
{
    PGresult *r = pg_query(conn, e, sql, 0, NULL);
    json_t   *row = NULL;

    if (r != NULL && PQntuples(r) == 1) {
        row = row_object(r, 0);
    } else if (r != NULL) {
        err_set(e, ERR_NOT_FOUND, "%d rows where one was expected: %.200s", PQntuples(r), sql);
    }
    PQclear(r);
    return row;
}

json_t *
pg_column_json(PGconn *conn, const char *sql, struct err *e)
{
    PGresult *r = pg_query(conn, e, sql, 0, NULL);
    json_t   *values = r != NULL ? json_array() : NULL;

    for (int i = 0; values != NULL && i < PQntuples(r); i++) {
        json_array_append_new(values, cell(r, i, 0));
    }
    PQclear(r);
    return values;
}
