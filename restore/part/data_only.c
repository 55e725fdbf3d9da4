#include "restore/part/data_only.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/progress.h"
#include "restore/part/live_session.h"
#include "restore/part/live_tables.h"
#include "restore/part/live_triggers.h"

enum { ROLLBACK_TIMEOUT_MS = 60000 };

static const char stage[] = "pgassay_rows";

static bool
updates(const struct options *o)
{
    return o->on_conflict != NULL && strcmp(o->on_conflict, "update") == 0;
}

/* Refuses what would silently lose data. */
static int
check_table(const struct restore *r, const struct live_table *t, struct err *e)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].live_type == NULL) {
            err_set(e, ERR_NOT_FOUND, "table %s has no column \"%s\" any more", t->qualified,
                    t->columns[i].name);
            return err_hint(e, "--into-schema brings the table back as it was, beside this one");
        }
    }
    if (t->n_columns == 0) {
        return err_set(e, ERR_USAGE, "table %s has no columns", t->qualified);
    }
    if (updates(r->o) && !t->has_key) {
        return err_set(e, ERR_USAGE,
                       "table %s has no primary key: --on-conflict update cannot tell its rows "
                       "apart",
                       t->qualified);
    }
    return 0;
}

static int
truncate_all(PGconn *conn, const struct live_tables *l, struct err *e)
{
    struct buf sql = BUF_INIT(BUF_NO_LIMIT);
    int        rc = 0;

    for (size_t i = 0; rc == 0 && i < l->n; i++) {
        rc = buf_printf(&sql, e, "%s%s%s", i == 0 ? "TRUNCATE " : ", ", l->v[i].only,
                        l->v[i].qualified);
    }
    rc = rc == 0 ? pg_exec(conn, e, buf_str(&sql)) : -1;
    buf_free(&sql);
    return rc;
}

/* The staged columns, as the live table has them. */
static char *
casts(const struct live_table *t)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    char      *text;

    for (size_t i = 0; i < t->n_columns; i++) {
        const struct live_column *c = &t->columns[i];

        if (c->written) {
            char *name = pg_ident(c->name);
            bool  same = strcmp(c->type, c->live_type) == 0;

            (void)buf_printf(&b, &never, "%s%s%s%s", b.len == 0 ? "" : ", ", name,
                             same ? "" : "::", same ? "" : c->live_type);
            free(name);
        }
    }
    text = xstrdup(buf_str(&b));
    buf_free(&b);
    return text;
}

/* " ON CONFLICT …", or nothing. */
static char *
conflict_clause(const struct options *o, const struct live_table *t)
{
    struct buf keys = BUF_INIT(BUF_NO_LIMIT), sets = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    char      *text;

    for (size_t i = 0; updates(o) && i < t->n_columns; i++) {
        const struct live_column *c = &t->columns[i];
        char                     *name = pg_ident(c->name);

        if (c->key) {
            (void)buf_printf(&keys, &never, "%s%s", keys.len == 0 ? "" : ", ", name);
        } else if (c->written && !c->always) {
            (void)buf_printf(&sets, &never, "%s%s = EXCLUDED.%s", sets.len == 0 ? "" : ", ", name,
                             name);
        }
        free(name);
    }
    if (o->on_conflict == NULL) {
        text = xstrdup("");
    } else if (sets.len == 0) {
        text = xstrdup(" ON CONFLICT DO NOTHING");
    } else {
        text = xasprintf(" ON CONFLICT (%s) DO UPDATE SET %s", buf_str(&keys), buf_str(&sets));
    }
    buf_free(&keys);
    buf_free(&sets);
    return text;
}

/* Through a side table: if rows meet existing ones, or a column has another type. */
static int
insert_staged(struct restore *r, PGconn *conn, const struct live_table *t, const char *clause,
              uint64_t *written, struct err *e)
{
    char *columns = live_columns(t, ""), *values = casts(t);
    char *sql = xasprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM pg_temp.%s%s",
                          t->qualified, columns, values, stage, clause);
    PGresult *res = NULL;
    int       rc = -1;

    if (live_stage(r, conn, t, stage, e) == 0 && (res = pg_query(conn, e, sql, 0, NULL)) != NULL) {
        *written = strtoull(PQcmdTuples(res), NULL, 10);
        rc = pg_execf(conn, e, "DROP TABLE pg_temp.%s", stage);
    }
    PQclear(res);
    free(columns);
    free(values);
    free(sql);
    return rc;
}

static int
check_count(PGconn *conn, const struct live_table *t, struct err *e)
{
    char *sql = xasprintf("SELECT pg_catalog.count(*) FROM %s%s", t->only, t->qualified);
    char *text = pg_value(conn, e, sql, 0, NULL);
    int   rc = text == NULL ? -1 : 0;

    if (text != NULL && strtoull(text, NULL, 10) != t->rows) {
        rc = err_set(e, ERR_PG, "table %s has %s rows, and the backup %" PRIu64, t->qualified, text,
                     t->rows);
    }
    free(text);
    free(sql);
    return rc;
}

