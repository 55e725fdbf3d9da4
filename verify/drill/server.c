#include "verify/drill/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/log.h"
#include "pg/conn/tools.h"
#include "pg/snapshot/inventory.h"
#include "pg/target/roles.h"

enum { TIDY_TIMEOUT_MS = 60000 };

/* ---- one of its own ---------------------------------------------------------------------------
 */

/* A newer one than that which was asked for would prove something else. */
static int
find_major(const struct options *o, struct err *e)
{
    struct pg_tool initdb = {0};
    int            rc = pg_tool_find("initdb", o->major * 10000, &initdb, e);

    if (rc == 0 && initdb.version_num / 10000 != o->major) {
        rc = err_set(e, ERR_NOT_FOUND, "no server of PostgreSQL %d is here; the nearest is %s",
                     o->major, initdb.version);
        err_hint(e, "install postgresql-%d, or name its directory with --pg-bindir", o->major);
    }
    pg_tool_free(&initdb);
    return rc;
}

static int
start_own(const struct options *o, const struct baseline *b, const struct warm *w,
          struct drill_server *s, struct err *e)
{
    if (o->major != 0 && find_major(o, e) != 0)
        return -1;
    s->scratch = scratch_start(
        &(struct scratch_options){
            .at_least = o->major != 0 ? o->major * 10000 : b->label->server_version_num,
            .parent_dir = w != NULL ? w->dir : o->scratch_dir,
            .data = w != NULL ? w->data : NULL,
            .user = o->scratch_user,
            .secrets = &o->secrets,
            .unconfined = o->scratch_unconfined,
            .network = o->allow_remote,
            .jobs = o->jobs,
            .bytes = b->label->database_bytes,
            .max_locks = (int)(2 * b->man->n_objects),
        },
        e);
    if (s->scratch == NULL)
        return -1;
    s->target = scratch_target(s->scratch, NULL);
    return 0;
}

/* ---- a named one ------------------------------------------------------------------------------
 */

/* The value of a word of a connection string, or what libpq takes when it says none (of the
 * environment nothing counts here); allocated, "" when there is neither. */
static char *
word(const char *conninfo, const char *keyword)
{
    PQconninfoOption *all = PQconninfoParse(conninfo, NULL);
    char             *value = NULL;

    for (PQconninfoOption *w = all; w != NULL && w->keyword != NULL; w++) {
        const char *v = w->val != NULL ? w->val : w->compiled;

        if (strcmp(w->keyword, keyword) == 0 && v != NULL)
            value = xstrdup(v);
    }
    PQconninfoFree(all);
    return value != NULL ? value : xstrdup("");
}

/* Does this, which may be no connection string at all, lead where the section's does? */
static bool
same_server(const char *section, const char *given)
{
    static const char *const where[] = {"host", "hostaddr", "port", "service"};
    bool                     same = strchr(given, '=') != NULL || strstr(given, "://") != NULL;

    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        char *x = word(section, where[i]), *y = word(given, where[i]);

        same = same && strcmp(x, y) == 0;
        free(x);
        free(y);
    }
    return same;
}

static bool
is_scratch(const struct options *o, const char *section)
{
    const char *value = config_get(o->config, "server", section, "scratch");

    return value != NULL && strcmp(value, "yes") == 0;
}

/* Its connection string: of the section that has this name, or of one that leads to the same
 * server.  Only what is marked counts. */
static const char *
find_named(const struct options *o, struct err *e)
{
    const char *name;

    for (size_t i = 0; (name = config_section(o->config, "server", i)) != NULL; i++) {
        const char *conninfo = config_get(o->config, "server", name, "conninfo");
        bool        named = strcmp(name, o->server) == 0;

        if (conninfo == NULL || !(named || same_server(conninfo, o->server)))
            continue;
        if (is_scratch(o, name))
            return named ? conninfo : o->server;
        err_set(e, ERR_USAGE, "[server %s] is not marked scratch = yes", name);
        err_hint(e, "a drill makes and drops databases there: mark only a server that is for that");
        return NULL;
    }
    err_set(e, ERR_USAGE, "--server: the configuration has no such [server NAME]");
    err_hint(e, "it needs its conninfo, and scratch = yes");
    return NULL;
}

