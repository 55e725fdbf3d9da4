#include "pg/snapshot/meanings.h"

#include "pg/conn/wait.h"

/* version: of what was changed, and changed back.  beside: what may change without harm, and
 * changes the version, too.  A new label of an enum, which no row of the snapshot has, is a row of
 * its own; a new attribute shows in every value. */
#define MEANINGS                                                                                   \
    "(SELECT 'n' || n.oid AS id, n.nspname::text AS name, n.xmin::text AS version,"                \
    " ROW(n.nspowner, n.nspacl)::text AS beside,"                                                  \
    " 'schema ' || pg_catalog.quote_ident(n.nspname) AS what"                                      \
    " FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_(toast_)?temp_'"                      \
    " UNION ALL SELECT 'e' || e.oid, e.enumlabel::text, e.xmin::text, '',"                         \
    " 'type ' || pg_catalog.format_type(e.enumtypid, NULL) FROM pg_catalog.pg_enum e"              \
    " UNION ALL SELECT 'c' || c.oid, '',"                                                          \
    " pg_catalog.string_agg(a.attnum || ' ' || a.xmin, ',' ORDER BY a.attnum), '',"                \
    " 'type ' || pg_catalog.format_type(c.reltype, NULL) FROM pg_catalog.pg_class c"               \
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"                       \
    " WHERE c.relkind = 'c' GROUP BY c.oid, c.reltype)"
#define ARRAY(column) "pg_catalog.array_agg(" column ")::text"

enum { COLUMNS = 5 };
static const char then_sql[] = "SELECT " ARRAY("id") ", " ARRAY("name") ", " ARRAY(
    "version") ", " ARRAY("beside") ", " ARRAY("what") " FROM " MEANINGS " m";
static const char moved_sql[] =
    "SELECT DISTINCT t.what FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], "
    "$5::text[]) t(id, name, version, beside, what) JOIN " MEANINGS
    " m ON m.id = t.id WHERE m.name "
    "COLLATE \"C\" <> t.name OR (m.version <> t.version AND m.beside = t.beside) ORDER BY 1";

int
meanings_moved(PGconn *snap, PGconn *now, struct strlist *what, struct err *e)
{
    PGresult   *r = pg_query(snap, e, then_sql, 0, NULL), *moved = NULL;
    const char *params[COLUMNS];

    for (int i = 0; i < COLUMNS; i++) {
        params[i] = r == NULL ? NULL : PQgetvalue(r, 0, i);
    }
    if (r != NULL) {
        moved = pg_query(now, e, moved_sql, COLUMNS, params);
    }
    for (int i = 0; i < PQntuples(moved); i++) {
        strlist_add(what, PQgetvalue(moved, i, 0));
    }
    PQclear(r);
    if (moved == NULL) {
        return err_wrap(e, "look for changed schemas and types");
    }
    PQclear(moved);
    return 0;
}
