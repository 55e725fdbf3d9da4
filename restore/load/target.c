/*
 * target.c - the server, the new database under its working name, and both after a failure.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"
#include "core/log.h"
#include "pg/target/aside.h"
#include "pg/target/halfmade.h"
#include "pg/target/newdb.h"
#include "pg/target/replacing.h"
#include "pg/target/roles.h"
#include "restore/job/names.h"
#include "restore/job/properties.h"
#include "restore/job/restore.h"
#include "restore/job/succession.h"
#include "restore/job/target_server.h"
#include "restore/load/loaders.h"

enum { DROP_TIMEOUT_MS = 60000 };

static int
start_scratch(struct restore *r, struct err *e)
{
    struct scratch_options o = {.at_least = r->label == NULL ? r->source_version
                                                             : r->label->server_version_num,
                                .parent_dir = r->o->scratch_dir,
                                .user = r->o->scratch_user,
                                .secrets = &r->o->secrets,
                                .unconfined = r->o->scratch_unconfined,
                                .network = r->o->allow_remote,
                                .jobs = r->o->jobs,
                                .bytes = r->label == NULL ? 0 : r->label->database_bytes,
                                .max_locks = (int)(r->n_tables < 100000 ? r->n_tables : 100000)};

    if ((r->scratch = scratch_start(&o, e)) == NULL) {
        return -1;
    }
    log_info("scratch server in %s", scratch_dir(r->scratch));
    r->server = scratch_target(r->scratch, NULL);
    return 0;
}

/* In a scratch server three names are taken. */
static char *
final_name(const struct restore *r)
{
    const char *source = r->label != NULL ? r->label->dbname
        : r->source_name != NULL          ? r->source_name
                                          : "restored";
    const char *name = r->o->to != NULL ? r->o->to : r->o->into != NULL ? r->o->into : source;
    bool        taken = strcmp(name, "postgres") == 0 || strcmp(name, "template0") == 0 ||
        strcmp(name, "template1") == 0;

    return r->o->scratch && taken ? xasprintf("%s_restored", name) : xstrdup(name);
}

int
target_open(struct restore *r, struct err *e)
{
    const struct options *o = r->o;

    if (r->maintenance == NULL) {
        r->server = target_server(o);
    }
    if (o->scratch && start_scratch(r, e) != 0) {
        return -1;
    }
    r->name = r->name != NULL ? r->name : final_name(r);
    r->working_name = halfmade_name(r->name, "restoring");
    if (r->maintenance == NULL && (r->maintenance = target_server_connect(&r->server, e)) == NULL) {
        return -1;
    }
    r->host = xstrdup(PQhost(r->maintenance));
    r->port = xstrdup(PQport(r->maintenance));
    r->user = xstrdup(PQuser(r->maintenance));
    return 0;
}

char *
target_name(const struct restore *r)
{
    return r->scratch != NULL ? xstrdup("a scratch server") : xasprintf("%s:%s", r->host, r->port);
}

PGconn *
target_connect(struct restore *r, struct err *e)
{
    struct pg_target t = r->server;
    PGconn          *conn;

    t.dbname = r->working_name;
    if ((conn = pg_connect(&t, PG_RESTORING, "pgassay-restore", e)) == NULL) {
        return NULL;
    }
    /* Most memory is useful for sorting for indexes; never less than the server's own setting.  A
     * scratch server was configured for the machine. */
    if (r->updates && pg_exec(conn, e, "SET session_replication_role = replica") != 0) {
        pg_close(conn);
        return NULL;
    }
    if (r->scratch == NULL &&
        pg_exec(conn, e,
                "SELECT pg_catalog.set_config('maintenance_work_mem', GREATEST(131072, "
                "setting::pg_catalog.int8)::pg_catalog.text, false) FROM pg_catalog.pg_settings "
                "WHERE name = 'maintenance_work_mem'") != 0) {
        pg_close(conn);
        return NULL;
    }
    return conn;
}

static void
role_problem(void *ctx, const char *role, const struct err *e)
{
    problem_add(&((struct restore *)ctx)->problems, "ROLE", NULL, role, e);
}

/* Until it is whole only superusers may connect, if our own sessions are a superuser's.  An
 * isolated server has no other users, and the loaders are no superusers. */
static int
close_to_others(struct restore *r, struct err *e)
{
    char *super = r->o->isolated ? NULL
                                 : pg_value(r->maintenance, e,
                                            "SELECT rolsuper FROM pg_catalog.pg_roles WHERE "
                                            "rolname = session_user",
                                            0, NULL);
    char *ident = pg_ident(r->working_name);

    if (super != NULL && *super == 't') {
        (void)pg_execf(r->maintenance, e, "ALTER DATABASE %s CONNECTION LIMIT 0", ident);
    }
    free(super);
    free(ident);
    return e->kind == ERR_NONE ? 0 : err_wrap(e, "keeping others out of the new database");
}