/* Not the one that the backup came from, with all rights, and of the version that was asked for. */
static int
check_named(const struct options *o, const struct baseline *b, PGconn *conn, struct err *e)
{
    const char *source = json_opt_str(b->man->server, "system_identifier", ""), *have;
    json_t     *server;
    char       *may = pg_value(conn, e,
                               "SELECT rolsuper AND NOT pg_catalog.pg_is_in_recovery() FROM "
                                     "pg_catalog.pg_roles WHERE rolname = current_user",
                               0, NULL);
    int         rc = -1;

    if (may == NULL || (server = inventory_server(conn, e)) == NULL) {
        free(may);
        return -1;
    }
    have = json_opt_str(server, "system_identifier", "?");
    if (strcmp(source, have) == 0)
        err_set(e, ERR_USAGE, "it is the server that the backup came from");
    else if (may[0] != 't')
        err_set(e, ERR_USAGE, "a drill needs a superuser there, and a server that can be written");
    else if (o->major != 0 && pg_version(conn) / 10000 != o->major)
        err_set(e, ERR_USAGE, "it is PostgreSQL %d, not %d", pg_version(conn) / 10000, o->major);
    else
        rc = 0;
    json_decref(server);
    free(may);
    return rc;
}

static int
lock_named(PGconn *conn, struct err *e)
{
    char *locked = pg_value(conn, e,
                            "SELECT "
                            "pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext('" DRILL_NAME
                            "')"
                            ")",
                            0, NULL);
    bool  ours = locked != NULL && locked[0] == 't';

    free(locked);
    if (ours)
        return 0;
    return e->kind != ERR_NONE ? -1 : err_set(e, ERR_BUSY, "another drill is using it");
}

/* One column of a short query, appended; also while tidying up after an interruption, when
 * pg_query() would not. */
static int
names(PGconn *conn, const char *sql, struct strlist *out, struct err *e)
{
    PGresult *res = PQexec(conn, sql);
    bool      ok = PQresultStatus(res) == PGRES_TUPLES_OK;

    for (int i = 0; ok && i < PQntuples(res); i++)
        strlist_add(out, PQgetvalue(res, i, 0));
    if (!ok)
        pg_error(conn, res, e);
    PQclear(res);
    return ok ? 0 : -1;
}

/* but: not this one; NULL: all. */
static int
drop_databases(PGconn *conn, const char *but, struct err *e)
{
    struct strlist list = {0};
    int            rc;

    rc = names(conn, "SELECT datname FROM pg_catalog.pg_database WHERE datname ~ '^" DRILL_NAME "'",
               &list, e);
    for (size_t i = 0; i < list.n && rc == 0; i++) {
        char *ident, *sql;

        if (but != NULL && strcmp(list.v[i], but) == 0)
            continue;
        ident = pg_ident(list.v[i]);
        sql = xasprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", ident);

        rc = pg_tidy(conn, TIDY_TIMEOUT_MS, e, sql);
        free(ident);
        free(sql);
    }
    strlist_free(&list);
    return rc;
}

static const char owns_sql[] =
    "SELECT FROM pg_catalog.pg_shdepend d "
    "JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid AND r.rolname = $1 "
    "JOIN pg_catalog.pg_database b ON b.oid = d.dbid AND b.datname = pg_catalog.current_database() "
    "WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.deptype = 'o'";

/* Nothing that somebody else has made is dropped with it: a drill's roles own nothing here. */
static int
drop_role(PGconn *conn, const char *name, struct err *e)
{
    const char *params[] = {name};
    char       *ident = pg_ident(name);
    char       *owned = xasprintf("DROP OWNED BY %s", ident);
    char       *role = xasprintf("DROP ROLE %s", ident);
    PGresult   *own = PQexecParams(conn, owns_sql, 1, NULL, params, NULL, NULL, 0);
    int         rc = PQresultStatus(own) == PGRES_TUPLES_OK ? 0 : pg_error(conn, own, e);

    if (rc == 0 && PQntuples(own) > 0)
        rc = err_set(e, ERR_EXISTS, "it owns something in database \"%s\"", PQdb(conn));
    if (rc == 0)
        rc = pg_tidy(conn, TIDY_TIMEOUT_MS, e, owned);
    if (rc == 0)
        rc = pg_tidy(conn, TIDY_TIMEOUT_MS, e, role);
    PQclear(own);
    free(ident);
    free(owned);
    free(role);
    return rc;
}

/* Those of a drill: of its own names, and those that a restore has made for its copy.  Nobody
 * else's have either, whenever they were made. */
static const char made_sql[] =
    "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname ~ '^" DRILL_NAME
    "' OR pg_catalog.shobj_description(oid, 'pg_authid') = '" ROLES_TEMPORARY "' ORDER BY oid DESC";

/* Each in its turn, as one may have granted what another one has, until none more can go.  One that
 * stays is a warning, where a host is given. */
