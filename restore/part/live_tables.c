#include "restore/part/live_tables.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pg/rows/copy.h"
#include "restore/load/load.h"
#include "restore/part/live_session.h"
#include "restore/part/partitions.h"

static const char table_sql[] =
    "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
    "c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";

static const char columns_sql[] =
    "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attgenerated <> '', "
    "a.attidentity = 'a', a.attnum = ANY ((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]), "
    "CASE WHEN o.oid <> t.typcollation THEN pg_catalog.format(' COLLATE %I.%I', n.nspname, "
    "o.collname) ELSE '' END FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = "
    "a.atttypid LEFT JOIN pg_catalog.pg_collation o ON o.oid = a.attcollation LEFT JOIN "
    "pg_catalog.pg_namespace n ON n.oid = o.collnamespace LEFT JOIN pg_catalog.pg_index i ON "
    "i.indrelid = a.attrelid AND i.indisprimary WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT "
    "a.attisdropped";

static const char foreign_keys_sql[] =
    "SELECT DISTINCT conrelid, confrelid FROM pg_catalog.pg_constraint WHERE contype = 'f' AND "
    "conrelid <> confrelid";

/* ---- which rows belong to which table ------------------------------------------------------ */

/* The table that it is a partition of, if that is selected, too. */
static const struct manifest_table *
parent_of(const struct restore *r, const size_t *parents, const struct manifest_table *t)
{
    for (size_t i = 0; i < r->archive.n; i++) {
        const struct archive_entry *entry = &r->archive.v[i], *on;

        if (parents[i] != SIZE_MAX && entry->schema != NULL &&
            strcmp(entry->schema, t->schema) == 0 && strcmp(entry->tag, t->name) == 0) {
            on = &r->archive.v[parents[i]];
            return manifest_find(r->manifest, on->schema == NULL ? "" : on->schema, on->tag);
        }
    }
    return NULL;
}

static const struct manifest_table *
root_of(const struct restore *r, const size_t *parents, const struct manifest_table *t)
{
    const struct manifest_table *up;

    while ((up = parent_of(r, parents, t)) != NULL) {
        t = up;
    }
    return t;
}

static struct live_table *
table_for(struct live_tables *l, const struct manifest_table *t)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i].table == t) {
            return &l->v[i];
        }
    }
    l->v[l->n] = (struct live_table){.table = t, .qualified = pg_qualified(t->schema, t->name)};
    return &l->v[l->n++];
}

static int
group_tables(struct restore *r, struct live_tables *l, struct err *e)
{
    const struct manifest *m = r->manifest;
    struct entry_ids       ids = entry_ids_new(&r->archive);
    size_t                *parents = partitions_parents(&r->archive, &ids);
    int                    rc = 0;

    l->v = xcalloc(m->n_tables + 1, sizeof *l->v);
    for (size_t i = 0; rc == 0 && i < m->n_tables; i++) {
        const struct manifest_table *t = &m->tables[i];
        struct live_table           *live;

        if (t->kind == 'f') {
            continue;
        }
        live = table_for(l, root_of(r, parents, t));
        if (t->kind == 'p') {
            continue;
        }
        if (t->skipped != NULL) {
            rc = err_set(e, ERR_NOT_FOUND, "backup %s has no rows of %s.%s: %s", r->label->id,
                         t->schema, t->name, t->skipped);
        }
        VEC_GROW(live->leaves, live->n_leaves, live->cap_leaves);
        live->leaves[live->n_leaves++] = t;
        live->rows += t->rows;
    }
    free(parents);
    entry_ids_free(&ids);
    if (rc == 0 && l->n == 0) {
        rc = err_set(e, ERR_USAGE, "there is no table in what is to be restored");
    }
    return rc;
}

/* ---- the live tables ----------------------------------------------------------------------- */

static bool
same_type(const struct live_column *c)
{
    return c->live_type != NULL && strcmp(c->live_type, c->type) == 0;
}

static void
set_column(struct live_column *c, const PGresult *res, bool *all_there)
{
    for (int i = 0; i < PQntuples(res); i++) {
        if (strcmp(PQgetvalue(res, i, 0), c->name) == 0) {
            c->live_type = xstrdup(PQgetvalue(res, i, 1));
            c->written = *PQgetvalue(res, i, 2) == 'f';
            c->always = *PQgetvalue(res, i, 3) == 't';
            c->key = *PQgetvalue(res, i, 4) == 't';
            c->collate = xstrdup(PQgetvalue(res, i, 5));
        }
    }
    *all_there = *all_there && c->written && same_type(c);
}