/* As ALTER DATABASE wants it; allocated. */
static char *
opening(const struct restore *r)
{
    int64_t limit = r->has_archive ? json_opt_int(properties_source(r), "connection_limit", -1)
                                   : -1;

    return xasprintf("CONNECTION LIMIT %d", limit < 0 ? -1 : (int)limit);
}

char *
target_opening(const struct restore *r)
{
    char *ident = pg_ident(r->working_name), *open = opening(r);
    char *sql = xasprintf("ALTER DATABASE %s %s", ident, open);

    free(ident);
    free(open);
    return sql;
}

int
target_open_to_others(struct restore *r, struct err *e)
{
    char *sql = target_opening(r);
    int   rc = pg_exec(r->maintenance, e, sql);

    free(sql);
    return rc;
}

/* A dump may come from a system with other locales: then the new database has the server's own, as
 * one that was made by hand for pg_restore would. */
static int
create_without_locale(struct restore *r, struct err *e)
{
    static const char *const keys[] = {"provider", "locale", "collate", "ctype", "icu_rules"};
    json_t                  *rest = json_deep_copy(r->source_properties);
    char                    *text = xasprintf(
                           "the locale of the dump's database is not to be had: "
                                              "the new one has the server's, and may sort "
                                              "otherwise (%s)",
                           e->text);
    int rc;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_object_del(rest, keys[i]);
    }
    err_clear(e);
    rc = newdb_create(r->maintenance, rest, r->working_name, r->tablespace, e);
    if (rc == 0) {
        log_warn("%s", text);
        strlist_add(&r->warnings, text);
    }
    free(text);
    json_decref(rest);
    return rc;
}

static int
create_database(struct restore *r, struct err *e)
{
    const json_t *properties = r->manifest == NULL ? r->source_properties : r->manifest->database;
    int           rc = newdb_create(r->maintenance, properties, r->working_name, r->tablespace, e);

    /* wrong_object_type: no such locale; none: no such provider, newdb.c says so itself */
    return rc != 0 && r->manifest == NULL && properties != NULL && e->kind == ERR_PG &&
            (strcmp(e->sqlstate, "42809") == 0 || e->sqlstate[0] == '\0')
        ? create_without_locale(r, e)
        : rc;
}

/* What the server says about it, for whoever finds it. */
static int
mark(struct restore *r, struct err *e)
{
    return r->replacing != NULL ? replacing_mark(r->maintenance, r->working_name, r->replacing, e)
                                : halfmade_mark(r->maintenance, r->working_name, e);
}

int
target_take_up(struct restore *r, struct err *e)
{
    (void)halfmade_lock(r->maintenance, r->working_name);
    return (r->conn = target_connect(r, e)) == NULL
        ? err_wrap(e, "connecting to database \"%s\"", r->working_name)
        : 0;
}

/* Whoever was there already, and everybody, get nothing from a backup unasked. */
static void
name_left(struct restore *r, const struct strlist *left)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err ignored = ERR_INIT;

    for (size_t i = 0; i < left->n; i++) {
        (void)buf_printf(&b, &ignored, " %s;", left->v[i]);
    }
    restore_warn(r,
                 xasprintf("privileges of roles that were there, and of everybody, are left to "
                           "this "
                           "server; it lacks:%s",
                           buf_str(&b)));
    buf_free(&b);
}

static int
make_roles(struct restore *r, struct err *e)
{
    struct strlist left = {0};
    int            rc = roles_create(r->conn,
                                     &(struct roles_wish){.globals_sql = buf_str(&r->globals),
                                                          .temporary = r->o->isolated,
                                                          .problem = role_problem,
                                                          .ctx = r,
                                                          .left = r->o->isolated ? NULL : &left},
                                     e);

    if (rc == 0 && left.n > 0) {
        name_left(r, &left);
    }
    strlist_free(&left);
    return rc;
}

static int
before_drop(void *ctx, const struct aside *a, struct err *e)
{
    const struct restore *r = ctx;

    return succession_before_drop(r->o, r->repo, r->maintenance, a, e);
}

int
target_create(struct restore *r, struct err *e)
{
    if (!halfmade_lock(r->maintenance, r->name)) {
        return halfmade_busy(r->maintenance, r->name, e);
    }
    if (halfmade_remove_dead(r->maintenance, r->name, e) != 0 ||
        aside_drop_expired(r->maintenance, time(NULL), before_drop, r, e) != 0) {
        return -1;
    }
    (void)halfmade_lock(r->maintenance, r->working_name);
    if (create_database(r, e) != 0) {
        r->created = e->kind == ERR_INTERRUPTED; /* the server may have stopped anyway */
        return -1;
    }
    r->created = true;
    if (mark(r, e) != 0) {
        return err_wrap(e, "marking the new database as half made");
    }
    if (close_to_others(r, e) != 0) {
        return -1;
    }
    if ((r->conn = target_connect(r, e)) == NULL) {
        return err_wrap(e, "connecting to the new database");
    }
    /* On this connection: the text is in the database's encoding. */
    return r->o->globals && r->globals.len > 0 ? make_roles(r, e) : 0;
}