static int
load_table(struct restore *r, PGconn *conn, const struct live_table *t, struct live_written *w,
           struct err *e)
{
    char *clause = conflict_clause(r->o, t);
    bool  may_stay = strstr(clause, "DO NOTHING") != NULL;
    int   rc;

    *w = (struct live_written){.table = xstrdup(t->qualified), .rows = t->rows};
    if (r->o->on_conflict == NULL && t->same_types) {
        w->written = t->rows; /* the server has counted them, too */
        rc = live_copy(r, conn, t, (struct live_name){t->table->schema, t->table->name}, e);
    } else {
        rc = insert_staged(r, conn, t, clause, &w->written, e);
    }
    free(clause);
    if (rc == 0 && w->written != t->rows && !may_stay) {
        rc = err_set(e, ERR_PG,
                     "table %s: %" PRIu64 " of %" PRIu64
                     " rows were written: a trigger or a rule keeps the others back",
                     t->qualified, w->written, t->rows);
    }
    return rc == 0 && r->o->truncate ? check_count(conn, t, e) : rc;
}

/* They have fired: only a row that none of them sees is certainly as it was. */
static int
tell_triggers(struct restore *r, PGconn *conn, const struct live_table *t, struct err *e)
{
    char *names;

    if (live_triggers(conn, t, updates(r->o), &names, e) != 0) {
        return -1;
    }
    if (names != NULL && t->rows > 0) {
        restore_warn(r,
                     xasprintf("table %s: its triggers (%s) may have changed rows that were "
                               "loaded; "
                               "--disable-triggers keeps them from it",
                               t->qualified, names));
    }
    free(names);
    return 0;
}

/* The sequences of the tables' columns in the live database that have lower values. */
static const char sequence_sql[] =
    "SELECT pg_catalog.setval(s.seqrelid::pg_catalog.regclass, $3::pg_catalog.int8, "
    "$4::pg_catalog.bool) FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = "
    "s.seqrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND "
    "c.relname = $2 AND s.seqincrement > 0 AND $3::pg_catalog.int8 > "
    "coalesce(pg_catalog.pg_sequence_last_value(s.seqrelid), s.seqstart)";

static int
advance_sequences(struct restore *r, PGconn *conn, struct err *e)
{
    for (size_t i = 0; i < r->manifest->n_sequences; i++) {
        const struct manifest_sequence *s = &r->manifest->sequences[i];
        char                            value[32];
        const char *params[] = {s->schema, s->name, value, s->is_called ? "true" : "false"};
        PGresult   *res;

        (void)snprintf(value, sizeof value, "%" PRId64, s->last_value);
        if ((res = pg_query(conn, e, sequence_sql, 4, params)) == NULL) {
            return err_wrap(e, "sequence %s.%s", s->schema, s->name);
        }
        PQclear(res);
    }
    return 0;
}

static int
load_all(struct restore *r, PGconn *conn, const struct live_tables *l, struct err *e)
{
    if (live_session_begin(r, conn, "READ COMMITTED", e) != 0 ||
        (r->o->truncate && truncate_all(conn, l, e) != 0)) {
        return -1;
    }
    r->written = xcalloc(l->n, sizeof *r->written);
    for (size_t i = 0; i < l->n; i++) {
        r->n_written++;
        if (load_table(r, conn, &l->v[i], &r->written[i], e) != 0 ||
            tell_triggers(r, conn, &l->v[i], e) != 0) {
            return -1;
        }
    }
    return advance_sequences(r, conn, e) == 0 ? pg_exec(conn, e, "COMMIT") : -1;
}

static void
hint(const struct restore *r, struct err *e)
{
    char *server;

    if (strcmp(e->sqlstate, "23505") == 0 && r->o->on_conflict == NULL && !r->o->truncate) {
        err_hint(e,
                 "rows are there already: --on-conflict nothing leaves them, --on-conflict update "
                 "makes them as they were, --truncate empties the table first");
    } else if (strcmp(e->sqlstate, "23503") == 0) {
        live_hint_reference("-t", e);
    } else if (r->o->truncate && strcmp(e->sqlstate, "0A000") == 0) {
        server = xstrdup(e->hint); /* which names the table */
        err_hint(e, "-t once more, for each table that refers to it: it is loaded, too (%s)",
                 server);
        free(server);
    }
}

int
data_only_run(struct restore *r, struct err *e)
{
    struct live_tables l = {0};
    struct err         ignored = ERR_INIT;
    PGconn            *conn = live_session(r, e);
    int                rc = conn == NULL ? -1 : live_tables_find(r, conn, &l, e);

    for (size_t i = 0; rc == 0 && i < l.n; i++) {
        rc = check_table(r, &l.v[i], e);
    }
    if (rc == 0 && !r->o->dry_run) {
        report_begin(r);
        progress_start("restoring", plan_sizes(r).bytes, r->o->quiet);
        restore_phase(r, "rows");
        rc = load_all(r, conn, &l, e);
        if (rc != 0) {
            (void)pg_tidy(conn, ROLLBACK_TIMEOUT_MS, &ignored, "ROLLBACK");
            hint(r, e);
            err_wrap(e, "nothing was changed");
        }
    }
    live_tables_free(&l);
    pg_close(conn);
    return rc;
}
