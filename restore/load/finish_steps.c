/*
 * finish_steps.c - sequences, materialized views, properties of the database.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "core/log.h"
#include "pg/target/properties.h"
#include "restore/job/properties.h"
#include "restore/load/finish.h"

enum { SEQUENCES_AT_ONCE = 200 };

/* A problem of one object, or the end. */
static int
object_failed(struct restore *r, PGconn *conn, const char *kind, const char *schema,
              const char *name, struct err *e)
{
    if (problem_is_fatal(conn, e)) {
        return err_wrap(e, "%s %s", kind, name);
    }
    problem_add(&r->problems, kind, schema, name, e);
    err_clear(e);
    return 0;
}

static char *
setval_call(PGconn *conn, const struct manifest_sequence *s)
{
    char *name = pg_qualified(s->schema, s->name), *literal = pg_literal(conn, name), *call;

    call = xasprintf("pg_catalog.setval(%s::pg_catalog.regclass, %" PRId64 ", %s)",
                     literal == NULL ? "''" : literal, s->last_value,
                     s->is_called ? "true" : "false");
    free(name);
    free(literal);
    return call;
}

/* Sequences from..to in one statement, as each in its own would be a round trip; when that fails,
 * each alone. */
static int
set_sequences(struct restore *r, PGconn *conn, size_t from, size_t to, struct err *e)
{
    struct buf sql = BUF_INIT(BUF_NO_LIMIT);
    int        rc;

    for (size_t i = from; i < to; i++) {
        char *call = setval_call(conn, &r->manifest->sequences[i]);
        (void)buf_printf(&sql, e, "%s%s", i == from ? "SELECT " : ", ", call);
        free(call);
    }
    rc = pg_exec(conn, e, buf_str(&sql));
    buf_free(&sql);
    if (rc == 0) {
        return 0;
    }
    if (to - from == 1) {
        const struct manifest_sequence *s = &r->manifest->sequences[from];
        return object_failed(r, conn, "SEQUENCE SET", s->schema, s->name, e);
    }
    for (size_t i = from; i < to; i++) {
        if (set_sequences(r, conn, i, i + 1, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int
finish_sequences(struct restore *r, PGconn *conn, struct err *e)
{
    size_t n = r->manifest->n_sequences;

    for (size_t from = 0; from < n; from += SEQUENCES_AT_ONCE) {
        size_t to = n - from < SEQUENCES_AT_ONCE ? n : from + SEQUENCES_AT_ONCE;
        if (set_sequences(r, conn, from, to, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* One after another: a view may read another.  One that was not populated in the source stays so.
 * On a scratch server a view that reads a foreign table is left out: it would fetch current remote
 * rows. */
int
finish_refresh(struct restore *r, PGconn *conn, struct err *e)
{
    bool remote_allowed = !r->o->isolated || r->o->allow_remote;

    for (size_t i = 0; i < r->manifest->n_matviews; i++) {
        const struct manifest_matview *v = &r->manifest->matviews[i];
        char                          *name;
        int                            rc;

        if (!v->populated) {
            continue;
        }
        if (v->remote && !remote_allowed) {
            strlist_take(&r->warnings,
                         xasprintf("materialized view %s.%s reads a foreign table: not refreshed",
                                   v->schema, v->name));
            log_info("%s", r->warnings.v[r->warnings.n - 1]);
            continue;
        }
        name = pg_qualified(v->schema, v->name);
        rc = pg_execf(conn, e, "REFRESH MATERIALIZED VIEW %s", name);
        rc = rc == 0 ? pg_execf(conn, e, "ANALYZE %s", name) : rc;
        free(name);
        if (rc != 0 &&
            object_failed(r, conn, "MATERIALIZED VIEW DATA", v->schema, v->name, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int
finish_property_statements(struct restore *r, PGconn *conn, struct strlist *out, struct err *e)
{
    const bool                      live = takes_a_name(r->o) && !r->o->settings_of_backup;
    const struct properties_options options = {.no_owner = r->o->no_owner && !live,
                                               .no_privileges = r->o->no_privileges && !live};

    return properties_sql(conn, properties_given(r), r->working_name, &options, out, e);
}

int
finish_properties(struct restore *r, struct err *e)
{
    struct strlist statements = {0};
    int            rc = 0;

    /* A database that replaces one gets them together with its name (publish.c). */
    if (!r->has_archive || r->o->replace) {
        return 0;
    }
    if (finish_property_statements(r, r->conn, &statements, e) != 0) {
        problem_add(&r->problems, "DATABASE PROPERTIES", NULL, r->name, e);
        err_clear(e);
    }
    for (size_t i = 0; rc == 0 && i < statements.n; i++) {
        if (pg_exec(r->conn, e, statements.v[i]) != 0) {
            rc = object_failed(r, r->conn, "DATABASE PROPERTIES", NULL, r->name, e);
        }
    }
    strlist_free(&statements);
    return rc;
}

int
finish_rehearse_properties(struct restore *r, struct err *e)
{
    struct strlist statements = {0};
    struct err     ignored = ERR_INIT;
    int            rc = finish_property_statements(r, r->conn, &statements, e);

    rc = rc != 0 ? rc : pg_exec(r->conn, e, "BEGIN");
    for (size_t i = 0; rc == 0 && i < statements.n; i++) {
        rc = pg_exec(r->conn, e, statements.v[i]);
    }
    (void)pg_exec(r->conn, &ignored, "ROLLBACK");
    strlist_free(&statements);
    if (rc == 0) {
        return 0;
    }
    err_wrap(e,
             "what takes the place of database \"%s\" cannot get its owner, privileges and "
             "settings",
             r->name);
    return err_hint(e, "connect as a superuser, or take those of the backup: --settings backup");
}