/* pg_dump -t gives a table without the schema that it lies in. */
int
target_schemas(struct restore *r, struct err *e)
{
    struct strlist missing = {0};
    int            rc = 0;

    if (label_is_partial(r->label)) {
        names_of_schemas(&r->archive, &missing);
    }
    for (size_t i = 0; rc == 0 && i < missing.n; i++) {
        char *ident = pg_ident(missing.v[i]);

        rc = pg_execf(r->conn, e, "CREATE SCHEMA IF NOT EXISTS %s", ident);
        free(ident);
    }
    strlist_free(&missing);
    return rc == 0 ? 0 : err_wrap(e, "schemas of the selection");
}

void
target_disconnect(struct restore *r)
{
    for (int i = 0; i < r->o->jobs; i++) {
        pg_close(r->workers[i].conn);
        r->workers[i].conn = NULL;
    }
    pg_close(r->conn);
    r->conn = NULL;
}

/* Subscriptions (made without a slot, not enabled) would block dropping the database. */
static void
drop_subscriptions(PGconn *conn)
{
    static const char sql[] =
        "DO $$ DECLARE s pg_catalog.name; BEGIN FOR s IN SELECT subname FROM "
        "pg_catalog.pg_subscription WHERE subdbid = "
        "(SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "
        "LOOP "
        "EXECUTE pg_catalog.format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', s); "
        "EXECUTE pg_catalog.format('DROP SUBSCRIPTION %I', s); END LOOP; END $$";
    struct err ignored = ERR_INIT;

    if (conn != NULL && PQstatus(conn) == CONNECTION_OK) {
        if (PQtransactionStatus(conn) != PQTRANS_IDLE) {
            (void)pg_tidy(conn, DROP_TIMEOUT_MS, &ignored, "ROLLBACK");
        }
        (void)pg_tidy(conn, DROP_TIMEOUT_MS, &ignored, sql);
    }
}

int
target_drop(struct restore *r, const char *name, struct err *e)
{
    struct pg_target t = r->server;
    char            *ident = pg_ident(name);
    PGconn          *conn;
    int              rc;

    t.dbname = name;
    conn = pg_connect(&t, PG_RESTORING, "pgassay-restore", e);
    err_clear(e);
    drop_subscriptions(conn);
    pg_close(conn);
    rc = pg_execf(r->maintenance, e, "DROP DATABASE IF EXISTS %s WITH (FORCE)", ident);
    free(ident);
    return rc == 0 ? 0 : err_wrap(e, "dropping database \"%s\"", name);
}

/* Under a name that no later restore takes for a leftover. */
static void
keep_failed(struct restore *r, const char *ident)
{
    char *name = halfmade_name(r->name, "failed"), *to = pg_ident(name);
    char *open = opening(r);
    char *sql = xasprintf(
        "ALTER DATABASE %s RENAME TO %s; ALTER DATABASE %s ALLOW_CONNECTIONS "
        "true %s; COMMENT ON DATABASE %s IS NULL",
        ident, to, to, open, to);
    struct err e = ERR_INIT;

    target_disconnect(r);
    if (PQstatus(r->maintenance) == CONNECTION_OK &&
        pg_tidy(r->maintenance, DROP_TIMEOUT_MS, &e, sql) == 0) {
        log_error("what was restored is kept as database \"%s\"", name);
    } else {
        log_error(
            "what was restored is kept as database %s, which the next restore would remove: %s",
            ident, e.kind == ERR_NONE ? "the connection is lost" : e.text);
    }
    free(name);
    free(to);
    free(open);
    free(sql);
}

static void
drop_database(struct restore *r)
{
    const char *name = r->renamed ? r->name : r->working_name;
    char       *ident = pg_ident(name),
         *sql = xasprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", ident);
    struct err e = ERR_INIT;

    if (r->o->keep_failed && r->conn != NULL) {
        keep_failed(r, ident);
    } else {
        drop_subscriptions(r->conn);
        target_disconnect(r);
        if (PQstatus(r->maintenance) != CONNECTION_OK ||
            pg_tidy(r->maintenance, DROP_TIMEOUT_MS, &e, sql) != 0) {
            log_hinted(LOG_ERROR, sql, "could not remove the half-made database \"%s\": %s", name,
                       e.kind == ERR_NONE ? "the connection is lost" : e.text);
        }
    }
    free(ident);
    free(sql);
}

void
target_end(struct restore *r, bool failed)
{
    bool keep = failed ? r->o->keep_failed : r->o->keep;

    loaders_end(r);
    /* Databases are removed with a scratch server. */
    if (failed && r->created && !r->gone && (r->scratch == NULL || keep)) {
        drop_database(r);
    }
    target_disconnect(r);
    pg_close(r->maintenance);
    r->maintenance = NULL;
    if (r->scratch != NULL && keep) {
        r->keep_command = scratch_keep(r->scratch);
    }
}
