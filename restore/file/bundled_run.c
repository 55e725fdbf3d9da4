/*
 * bundled_run.c - what a bundle has besides definitions: rows, large objects, the values of
 * sequences, materialized views.
 *
 * The files are read in the order in which they lie there, each once.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "core/cancel.h"
#include "core/progress.h"
#include "core/quote.h"
#include "pg/rows/copy.h"
#include "restore/file/foreign_impl.h"
#include "restore/load/load.h"
#include "storage/exchange/bundle_names.h"

static const struct bundled *
bundled_of(const struct restore *r)
{
    return r->foreign->found.bundled;
}

/* ---- rows ---- */

static char *
copy_sql(const struct manifest *m, const struct manifest_table *t)
{
    if (t == &m->lo_metadata || t == &m->lo_pages) {
        return xasprintf("COPY %s FROM STDIN%s",
                         t == &m->lo_pages ? BUNDLE_LO_PAGE_TABLE : BUNDLE_LO_TABLE,
                         t->format == COPY_BINARY ? " (FORMAT binary)" : "");
    }
    return load_copy_sql(t, t->load_via, false);
}

/* The entry's bytes as they are: a binary one has COPY's header and trailer. */
static int
copy_entry(struct restore *r, struct unpack *u, const struct manifest_table *t, struct err *e)
{
    struct copy_in in = {0};
    char          *sql = copy_sql(bundled_of(r)->m, t);
    const void    *data;
    size_t         n;
    int            rc = copy_in_begin(&in, r->conn, sql, false, e);

    while (rc == 0 && (rc = unpack_read(u, &data, &n, e)) == 1) {
        rc = cancel_check(e) != 0 ? -1 : copy_in_data(&in, data, n, e);
        r->bytes += n;
        progress_add(n);
    }
    if (rc != 0) {
        copy_in_abort(&in, "the rows to load cannot be read");
    }
    rc = rc == 0 ? copy_in_end(&in, t->rows, e) : -1;
    if (rc != 0) {
        err_wrap(e, "rows of \"%s\".\"%s\"", t->schema, t->name);
    }
    free(sql);
    return rc;
}

/* One statement, whatever the condition is. */
static int
delete_where(struct restore *r, const struct manifest_table *t, struct err *e)
{
    char *name = quote_qualified(t->schema, t->name);
    char *sql = xasprintf("DELETE FROM ONLY %s %s", name, t->condition == NULL ? "" : t->condition);
    PGresult *res = pg_query(r->conn, e, sql, 0, NULL);
    int       rc = res == NULL ? err_wrap(e, "table %s", name) : 0;

    PQclear(res);
    free(sql);
    free(name);
    return rc;
}

/* CREATE EXTENSION has put rows of its own into these, which the backup's replace. */
static int
empty_configuration(struct restore *r, struct err *e)
{
    const struct manifest *m = bundled_of(r)->m;
    int                    rc = 0;

    for (size_t i = 0; rc == 0 && i < m->n_tables; i++) {
        const struct manifest_table *t = &m->tables[i];

        if (t->extension != NULL && t->skipped == NULL) {
            rc = delete_where(r, t, e);
        }
    }
    return rc;
}

static int
make_large_objects(struct restore *r, struct err *e)
{
    int rc = pg_exec(r->conn, e, bundle_lo_fill);

    for (const struct bundle_lo_query *q = bundle_lo_each; rc == 0 && q->sql != NULL; q++) {
        if (!(q->about == BUNDLE_LO_OWNER && r->o->no_owner) &&
            !(q->about == BUNDLE_LO_PRIVILEGES && r->o->no_privileges)) {
            rc = pg_exec_each(r->conn, e, q->sql);
        }
    }
    return rc == 0 ? 0 : err_wrap(e, "large objects");
}

int
bundled_run_rows(struct restore *r, struct err *e)
{
    const struct bundled *b = bundled_of(r);
    struct unpack        *u = NULL;
    const char           *name;
    int                   rc = empty_configuration(r, e);

    if (rc == 0 && b->m->lo_count > 0) {
        rc = pg_exec(r->conn, e, bundle_lo_create);
    }
    rc = rc == 0 ? unpack_open(&u, &r->foreign->found.file, true, e) : rc;
    while (rc == 0 && (rc = unpack_next(u, &name, e)) == 1) {
        const struct manifest_table *t = bundled_rows(b, name);

        rc = t == NULL ? 0 : copy_entry(r, u, t, e);
        if (rc == 0 && t != NULL && t != &b->m->lo_metadata && t != &b->m->lo_pages) {
            r->rows += t->rows;
        }
    }
    unpack_close(u);
    return rc == 0 && b->m->lo_count > 0 ? make_large_objects(r, e) : rc;
}

/* ---- the rest ---- */

static int
set_sequence(struct restore *r, const struct manifest_sequence *s, struct err *e)
{
    char *name = quote_qualified(s->schema, s->name), *literal = pg_literal(r->conn, name);
    int   rc;

    if (literal == NULL) {
        rc = err_set(e, ERR_PG, "sequence %s: its name cannot be quoted", name);
    } else {
        rc = pg_execf(r->conn, e, "SELECT pg_catalog.setval(%s, %" PRId64 ", %s)", literal,
                      s->last_value, s->is_called ? "true" : "false");
    }
    free(name);
    free(literal);
    return rc == 0 ? 0 : err_wrap(e, "sequence \"%s\".\"%s\"", s->schema, s->name);
}

static int
refresh(struct restore *r, const struct manifest_matview *v, struct err *e)
{
    char *name = quote_qualified(v->schema, v->name);
    int   rc = 0;

    if (v->remote && r->o->scratch && !r->o->allow_remote) {
        strlist_take(&r->foreign->done_without,
                     xasprintf("materialized view %s is empty: its rows are on another server, "
                               "which a scratch server does not reach",
                               name));
    } else if (v->populated) {
        rc = pg_execf(r->conn, e, "REFRESH MATERIALIZED VIEW %s", name);
    }
    free(name);
    return rc == 0 ? 0 : err_wrap(e, "materialized view \"%s\".\"%s\"", v->schema, v->name);
}

int
bundled_run_rest(struct restore *r, struct err *e)
{
    /* A refresh fires event triggers, which are there by now; who may not set this has none. */
    static const char quiet[] =
        "SELECT pg_catalog.set_config('session_replication_role', 'replica', false) FROM "
        "pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper";
    const struct manifest *m = bundled_of(r)->m;
    int                    rc = pg_exec(r->conn, e, quiet);

    for (size_t i = 0; rc == 0 && i < m->n_sequences; i++) {
        rc = set_sequence(r, &m->sequences[i], e);
    }
    for (size_t i = 0; rc == 0 && i < m->n_matviews; i++) {
        rc = refresh(r, &m->matviews[i], e);
    }
    return rc;
}
