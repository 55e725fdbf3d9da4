#include "restore/swap.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/log.h"
#include "pg/snapshot/inventory.h"
#include "restore/replace_status.h"

/* Obstacles to a rename, and what it would lose; $1: the database. */
struct obstacle {
    const char *sql;   /* names, and the SQL that mends it (NULL: none) */
    const char *what;  /* "... \"%s\" ..." */
    const char *hint;  /* the SQL follows */
    unsigned    fates; /* of a database for which it is one */
};

/* What becomes of a database. */
enum fate { TAKES_NAME = 1, SET_ASIDE = 2, DROPPED = 4 };
#define ANY_FATE (TAKES_NAME | SET_ASIDE | DROPPED)

static const struct obstacle obstacles[] = {
    {"SELECT d.datname, pg_catalog.format('ALTER DATABASE %I IS_TEMPLATE false;', d.datname) FROM "
     "pg_catalog.pg_database d WHERE d.datname = $1 AND d.datistemplate",
     "database \"%s\" is a template, from which others are made under its name", "SQL: ", ANY_FATE},
    {"SELECT d.datname, NULL FROM pg_catalog.pg_database d WHERE d.datname = $1 AND NOT "
     "(pg_catalog.pg_has_role(d.datdba, 'USAGE') AND (SELECT rolcreatedb OR rolsuper FROM "
     "pg_catalog.pg_roles WHERE rolname = current_user))",
     "permission denied: database \"%s\" is not yours to rename",
     "connect as its owner with CREATEDB, or as a superuser", ANY_FATE},
    {"SELECT gid, pg_catalog.format('COMMIT PREPARED %L;  or  ROLLBACK PREPARED %L;', gid, gid) "
     "FROM pg_catalog.pg_prepared_xacts WHERE database = $1",
     "prepared transaction \"%s\" holds the database: it cannot be renamed",
     "SQL, in the database: ", ANY_FATE},
    {"SELECT slot_name, pg_catalog.format('SELECT pg_drop_replication_slot(%L);', slot_name) FROM "
     "pg_catalog.pg_replication_slots WHERE database = $1",
     "logical replication slot \"%s\" would go with the database that has the name now: its "
     "subscriber would get nothing of what takes its place",
     "stop the subscriber, and subscribe anew afterwards; SQL, in the database: ",
     SET_ASIDE | DROPPED},
    {"SELECT s.subname, pg_catalog.format('ALTER SUBSCRIPTION %I DISABLE;', s.subname) FROM "
     "pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = "
     "s.subdbid WHERE d.datname = $1 AND s.subenabled",
     "subscription \"%s\" is at work in the database, and would go on in the one that is set aside",
     "SQL, in the database: ", SET_ASIDE},
    {"SELECT s.subname, pg_catalog.format('ALTER SUBSCRIPTION %I DISABLE; ALTER SUBSCRIPTION %I "
     "SET "
     "(slot_name = NONE); DROP SUBSCRIPTION %I;', s.subname, s.subname, s.subname) FROM "
     "pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = "
     "s.subdbid WHERE d.datname = $1",
     "subscription \"%s\" keeps the database from being dropped",
     "SQL, in the database: ", DROPPED},
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
        strlist_take(hints, xasprintf("%s%s", x->hint, PQgetvalue(res, i, 1)));
    }
    PQclear(res);
    return res == NULL ? -1 : 0;
}

/* A comment goes along with the names, in one transaction, over a connection to another database,
 * which may have another encoding. */
static int
look_for_comment(PGconn *conn, const char *name, struct strlist *stop, struct strlist *hints,
                 struct err *e)
{
    const char *params[] = {name};
    char       *comment = pg_value(conn, e,
                                   "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM "
                                         "pg_catalog.pg_database WHERE datname = $1",
                                   1, params);
    char       *literal = comment == NULL ? NULL : pg_literal(conn, comment);

