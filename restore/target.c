/*
 * target.c - the server, the new database under its working name, and what becomes of both in the
 * end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/log.h"
#include "pg/target/newdb.h"
#include "pg/target/roles.h"
#include "restore/names.h"
#include "restore/restore.h"

enum { NAME_MAX_BYTES = 63, DROP_TIMEOUT_MS = 60000 };

static int
start_scratch(struct restore *r, struct err *e)
{
    struct scratch_options o = {.at_least = r->label->server_version_num,
                                .parent_dir = r->o->scratch_dir,
                                .user = r->o->scratch_user,
                                .jobs = r->o->jobs,
                                .max_locks = (int)(r->n_tables < 100000 ? r->n_tables : 100000)};

    if ((r->scratch = scratch_start(&o, e)) == NULL) {
        return -1;
    }
    log_info("scratch server in %s", scratch_dir(r->scratch));
    r->server = scratch_target(r->scratch, NULL);
    return 0;
}

/* Any database will do to create another from: "postgres", or where there is none, template1. */
static PGconn *
connect_maintenance(struct restore *r, struct err *e)
{
    static const char *const names[] = {"postgres", "template1"};
    PGconn                  *conn = NULL;

    for (size_t i = 0; conn == NULL && i < sizeof names / sizeof names[0]; i++) {
        struct pg_target t = r->server;
        t.dbname = names[i];
        conn = pg_connect(&t, PG_RESTORING, "pgassay-restore", e);
        if (conn == NULL && strstr(e->text, "does not exist") == NULL) {
            break;
        }
    }
    return conn;
}

/* "shop_restoring_1f2e3d4c", cut so that it stays a name and valid text. */
static char *
derived_name(const char *name, const char *what)
{
    char   suffix[32];
    size_t n = strlen(name), room;

    (void)snprintf(suffix, sizeof suffix, "_%s_", what);
    random_hex(4, suffix + strlen(suffix));
    room = NAME_MAX_BYTES - strlen(suffix);
    if (n > room) {
        for (n = room; n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80; n--) {
        }
    }
    return xasprintf("%.*s%s", (int)n, name, suffix);
}

/* In a scratch server three names are taken. */
static char *
final_name(const struct restore *r)
{
    const char *name = r->o->to != NULL ? r->o->to : r->label->dbname;
    bool        taken = strcmp(name, "postgres") == 0 || strcmp(name, "template0") == 0 ||
        strcmp(name, "template1") == 0;

    return r->o->scratch && taken ? xasprintf("%s_restored", name) : xstrdup(name);
}

int
target_open(struct restore *r, struct err *e)
{
    const struct options *o = r->o;

    r->server = (struct pg_target){.conninfo = o->conninfo,
                                   .host = o->host,
                                   .port = o->port,
                                   .user = o->user,
                                   .role = o->role};
    if (o->scratch && start_scratch(r, e) != 0) {
        return -1;
    }
    r->name = final_name(r);
    r->working_name = derived_name(r->name, "restoring");
    if ((r->maintenance = connect_maintenance(r, e)) == NULL) {
        return err_wrap(e, "connecting to the target server");
    }
    r->host = xstrdup(PQhost(r->maintenance));
    r->port = xstrdup(PQport(r->maintenance));
    r->user = xstrdup(PQuser(r->maintenance));
    return 0;
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
    /* Sorting for indexes is where most of the memory pays; never less than the server's own
     * setting.  A scratch server was given what the machine has. */
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

/* Held as long as the restore lives, so that another one knows a working database from one that
 * was left behind. */
#define LOCK_CALL                                                                                  \
    "pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('pgassay-restore ' || $1, 0))"

static bool
lock_name(struct restore *r, const char *name)
{
    struct err  ignored = ERR_INIT;
    const char *params[] = {name};
    char       *got = pg_value(r->maintenance, &ignored, "SELECT " LOCK_CALL, 1, params);
    bool        locked = got != NULL && *got == 't';

    free(got);
    return locked;
}

/* "shop" + "_restoring_" + eight hexadecimal digits. */
static bool
is_working_name(const char *name, const char *of)
{
    static const char mark[] = "_restoring_";
    size_t            n = strlen(name), tail = sizeof mark - 1 + 8;

    return n > tail && strncmp(name, of, n - tail) == 0 &&
        (n - tail == strlen(of) || n == NAME_MAX_BYTES) &&
        strncmp(name + n - tail, mark, sizeof mark - 1) == 0 &&
        strspn(name + n - 8, "0123456789abcdef") == 8;
}

/* What a restore under the same name left when it was killed.  Best effort: it only takes room. */
static int
remove_leftovers(struct restore *r, struct err *e)
{
    PGresult *res = pg_query(r->maintenance, e, "SELECT datname FROM pg_catalog.pg_database", 0,
                             NULL);

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        const char *name = PQgetvalue(res, i, 0);
        struct err  why = ERR_INIT;
        char       *ident;

        if (!is_working_name(name, r->name) || !lock_name(r, name)) {
            continue;
        }
        ident = pg_ident(name);
        if (pg_execf(r->maintenance, &why, "DROP DATABASE IF EXISTS %s WITH (FORCE)", ident) == 0) {
            log_info("removed database \"%s\", left over from a restore that was killed", name);
        } else {
            log_warn(
                "database \"%s\", left over from a restore that was killed, could not be removed: "
                "%s",
                name, why.text);
        }
        free(ident);
    }
    PQclear(res);
    return res == NULL ? -1 : 0;
}

