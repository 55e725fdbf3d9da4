/*
 * catalog.c - tables, columns, sequences and materialized views, each kind by one query over the
 * whole database: 10,000 tables cost a few scans of the catalogs, not 10,000 queries.
 */
#include "pg/snapshot/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "pg/snapshot/catalog_sql.h"

static bool
is_true(const PGresult *r, int row, int col)
{
    return PQgetvalue(r, row, col)[0] == 't';
}

static char *
copy_or_null(const PGresult *r, int row, int col)
{
    return PQgetisnull(r, row, col) ? NULL : xstrdup(PQgetvalue(r, row, col));
}

static uint32_t
oid_at(const PGresult *r, int row, int col)
{
    return (uint32_t)strtoul(PQgetvalue(r, row, col), NULL, 10);
}

static int
read_facts(PGconn *conn, struct catalog *c, struct err *e)
{
    PGresult *r = pg_query(conn, e, catalog_sql_facts, 0, NULL);

    if (r == NULL) {
        return -1;
    }
    c->superuser = is_true(r, 0, 0);
    c->in_recovery = is_true(r, 0, 1);
    c->encoding = xstrdup(PQgetvalue(r, 0, 2));
    c->lo_count = strtoull(PQgetvalue(r, 0, 3), NULL, 10);
    PQclear(r);
    return 0;
}

static int
read_tables(PGconn *conn, struct catalog *c, struct err *e)
{
    PGresult *r = pg_query(conn, e, catalog_sql_tables, 0, NULL);

    if (r == NULL) {
        return -1;
    }
    c->n_tables = c->cap_tables = (size_t)PQntuples(r);
    c->tables = xcalloc(c->cap_tables + 1, sizeof *c->tables);
    for (int i = 0; i < PQntuples(r); i++) {
        c->tables[i] = (struct cat_table){
            .oid = oid_at(r, i, 0),
            .relfilenode = oid_at(r, i, 1),
            .schema = xstrdup(PQgetvalue(r, i, 2)),
            .name = xstrdup(PQgetvalue(r, i, 3)),
            .owner = xstrdup(PQgetvalue(r, i, 4)),
            .kind = PQgetvalue(r, i, 5)[0],
            .persistence = PQgetvalue(r, i, 6)[0],
            .access_method = copy_or_null(r, i, 7),
            .extension_member = is_true(r, i, 8),
            .extension = copy_or_null(r, i, 9),
            .condition = copy_or_null(r, i, 10),
            .all_binary = true,
        };
    }
    PQclear(r);
    return 0;
}

static void
add_column(struct cat_table *t, size_t *cap, const PGresult *r, int row)
{
    struct cat_column *col;
    char               generated = PQgetvalue(r, row, 3)[0];

    VEC_GROW(t->columns, t->n_columns, *cap);
    col = &t->columns[t->n_columns++];
    *col = (struct cat_column){
        .name = xstrdup(PQgetvalue(r, row, 1)),
        .type = xstrdup(PQgetvalue(r, row, 2)),
        .generated = generated == 's',
        .virtual_generated = generated == 'v',
        .not_null = is_true(r, row, 4),
        .binary_ok = is_true(r, row, 5),
    };
    if (generated == '\0' && !col->binary_ok) {
        t->all_binary = false;
    }
}

/* Columns come in the tables' own order, so that one pass over both is enough. */
static int
read_columns(PGconn *conn, struct catalog *c, struct err *e)
{
    PGresult *r = pg_query(conn, e, catalog_sql_columns, 0, NULL);
    size_t    t = 0, cap = 0;
    int       rc = 0;

    if (r == NULL) {
        return -1;
    }
    for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
        uint32_t oid = oid_at(r, i, 0);

        while (t < c->n_tables && c->tables[t].oid != oid) {
            t++;
            cap = 0;
        }
        if (t < c->n_tables) {
            add_column(&c->tables[t], &cap, r, i);
        } else {
            /* The two queries did not run in one snapshot, and the table was created in between. */
            rc = err_set(e, ERR_PG, "columns of a table that is not in the list (OID %u)", oid);
            e->transient = true;
        }
    }
    PQclear(r);
    return rc;
}

struct by_oid {
    uint32_t          oid;
    struct cat_table *table;
};

static int
compare_oids(const void *a, const void *b)
{
    uint32_t x = ((const struct by_oid *)a)->oid, y = ((const struct by_oid *)b)->oid;

    return x < y ? -1 : x > y;
}

static struct by_oid *
index_tables(const struct catalog *c)
{
    struct by_oid *v = xcalloc(c->n_tables + 1, sizeof *v);

    for (size_t i = 0; i < c->n_tables; i++) {
        v[i] = (struct by_oid){c->tables[i].oid, &c->tables[i]};
    }
    qsort(v, c->n_tables, sizeof *v, compare_oids);
    return v;
}

static struct cat_table *
table_of(const struct by_oid *index, size_t n, uint32_t oid)
{
    struct by_oid *found = bsearch(&(struct by_oid){.oid = oid}, index, n, sizeof *index,
                                   compare_oids);

    return found != NULL ? found->table : NULL;
}

static void
take_load_via(struct cat_table *t, const PGresult *r, int row)
{
    free(t->load_via);
    t->load_via = pg_qualified(PQgetvalue(r, row, 1), PQgetvalue(r, row, 2));
}

