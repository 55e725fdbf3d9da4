/*
 * put_back.c - --put-back: tables that are gone get their places in the live database.
 *
 * They are complete in a schema of their own (into_schema.h) when the last transaction moves them
 * and makes their links: foreign keys in both directions, triggers, rules, statistics objects,
 * and first of all the parents, as their keys and triggers come with them.
 * Until it ends, nothing of the live database has changed.
 */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "restore/part/into_schema_impl.h"

enum { ROLLBACK_TIMEOUT_MS = 60000 };

static const char there_sql[] =
    "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
    "c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";
static const char schema_sql[] = "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1";

/* ERR_NONE with false: it is not there. */
static bool
is_there(const struct into *i, const char *sql, int n, const char *const *params, struct err *e)
{
    char *found = pg_value(i->live, e, sql, n, params);
    bool  yes = found != NULL;

    if (!yes && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
    }
    free(found);
    return yes;
}

static int
look_at(const struct into *i, const struct into_table *t, struct err *e)
{
    const char *params[] = {t->schema, t->name};
    char       *name = pg_qualified(t->schema, t->name), *ident = pg_ident(t->schema);

    if (is_there(i, there_sql, 2, params, e)) {
        err_set(e, ERR_EXISTS, "%s is there, and --put-back brings back only what is gone", name);
        err_hint(e,
                 "its rows: --rows or --data-only; the table as it was beside it: "
                 "--into-schema");
    } else if (e->kind == ERR_NONE && !is_there(i, schema_sql, 1, params, e) &&
               e->kind == ERR_NONE) {
        err_set(e, ERR_NOT_FOUND, "%s: its schema is gone, too", name);
        err_hint(e, "CREATE SCHEMA %s", ident);
    }
    free(name);
    free(ident);
    return e->kind == ERR_NONE ? 0 : -1;
}

int
put_back_look(struct into *i, struct err *e)
{
    const struct manifest *m = i->r->manifest;

    i->tables = xcalloc(m->n_tables + 1, sizeof *i->tables);
    for (size_t k = 0; k < m->n_tables; k++) {
        struct into_table *t = &i->tables[i->n_tables++];

        t->schema = xstrdup(m->tables[k].schema);
        t->name = xstrdup(m->tables[k].name);
        if (look_at(i, t, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* One without its rows is no table that was put back. */
static int
check_rows(const struct into *i, struct err *e)
{
    const struct problems *all = &i->r->problems;

    for (size_t k = 0; k < all->n; k++) {
        if (strcmp(all->v[k].kind, "TABLE DATA") == 0) {
            err_set(e, ERR_PG, "nothing is put back, as rows could not be loaded: %s: %s",
                    all->v[k].object, all->v[k].message);
            return err_hint(e, "--to brings the tables back in a database of their own");
        }
    }
    return 0;
}

static int
move_all(const struct into *i, struct err *e)
{
    for (size_t k = 0; k < i->n_tables; k++) {
        const struct into_table *t = &i->tables[k];
        char                    *name = pg_qualified(i->schema, t->name), *to = pg_ident(t->schema);
        int rc = pg_execf(i->r->conn, e, "ALTER TABLE %s SET SCHEMA %s", name, to);

        if (rc != 0) {
            err_wrap(e, "giving table %s.%s its place", t->schema, t->name);
        }
        free(name);
        free(to);
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

/* One that fails leaves the others as they are. */
static int
make_link(const struct into *i, const struct into_link *l, struct err *e)
{
    PGconn *conn = i->r->conn;

    if (pg_exec(conn, e, "SAVEPOINT link") != 0) {
        return -1;
    }
    if (pg_exec(conn, e, l->sql) == 0) {
        return pg_exec(conn, e, "RELEASE SAVEPOINT link");
    }
    if (problem_is_fatal(conn, e)) {
        return err_wrap(e, "%s %s", l->kind, l->tag);
    }
    problem_add(&i->r->problems, l->kind, l->schema, l->tag, e);
    err_clear(e);
    return pg_exec(conn, e, "ROLLBACK TO SAVEPOINT link; RELEASE SAVEPOINT link");
}

int
put_back(struct into *i, struct err *e)
{
    PGconn    *conn = i->r->conn;
    struct err ignored = ERR_INIT;
    int        rc = check_rows(i, e);

    rc = rc == 0 ? pg_exec(conn, e, "BEGIN; SET LOCAL synchronous_commit = on") : -1;
    rc = rc == 0 ? move_all(i, e) : -1;
    for (int parents = 1; parents >= 0; parents--) {
        for (size_t k = 0; rc == 0 && k < i->n_links; k++) {
            rc = i->links[k].to_parent == parents ? make_link(i, &i->links[k], e) : 0;
        }
    }
    rc = rc == 0 ? pg_execf(conn, e, "DROP SCHEMA %s", i->ident) : -1;
    if (rc != 0 || pg_exec(conn, e, "COMMIT") != 0) {
        (void)pg_tidy(conn, ROLLBACK_TIMEOUT_MS, &ignored, "ROLLBACK");
        return -1;
    }
    return 0;
}

void
put_back_free(struct into *i)
{
    for (size_t k = 0; k < i->n_links; k++) {
        free(i->links[k].kind);
        free(i->links[k].schema);
        free(i->links[k].tag);
        free(i->links[k].sql);
    }
    for (size_t k = 0; k < i->n_tables; k++) {
        free(i->tables[k].schema);
        free(i->tables[k].name);
    }
    free(i->links);
    free(i->tables);
}