int
target_create(struct restore *r, struct err *e)
{
    if (remove_leftovers(r, e) != 0) {
        return -1;
    }
    (void)lock_name(r, r->working_name);
    if (newdb_create(r->maintenance, r->manifest->database, r->working_name, e) != 0) {
        r->created = e->kind ==
            ERR_INTERRUPTED; /* the server may have come to its end all the same */
        return -1;
    }
    r->created = true;
    if ((r->conn = target_connect(r, e)) == NULL) {
        return err_wrap(e, "connecting to the new database");
    }
    /* On this connection: the text is in the database's encoding. */
    if (r->o->globals && r->globals.len > 0 &&
        roles_create(r->conn, buf_str(&r->globals), role_problem, r, e) != 0) {
        return -1;
    }
    return 0;
}

/* pg_dump -t gives a table without the schema that it lies in. */
int
target_schemas(struct restore *r, struct err *e)
{
    struct strlist missing = {0};
    int            rc = 0;

    if (strcmp(r->label->scope, "full") != 0) {
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

static void
close_workers(struct restore *r)
{
    for (int i = 0; i < r->o->jobs; i++) {
        pg_close(r->workers[i].conn);
        r->workers[i].conn = NULL;
    }
    pg_close(r->conn);
    r->conn = NULL;
}

int
target_publish(struct restore *r, struct err *e)
{
    char *from = pg_ident(r->working_name), *to = pg_ident(r->name);
    int   rc;

    close_workers(r);
    rc = pg_execf(r->maintenance, e, "ALTER DATABASE %s RENAME TO %s", from, to);
    free(from);
    free(to);
    if (rc != 0) {
        return err_wrap(e, "giving the restored database its name \"%s\"", r->name);
    }
    r->renamed = true;
    return 0;
}

/* Subscriptions (made without a slot, not enabled) would hold the database. */
static void
drop_subscriptions(struct restore *r)
{
    static const char sql[] =
        "DO $$ DECLARE s pg_catalog.name; BEGIN FOR s IN SELECT subname FROM "
        "pg_catalog.pg_subscription WHERE subdbid = "
        "(SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "
        "LOOP "
        "EXECUTE pg_catalog.format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', s); "
        "EXECUTE pg_catalog.format('DROP SUBSCRIPTION %I', s); END LOOP; END $$";
    struct err ignored = ERR_INIT;

    if (r->conn != NULL && PQstatus(r->conn) == CONNECTION_OK) {
        (void)pg_tidy(r->conn, DROP_TIMEOUT_MS, &ignored, "ROLLBACK");
        (void)pg_tidy(r->conn, DROP_TIMEOUT_MS, &ignored, sql);
    }
}

/* Under a name that no later restore takes for a leftover. */
static void
keep_failed(struct restore *r, const char *ident)
{
    char      *name = derived_name(r->name, "failed"), *to = pg_ident(name);
    char      *sql = xasprintf("ALTER DATABASE %s RENAME TO %s", ident, to);
    struct err e = ERR_INIT;

    close_workers(r);
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
        drop_subscriptions(r);
        close_workers(r);
        if (PQstatus(r->maintenance) != CONNECTION_OK ||
            pg_tidy(r->maintenance, DROP_TIMEOUT_MS, &e, sql) != 0) {
            log_error("could not remove the half-made database \"%s\": %s", name,
                      e.kind == ERR_NONE ? "the connection is lost" : e.text);
            log_error("hint: %s", sql);
        }
    }
    free(ident);
    free(sql);
}

void
target_end(struct restore *r, bool failed)
{
    bool keep = failed ? r->o->keep_failed : r->o->keep;

    /* A scratch server takes its databases along. */
    if (failed && r->created && (r->scratch == NULL || keep)) {
        drop_database(r);
    }
    close_workers(r);
    pg_close(r->maintenance);
    r->maintenance = NULL;
    if (r->scratch != NULL && keep) {
        r->keep_command = scratch_keep(r->scratch);
    }
}
