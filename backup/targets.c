#include "backup/targets.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "pg/conn/target.h"
#include "pg/target/halfmade.h"

static void
add(struct targets *t, const char *name, const char *dbname, const char *conninfo)
{
    VEC_GROW(t->v, t->n, t->cap);
    t->v[t->n++] = (struct database){
        .name = name == NULL ? NULL : xstrdup(name),
        .dbname = dbname == NULL ? NULL : xstrdup(dbname),
        .conninfo = conninfo == NULL ? NULL : xstrdup(conninfo),
    };
}

static bool
has_section(const struct config *cfg, const char *name)
{
    const char *section;

    for (size_t i = 0; (section = config_section(cfg, "database", i)) != NULL; i++) {
        if (strcmp(section, name) == 0) {
            return true;
        }
    }
    return false;
}

/* An argument is the name of a section, a database's name, or a connection string. */
static void
add_argument(struct targets *t, const struct options *o, const struct config *cfg, const char *arg)
{
    if (has_section(cfg, arg)) {
        const char *dbname = config_get(cfg, "database", arg, "dbname");
        const char *conninfo = config_get(cfg, "database", arg, "conninfo");

        if (dbname == NULL && (conninfo == NULL || !pg_names_database(conninfo))) {
            dbname = arg; /* not the database named like the user */
        }
        add(t, o->name != NULL ? o->name : arg, dbname, NULL);
    } else if (strchr(arg, '=') != NULL || strstr(arg, "://") != NULL) {
        add(t, o->name, NULL, arg);
    } else {
        add(t, o->name != NULL ? o->name : arg, arg, NULL);
    }
}

/* The maintenance database: the options', else "postgres" instead of one named like the user. */
static PGconn *
connect_for_list(const struct options *o, const struct opts_result *given, struct err *e)
{
    struct pg_target t = target_of(o, given, &(struct database){0});

    if (o->conninfo != NULL ? !pg_names_database(o->conninfo)
                            : getenv("PGDATABASE") == NULL && getenv("PGSERVICE") == NULL) {
        t.dbname = "postgres";
    }
    return pg_connect(&t, PG_READING, "pgassay-backup", e);
}

static int
add_all(struct targets *t, const struct options *o, const struct opts_result *given,
        const struct config *cfg, struct err *e)
{
    struct options common;
    PGconn        *conn;
    PGresult      *r = NULL;

    if (options_for(o, given, cfg, NULL, &common, e) != 0) {
        return -1;
    }
    conn = connect_for_list(&common, given, e);

    /* -2 marks a database whose DROP was interrupted. */
    if (conn != NULL) {
        r = pg_query(conn, e,
                     "SELECT d.datname, " HALFMADE_SQL
                     " FROM pg_catalog.pg_database d WHERE "
                     "d.datallowconn AND d.datconnlimit <> -2 ORDER BY 1",
                     0, NULL);
    }
    for (int i = 0; r != NULL && i < PQntuples(r); i++) {
        if (PQgetvalue(r, i, 1)[0] == 't') {
            log_warn("database \"%s\" is passed over: a restore is making it, or left it behind",
                     PQgetvalue(r, i, 0));
            continue;
        }
        add(t, PQgetvalue(r, i, 0), PQgetvalue(r, i, 0), NULL);
        t->v[t->n - 1].listed = true;
    }
    PQclear(r);
    pg_close(conn);
    options_free(&common);
    return r == NULL ? err_wrap(e, "list the databases") : 0;
}

int
targets_make(const struct options *o, const struct opts_result *given, const struct config *cfg,
             struct targets *t, struct err *e)
{
    *t = (struct targets){0};
    if (o->all && given->rest.n > 0) {
        return err_set(e, ERR_USAGE, "--all means every database: \"%s\" is one too many",
                       given->rest.v[0]);
    }
    if (o->name != NULL && given->rest.n > 1) {
        return err_set(e, ERR_USAGE, "--name is for one database, not for %zu", given->rest.n);
    }
    if (o->name != NULL && *o->name == '\0') {
        return err_set(e, ERR_USAGE, "--name is empty");
    }
    if (o->all) {
        return add_all(t, o, given, cfg, e);
    }
    for (size_t i = 0; i < given->rest.n; i++) {
        if (*given->rest.v[i] == '\0') {
            err_set(e, ERR_USAGE, "the name of a database is empty");
            return err_hint(e, "a variable that is not set?");
        }
        add_argument(t, o, cfg, given->rest.v[i]);
    }
    if (given->rest.n == 0) {
        add(t, o->name, NULL, NULL);
    }
    return 0;
}

void
targets_add(struct targets *t, const char *name, const char *dbname)
{
    add(t, name, dbname, NULL);
}

void
targets_free(struct targets *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->v[i].name);
        free(t->v[i].dbname);
        free(t->v[i].conninfo);
    }
    free(t->v);
    *t = (struct targets){0};
}

struct pg_target
target_of(const struct options *o, const struct opts_result *given, const struct database *d)
{
    struct pg_target t = {
        .conninfo = d->conninfo != NULL ? d->conninfo : o->conninfo,
        .host = o->host,
        .port = o->port,
        .user = o->user,
        .dbname = d->dbname,
        .role = o->role,
    };

    pg_target_settle(&t, given, d->conninfo != NULL || strlist_has(&given->given, "conninfo"));
    return t;
}