static size_t
count_keys(const PGresult *res)
{
    size_t n = 0;

    for (int i = 0; i < PQntuples(res); i++) {
        n += *PQgetvalue(res, i, 4) == 't';
    }
    return n;
}

static int
find_columns(PGconn *conn, struct live_table *live, const char *oid, struct err *e)
{
    const struct manifest_table *t = live->table;
    const char                  *params[] = {oid};
    PGresult                    *res = pg_query(conn, e, columns_sql, 1, params);
    size_t                       keys = 0;

    if (res == NULL) {
        return -1;
    }
    live->columns = xcalloc(t->n_columns + 1, sizeof *live->columns);
    live->same_types = true;
    for (size_t i = 0; i < t->n_columns; i++) {
        struct live_column *c = &live->columns[live->n_columns];

        if (t->columns[i].generated) {
            continue;
        }
        *c = (struct live_column){.name = t->columns[i].name, .type = t->columns[i].type};
        set_column(c, res, &live->same_types);
        keys += c->key && c->written;
        live->n_columns++;
    }
    live->has_key = keys > 0 && keys == count_keys(res);
    PQclear(res);
    return 0;
}

static int
find_table(struct restore *r, PGconn *conn, struct live_table *live, struct err *e)
{
    const char *params[] = {live->table->schema, live->table->name};
    char       *oid = pg_value(conn, e, table_sql, 2, params);
    int         rc;

    if (oid == NULL) {
        if (e->kind != ERR_NOT_FOUND) {
            return -1;
        }
        err_set(e, ERR_NOT_FOUND, "database \"%s\" has no table %s", r->name, live->qualified);
        return err_hint(e, "--into-schema brings the table itself back");
    }
    live->oid = (uint32_t)strtoul(oid, NULL, 10);
    live->only = live->table->kind == 'p' ? "" : "ONLY ";
    rc = find_columns(conn, live, oid, e);
    free(oid);
    return rc;
}

/* ---- their order --------------------------------------------------------------------------- */

/* Whether table i refers to one that is not placed yet. */
static bool
waits(const struct live_tables *l, const PGresult *keys, size_t i, size_t placed)
{
    for (int k = 0; k < PQntuples(keys); k++) {
        uint32_t from = (uint32_t)strtoul(PQgetvalue(keys, k, 0), NULL, 10),
                 to = (uint32_t)strtoul(PQgetvalue(keys, k, 1), NULL, 10);

        for (size_t j = placed; l->v[i].oid == from && j < l->n; j++) {
            if (j != i && l->v[j].oid == to) {
                return true;
            }
        }
    }
    return false;
}

/* In a cycle one of them has to be the first. */
static int
order_tables(PGconn *conn, struct live_tables *l, struct err *e)
{
    PGresult *keys = pg_query(conn, e, foreign_keys_sql, 0, NULL);

    for (size_t placed = 0; keys != NULL && placed < l->n; placed++) {
        size_t            next = placed;
        struct live_table one;

        while (next < l->n && waits(l, keys, next, placed)) {
            next++;
        }
        next = next < l->n ? next : placed;
        one = l->v[next];
        memmove(&l->v[placed + 1], &l->v[placed], (next - placed) * sizeof one);
        l->v[placed] = one;
    }
    PQclear(keys);
    return keys == NULL ? -1 : 0;
}

int
live_tables_find(struct restore *r, PGconn *conn, struct live_tables *l, struct err *e)
{
    *l = (struct live_tables){0};
    if (group_tables(r, l, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < l->n; i++) {
        if (find_table(r, conn, &l->v[i], e) != 0) {
            return -1;
        }
    }
    return order_tables(conn, l, e);
}

void
live_tables_free(struct live_tables *l)
{
    for (size_t i = 0; i < l->n; i++) {
        for (size_t k = 0; k < l->v[i].n_columns; k++) {
            free(l->v[i].columns[k].live_type);
            free(l->v[i].columns[k].collate);
        }
        free(l->v[i].columns);
        free(l->v[i].leaves);
        free(l->v[i].qualified);
    }
    free(l->v);
    *l = (struct live_tables){0};
}

char *
live_columns(const struct live_table *t, const char *prefix)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    char      *text;

    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].written) {
            char *name = pg_ident(t->columns[i].name);

            (void)buf_printf(&b, &never, "%s%s%s", b.len == 0 ? "" : ", ", prefix, name);
            free(name);
        }
    }
    text = xstrdup(buf_str(&b));
    buf_free(&b);
    return text;
}

