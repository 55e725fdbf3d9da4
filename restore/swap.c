#include "restore/swap.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "pg/snapshot/inventory.h"
#include "pg/target/aside.h"
#include "pg/target/exchange.h"
#include "pg/target/halfmade.h"

/* What stands in the way of a rename, or would be lost by it; $1: the database. */
struct obstacle {
    const char *sql;  /* one column: names */
    const char *what; /* "... \"%s\" ..." */
    const char *hint;
};

static const struct obstacle obstacles[] = {
    {"SELECT d.datname FROM pg_catalog.pg_database d WHERE d.datname = $1 AND d.datistemplate",
     "database \"%s\" is a template: what takes its place would be none",
     "ALTER DATABASE ... IS_TEMPLATE false first"},
    {"SELECT d.datname FROM pg_catalog.pg_database d WHERE d.datname = $1 AND NOT "
     "(pg_catalog.pg_has_role(d.datdba, 'USAGE') AND (SELECT rolcreatedb OR rolsuper FROM "
     "pg_catalog.pg_roles WHERE rolname = current_user))",
     "permission denied: database \"%s\" is not yours to rename",
     "connect as its owner with CREATEDB, or as a superuser"},
    {"SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = $1",
     "prepared transaction \"%s\" holds the database: it cannot be renamed",
     "in the database: COMMIT PREPARED or ROLLBACK PREPARED"},
    {"SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE database = $1",
     "logical replication slot \"%s\" would go with the database that is set aside: its subscriber "
     "would get nothing of what takes its place",
     "stop the subscriber, then in the database: SELECT pg_drop_replication_slot(...); subscribe "
     "anew after the swap"},
    {"SELECT s.subname FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = "
     "s.subdbid WHERE d.datname = $1 AND s.subenabled",
     "subscription \"%s\" is at work in the database, and would go on in the one that is set aside",
     "in the database: ALTER SUBSCRIPTION ... DISABLE"},
};

static int
look_for(PGconn *conn, const char *name, const struct obstacle *x, struct strlist *stop,
         struct strlist *hints, struct err *e)
{
    const char *params[] = {name};
    PGresult   *res = pg_query(conn, e, x->sql, 1, params);

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        const char *at = strstr(x->what, "%s");

        strlist_take(
            stop,
            xasprintf("%.*s%s%s", (int)(at - x->what), x->what, PQgetvalue(res, i, 0), at + 2));
        strlist_add(hints, x->hint);
    }
    PQclear(res);
    return res == NULL ? -1 : 0;
}

static int
look_for_all(PGconn *conn, const char *name, struct strlist *stop, struct strlist *hints,
             struct err *e)
{
    int rc = 0;

    if (strcmp(name, PQdb(conn)) == 0) {
        strlist_take(stop,
                     xasprintf("database \"%s\" is the one from which others are made: it "
                               "cannot be renamed",
                               name));
        strlist_add(hints, "restore under another name, with --to");
        return 0;
    }
    for (size_t i = 0; rc == 0 && i < sizeof obstacles / sizeof obstacles[0]; i++) {
        rc = look_for(conn, name, &obstacles[i], stop, hints, e);
    }
    return rc;
}

int
swap_ready(PGconn *conn, const char *name, struct err *e)
{
    struct strlist stop = {0}, hints = {0};
    int            rc = look_for_all(conn, name, &stop, &hints, e);

    for (size_t i = 1; i < stop.n; i++) {
        log_error("%s", stop.v[i]);
        log_error("hint: %s", hints.v[i]);
    }
    if (rc == 0 && stop.n > 0) {
        err_set(e, ERR_PG, "%s", stop.v[0]);
        rc = err_hint(e, "%s", hints.v[0]);
    }
    strlist_free(&stop);
    strlist_free(&hints);
    return rc;
}

/* What has less than the database had takes nobody's place by itself. */
static void
look_for_gaps(const struct restore *r, struct strlist *stop, struct strlist *hints)
{
    static const char hint[] =
        "restore it with --to under another name, look at it, and use --switch-to";

    if (strcmp(r->label->scope, "full") != 0) {
        strlist_take(stop,
                     xasprintf("backup %s holds a part of database \"%s\" only", r->label->id,
                               r->label->dbname));
        strlist_add(hints, hint);
    }
    for (size_t i = 0; i < r->manifest->n_tables; i++) {
        const struct manifest_table *t = &r->manifest->tables[i];

        if (t->kind == 'r' && t->skipped != NULL) {
            strlist_take(stop,
                         xasprintf("table %s.%s would be empty: the backup has no data of it "
                                   "(%s)",
                                   t->schema, t->name, t->skipped));
            strlist_add(hints, hint);
        }
    }
}