static void
take_foreign_code(struct cat_table *t, const PGresult *r, int row)
{
    (void)r;
    (void)row;
    t->foreign_code = true;
}

static void
take_sizes(struct cat_table *t, const PGresult *r, int row)
{
    t->heap_blocks = strtoull(PQgetvalue(r, row, 1), NULL, 10);
    t->table_bytes = strtoull(PQgetvalue(r, row, 2), NULL, 10);
}

/* A query whose first column is a table's OID. */
static int
for_tables(PGconn *conn, struct catalog *c, const char *sql,
           void (*take)(struct cat_table *, const PGresult *, int), struct err *e)
{
    PGresult      *r = pg_query(conn, e, sql, 0, NULL);
    struct by_oid *index;

    if (r == NULL) {
        return -1;
    }
    index = index_tables(c);
    for (int i = 0; i < PQntuples(r); i++) {
        struct cat_table *t = table_of(index, c->n_tables, oid_at(r, i, 0));

        if (t != NULL) {
            take(t, r, i);
        }
    }
    free(index);
    PQclear(r);
    return 0;
}

static int
read_sequences(PGconn *conn, struct catalog *c, struct err *e)
{
    PGresult *r = pg_query(conn, e, catalog_sql_sequences, 0, NULL);

    if (r == NULL) {
        return -1;
    }
    c->n_sequences = c->cap_sequences = (size_t)PQntuples(r);
    c->sequences = xcalloc(c->cap_sequences + 1, sizeof *c->sequences);
    for (int i = 0; i < PQntuples(r); i++) {
        c->sequences[i] = (struct cat_sequence){
            .oid = oid_at(r, i, 0),
            .schema = xstrdup(PQgetvalue(r, i, 1)),
            .name = xstrdup(PQgetvalue(r, i, 2)),
        };
    }
    PQclear(r);
    return 0;
}

static int
read_matviews(PGconn *conn, struct catalog *c, struct err *e)
{
    PGresult *r = pg_query(conn, e, catalog_sql_matviews, 0, NULL);

    if (r == NULL) {
        return -1;
    }
    c->n_matviews = c->cap_matviews = (size_t)PQntuples(r);
    c->matviews = xcalloc(c->cap_matviews + 1, sizeof *c->matviews);
    for (int i = 0; i < PQntuples(r); i++) {
        c->matviews[i] = (struct cat_matview){
            .oid = oid_at(r, i, 0),
            .schema = xstrdup(PQgetvalue(r, i, 1)),
            .name = xstrdup(PQgetvalue(r, i, 2)),
            .populated = is_true(r, i, 3),
            .remote = is_true(r, i, 4),
        };
    }
    PQclear(r);
    return 0;
}

int
catalog_list(PGconn *conn, struct catalog *c, struct err *e)
{
    *c = (struct catalog){0};
    if (read_facts(conn, c, e) != 0 || read_tables(conn, c, e) != 0) {
        catalog_free(c);
        return -1;
    }
    return 0;
}

int
catalog_complete(PGconn *conn, enum catalog_sizes sizes, struct catalog *c, struct err *e)
{
    return read_columns(conn, c, e) != 0 ||
            for_tables(conn, c, catalog_sql_load_via, take_load_via, e) != 0 ||
            for_tables(conn, c, catalog_sql_foreign_code, take_foreign_code, e) != 0 ||
            read_sequences(conn, c, e) != 0 || read_matviews(conn, c, e) != 0 ||
            (sizes != CATALOG_WITHOUT_SIZES &&
             for_tables(conn, c,
                        sizes == CATALOG_SIZES ? catalog_sql_sizes : catalog_sql_rough_sizes,
                        take_sizes, e) != 0)
        ? -1
        : 0;
}

int
catalog_read(PGconn *conn, enum catalog_sizes sizes, struct catalog *c, struct err *e)
{
    if (catalog_list(conn, c, e) != 0) {
        return -1;
    }
    if (catalog_complete(conn, sizes, c, e) != 0) {
        catalog_free(c);
        return -1;
    }
    return 0;
}

static void
free_table(struct cat_table *t)
{
    free(t->schema);
    free(t->name);
    free(t->owner);
    free(t->access_method);
    free(t->load_via);
    free(t->condition);
    free(t->extension);
    for (size_t i = 0; i < t->n_columns; i++) {
        free(t->columns[i].name);
        free(t->columns[i].type);
    }
    free(t->columns);
}

void
catalog_free(struct catalog *c)
{
    for (size_t i = 0; i < c->n_tables; i++) {
        free_table(&c->tables[i]);
    }
    for (size_t i = 0; i < c->n_sequences; i++) {
        free(c->sequences[i].schema);
        free(c->sequences[i].name);
    }
    for (size_t i = 0; i < c->n_matviews; i++) {
        free(c->matviews[i].schema);
        free(c->matviews[i].name);
    }
    free(c->tables);
    free(c->sequences);
    free(c->matviews);
    free(c->encoding);
    *c = (struct catalog){0};
}

struct cat_table *
catalog_find(const struct catalog *c, const char *schema, const char *name)
{
    size_t low = 0, high = c->n_tables;

    while (low < high) {
        size_t            mid = low + (high - low) / 2;
        struct cat_table *t = &c->tables[mid];
        int               order = strcmp(schema, t->schema);

        order = order != 0 ? order : strcmp(name, t->name);
        if (order == 0) {
            return t;
        }
        if (order < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}