/* ---- rows ---------------------------------------------------------------------------------- */

static char *
live_copy_sql(const struct manifest_table *leaf, const char *schema, const char *name)
{
    const char     **names = xcalloc(leaf->n_columns + 1, sizeof *names);
    struct copy_spec spec = {
        .schema = schema, .name = name, .columns = names, .binary = leaf->format == COPY_BINARY};
    char *sql;

    for (size_t i = 0; i < leaf->n_columns; i++) {
        if (!leaf->columns[i].generated) {
            names[spec.n_columns++] = leaf->columns[i].name;
        }
    }
    sql = copy_in_sql(&spec, false);
    free(names);
    return sql;
}

static int
copy_leaves(struct restore *r, PGconn *conn, const struct manifest_table *const *leaves, size_t n,
            struct live_name into, struct err *e)
{
    struct worker *w = &r->workers[r->o->jobs]; /* one more than there are threads */
    int            rc = 0;

    w->rows = conn;
    w->chunks = readahead_new(r->repo, r->label->db, r->manifest);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char *sql = live_copy_sql(leaves[i], into.schema, into.name);

        rc = leaves[i]->n_ranges == 0 ? 0
                                      : load_copy(r, w, leaves[i], 0, leaves[i]->n_ranges, sql, e);
        free(sql);
    }
    readahead_free(w->chunks);
    w->chunks = NULL;
    return rc;
}

/* The server converts what is in another encoding, text and binary; what follows is in its own. */
int
live_copy_leaves(struct restore *r, PGconn *conn, const struct manifest_table *const *leaves,
                 size_t n, struct live_name into, struct err *e)
{
    const char *other = live_other_encoding(r, conn);
    int         rc = other == NULL ? 0 : pg_execf(conn, e, "SET client_encoding = '%s'", other);

    rc = rc == 0 ? copy_leaves(r, conn, leaves, n, into, e) : -1;
    return rc != 0 || other == NULL ? rc
                                    : pg_execf(conn, e, "SET client_encoding = '%s'",
                                               PQparameterStatus(conn, "server_encoding"));
}

int
live_copy(struct restore *r, PGconn *conn, const struct live_table *t, struct live_name into,
          struct err *e)
{
    return live_copy_leaves(r, conn, t->leaves, t->n_leaves, into, e) == 0
        ? 0
        : err_wrap(e, "table %s", t->qualified);
}

int
live_stage_make(PGconn *conn, const struct live_table *t, const char *name, bool only_key,
                struct err *e)
{
    struct buf sql = BUF_INIT(BUF_NO_LIMIT);
    char      *ident = pg_ident(name);
    int        rc = buf_printf(&sql, e, "CREATE TEMPORARY TABLE pg_temp.%s (", ident), n = 0;

    for (size_t i = 0; rc == 0 && i < t->n_columns; i++) {
        const struct live_column *c = &t->columns[i];
        char                     *column = pg_ident(c->name);

        if (c->key || !only_key) {
            rc = buf_printf(&sql, e, "%s%s %s%s", n++ == 0 ? "" : ", ", column, c->type,
                            same_type(c) ? c->collate : "");
        }
        free(column);
    }
    rc = rc == 0 && buf_puts(&sql, ")", e) == 0 ? pg_exec(conn, e, buf_str(&sql)) : -1;
    free(ident);
    buf_free(&sql);
    return rc;
}

int
live_stage(struct restore *r, PGconn *conn, const struct live_table *t, const char *name,
           struct err *e)
{
    char *ident = pg_ident(name);
    int   rc = live_stage_make(conn, t, name, false, e) == 0 &&
            live_copy(r, conn, t, (struct live_name){"pg_temp", name}, e) == 0
          ? pg_execf(conn, e, "ANALYZE pg_temp.%s", ident)
          : -1;

    free(ident);
    return rc == 0 ? 0 : err_wrap(e, "the rows of %s", t->qualified);
}