int
swap_preflight(struct restore *r, struct strlist *stop, struct strlist *hints, struct err *e)
{
    r->live = inventory_database_named(r->maintenance, r->name, e);
    if (r->live == NULL && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    if (r->live == NULL) {
        err_clear(e);
        strlist_take(stop, xasprintf("there is no database \"%s\" to be swapped", r->name));
        strlist_take(hints, xasprintf("--to %s instead of --swap makes it", r->name));
        return 0;
    }
    look_for_gaps(r, stop, hints);
    return look_for_all(r->maintenance, r->name, stop, hints, e);
}

const json_t *
swap_source(const struct restore *r)
{
    return r->o->swap && !r->o->settings_of_backup ? r->live : r->manifest->database;
}

const json_t *
swap_properties(struct restore *r)
{
    if (!r->o->swap) {
        return r->manifest->database;
    }
    if (r->properties == NULL) {
        r->properties = json_deep_copy(swap_source(r));
        json_object_del(r->properties, "comment");
    }
    return r->properties;
}

/* Of the running database or the backup's; *out is allocated, NULL: none. */
static int
comment_of(const json_t *properties, char **out, struct err *e)
{
    json_t *comment = json_object_get(properties, "comment");
    size_t  n;

    *out = comment == NULL || json_is_null(comment) ? NULL : json_bytes_get(comment, &n, e);
    return *out == NULL && comment != NULL && !json_is_null(comment) ? -1 : 0;
}

/* Everything is loaded and good: it is kept, and can be switched to. */
static int
keep(struct restore *r, struct err *e)
{
    struct err ignored = ERR_INIT;
    char      *ident = pg_ident(r->working_name);

    if (PQstatus(r->maintenance) == CONNECTION_OK) {
        (void)pg_execf(r->maintenance, &ignored, "ALTER DATABASE %s ALLOW_CONNECTIONS true", ident);
        (void)halfmade_mark_kept(r->maintenance, r->working_name, &ignored);
    }
    free(ident);
    r->created = false; /* not to be removed any more */
    err_wrap(e, "database \"%s\" is as it was; what was restored is kept as \"%s\"", r->name,
             r->working_name);
    return e->hint[0] != '\0' ? -1
                              : err_hint(e, "to switch to it: pgassay restore %s --switch-to %s",
                                         r->name, r->working_name);
}

/* aside and the rest of x are the caller's to free. */
static int
exchange_texts(struct restore *r, struct aside *a, struct exchange *x, struct err *e)
{
    const time_t now = time(NULL);
    char        *comment;

    *a = (struct aside){
        .was = xstrdup(r->name),
        .name = aside_name(r->name, false, now),
        .backup = xstrdup(r->label->id),
        .since = now,
        .drop_after = r->o->drop_old_after_s == 0 ? 0 : now + (time_t)r->o->drop_old_after_s};
    *x = (struct exchange){.take = r->working_name, .name = r->name, .aside = a->name};
    if (comment_of(r->live, &a->comment, e) != 0 || comment_of(swap_source(r), &comment, e) != 0) {
        return -1;
    }
    x->comment = comment;
    x->aside_comment = aside_comment(a, e);
    return x->aside_comment == NULL ? -1 : 0;
}

int
swap_publish(struct restore *r, struct err *e)
{
    struct aside    a = {0};
    struct exchange x = {0};
    int             rc;

    if (r->problems.n > 0) {
        err_set(e, ERR_PG, "%zu objects did not come back as they were: not swapped",
                r->problems.n);
        return keep(r, e);
    }
    rc = exchange_texts(r, &a, &x, e);
    if (rc == 0) {
        rc = exchange_run(&r->server, r->maintenance, &x, e);
    }
    if (rc == 0) {
        r->renamed = true;
        r->outage_seconds = x.outage_seconds;
        r->aside = xstrdup(a.name);
    } else {
        (void)keep(r, e);
    }
    free(x.comment);
    free(x.aside_comment);
    aside_free(&a);
    return rc;
}