    if (comment == NULL && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    if (comment != NULL && literal == NULL) {
        strlist_take(stop,
                     xasprintf("the comment on database \"%s\" is not valid in the encoding of "
                               "database \"%s\", and could not be kept",
                               name, PQdb(conn)));
        strlist_add(hints, "in the database: COMMENT ON DATABASE ... IS '...'");
    }
    err_clear(e);
    free(comment);
    free(literal);
    return 0;
}

static int
look_for_all(PGconn *conn, const char *name, enum fate fate, struct strlist *stop,
             struct strlist *hints, struct err *e)
{
    int rc;

    if (strcmp(name, PQdb(conn)) == 0) {
        strlist_take(stop,
                     xasprintf("database \"%s\" is the one from which others are made: it "
                               "cannot be renamed",
                               name));
        strlist_add(hints, "restore under another name, with --to");
        return 0;
    }
    rc = look_for_comment(conn, name, stop, hints, e);
    for (size_t i = 0; rc == 0 && i < sizeof obstacles / sizeof obstacles[0]; i++) {
        if ((obstacles[i].fates & fate) != 0) {
            rc = look_for(conn, name, &obstacles[i], stop, hints, e);
        }
    }
    return rc;
}

int
swap_ready(PGconn *conn, const char *name, const char *take, struct err *e)
{
    struct strlist stop = {0}, hints = {0};
    int            rc = name == NULL ? 0 : look_for_all(conn, name, SET_ASIDE, &stop, &hints, e);

    rc = rc != 0 ? rc : look_for_all(conn, take, TAKES_NAME, &stop, &hints, e);
    for (size_t i = 1; i < stop.n; i++) {
        log_hinted(LOG_ERROR, hints.v[i], "%s", stop.v[i]);
    }
    if (rc == 0 && stop.n > 0) {
        err_set(e, ERR_PG, "%s", stop.v[0]);
        rc = err_hint(e, "%s", hints.v[0]);
    }
    strlist_free(&stop);
    strlist_free(&hints);
    return rc;
}

/* One with less than the running database has never replaces it automatically. */
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

/* Pages that a superuser has backed up are read from pg_largeobject, which others may not. */
static int
look_for_large_objects(const struct restore *r, struct strlist *stop, struct strlist *hints,
                       struct err *e)
{
    char *super;

    if (!r->o->check_full || r->manifest->lo_count == 0 || r->manifest->lo_by_function) {
        return 0;
    }
    super = pg_value(r->maintenance, e,
                     "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user", 0,
                     NULL);
    if (super != NULL && *super != 't') {
        strlist_add(stop,
                    "--check full: a superuser took the backup, and only one can compare its "
                    "large objects");
        strlist_add(hints, "connect as a superuser, or leave out --check full");
    }
    free(super);
    return super == NULL ? -1 : 0;
}

int
swap_look_at_backup(const struct restore *r, struct strlist *stop, struct strlist *hints,
                    struct err *e)
{
    look_for_gaps(r, stop, hints);
    return look_for_large_objects(r, stop, hints, e);
}

int
swap_look_at_running(const struct restore *r, bool dropped, struct strlist *stop,
                     struct strlist *hints, struct err *e)
{
    return look_for_all(r->maintenance, r->name, dropped ? DROPPED : SET_ASIDE, stop, hints, e);
}

/* There is no database of the name: because a --replace of it was interrupted? */
static int
look_for_replace(const struct restore *r, struct strlist *stop, struct strlist *hints,
                 struct err *e)
{
    struct replacing_list   l;
    const struct replacing *x;

    if (replacing_list_read(r->maintenance, r->name, &l, e) != 0) {
        return -1;
    }
    if ((x = replace_believed(&l)) != NULL) {
        strlist_take(stop, replace_missing_text(x));
        strlist_take(hints, replace_missing_hint(x));
    } else {
        strlist_take(stop, xasprintf("there is no database \"%s\" to be swapped", r->name));
        strlist_take(hints, xasprintf("--to %s instead of --swap makes it", r->name));
    }
    replacing_list_free(&l);
    return 0;
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
        return look_for_replace(r, stop, hints, e);
    }
    return swap_look_at_backup(r, stop, hints, e) == 0
        ? swap_look_at_running(r, false, stop, hints, e)
        : -1;
}