static int
drop_roles(PGconn *conn, const char *host, struct err *e)
{
    struct strlist list = {0};
    size_t         before;

    do {
        before = list.n;
        strlist_free(&list);
        if (names(conn, made_sql, &list, e) != 0)
            return -1;
        for (size_t i = 0; i < list.n; i++) {
            struct err why = ERR_INIT;

            if (drop_role(conn, list.v[i], &why) != 0 && list.n == before && host != NULL)
                log_warn(
                    "server \"%s\": role \"%s\", made by a drill, is left there (another "
                    "comment on it would make it yours): %s",
                    host, list.v[i], why.text);
        }
    } while (list.n > 0 && list.n != before);
    strlist_free(&list);
    return 0;
}

static void
take_address(struct drill_server *s)
{
    PGconn *conn = s->held;

    s->host = xstrdup(PQhost(conn));
    s->port = xstrdup(PQport(conn));
    s->user = xstrdup(PQuser(conn));
    s->conninfo = pg_child_conninfo(conn);
    s->env = pg_child_env(conn);
    s->password = PQconnectionUsedPassword(conn) ? xstrdup(PQpass(conn)) : NULL;
    s->target.host = s->host;
    s->target.port = s->port;
    s->target.user = s->user;
    s->target.password = s->password;
    s->target.version = pg_version(conn);
}

static int
start_named(const struct options *o, const struct baseline *b, struct drill_server *s,
            struct err *e)
{
    static const char *const elsewhere[] = {"PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE"};
    struct pg_target         target = {.conninfo = find_named(o, e), .dbname = "postgres"};

    /* The configuration alone says which server it is. */
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        (void)unsetenv(elsewhere[i]);
    if (target.conninfo == NULL ||
        (s->held = pg_connect(&target, PG_RESTORING, "pgassay-verify", e)) == NULL)
        return -1;
    s->target.conninfo = target.conninfo;
    take_address(s);
    if (check_named(o, b, s->held, e) != 0 || lock_named(s->held, e) != 0 ||
        drop_databases(s->held, NULL, e) != 0 || drop_roles(s->held, NULL, e) != 0) {
        /* Nothing was made: nothing is to be removed. */
        pg_close(s->held);
        s->held = NULL;
        return err_wrap(e, "server \"%s\"", s->host);
    }
    return 0;
}

static int
tidy_named(struct drill_server *s, struct err *e)
{
    int rc = 0;

    if (s->held != NULL) {
        rc = drop_databases(s->held, NULL, e);
        if (rc == 0)
            rc = drop_roles(s->held, s->host, e);
        else
            err_wrap(e, "server \"%s\": a database of the drill is left there", s->host);
    }
    pg_close(s->held);
    free(s->host);
    free(s->port);
    free(s->user);
    if (s->password != NULL)
        explicit_bzero(s->password, strlen(s->password));
    free(s->password);
    free(s->conninfo);
    pg_child_env_free(s->env);
    return rc;
}

/* ---- either -----------------------------------------------------------------------------------
 */

int
drill_server_start(const struct options *o, const struct baseline *b, const struct warm *w,
                   struct drill_server *s, struct err *e)
{
    struct err ignored = ERR_INIT;

    *s = (struct drill_server){0};
    if (o->server == NULL)
        return start_own(o, b, w, s, e);
    if (start_named(o, b, s, e) == 0)
        return 0;
    (void)tidy_named(s, &ignored);
    return -1;
}

int
drill_server_leave(struct drill_server *s, struct err *e)
{
    struct pg_target target = s->target;
    PGconn          *conn;
    int              rc;

    target.dbname = "postgres";
    if ((conn = pg_connect(&target, PG_RESTORING, "pgassay-verify", e)) == NULL)
        return -1;
    rc = drop_databases(conn, DRILL_NAME, e);
    pg_close(conn);
    if (rc == 0)
        scratch_leave(s->scratch);
    return rc;
}

void
drill_server_args(const struct drill_server *s, struct strlist *args)
{
    if (s->conninfo != NULL) {
        strlist_add(args, "--conninfo");
        strlist_add(args, s->conninfo);
        return;
    }
    strlist_add(args, "--host");
    strlist_add(args, s->target.host);
    strlist_add(args, "--port");
    strlist_add(args, s->target.port);
    strlist_add(args, "--username");
    strlist_add(args, s->target.user);
}

/* What pgassay-restore advises is about a server of its own. */
void
drill_server_explain(const struct drill_server *s, uint64_t bytes, struct err *e)
{
    struct statvfs fs;

    if (s->scratch == NULL)
        return;
    scratch_explain(s->scratch, e);
    if (e->kind == ERR_IO && statvfs(scratch_dir(s->scratch), &fs) == 0 &&
        (uint64_t)fs.f_bavail * fs.f_frsize < bytes)
        err_hint(e, "make room there, or name a directory with more room with --scratch-dir");
}

int
drill_server_end(struct drill_server *s, struct err *e)
{
    return s->scratch != NULL ? scratch_end(s->scratch, e) : tidy_named(s, e);
}
